"""http-01 (RFC 8555, 8.3 and 10.4): what can go wrong, and what the client is told: name, address, what came back,
what to do."""
import socket
import time
import zlib

import pytest
from harness.acme import URN
from harness.responder import PREFIX

@pytest.fixture
def fails(shared):
    """Validates a name that must fail; the challenge's error and record."""
    def run(name, kind, *words, named=True):
        order = shared.order([name]).json()
        challenge = shared.challenge(order["authorizations"][0])
        shared.post(challenge["url"], {})
        done = shared.poll(order["authorizations"][0], ("valid", "invalid")).json()
        assert done["status"] == "invalid", done
        error = done["challenges"][0]["error"]
        assert error["type"] == URN + kind, error
        for word in (*words, *([name] if named else [])):
            assert word in error["detail"], (word, error["detail"])
        assert done["challenges"][0]["status"] == "invalid" and "validated" not in done["challenges"][0]
        return done["challenges"][0]
    return run


def address(server, path=""):
    return f"http://{{}}:{server.responder.port}{path}"


# --- DNS ---------------------------------------------------------------------------------------------

@pytest.mark.parametrize("answer, words", [
    ({"rcode": "NXDOMAIN"}, ("NXDOMAIN", "add the record")),
    ({"rcode": "SERVFAIL"}, ("SERVFAIL", "name servers")),
    ({"rcode": "REFUSED"}, ("REFUSED", "va.zones")),
    ({"a": []}, ("without an address", "add an A or AAAA record")),
], ids=["nxdomain", "servfail", "refused", "no-address"])
def test_dns_answers(server, names, fails, answer, words):
    name = names.set(f"dns-{words[0].replace(' ', '-').lower()}.test", **answer)
    fails(name, "dns", names.address, *words)


def test_dns_silence(names, fails):
    name = names.set("dns-silent.test", silent=True)
    begin = time.monotonic()
    fails(name, "dns", names.address, "answer", "va.resolvers")
    assert time.monotonic() - begin < 10                    # va.timeout is 5 s here


def test_dns_cname_and_tcp(server, names, shared):
    """An answer by way of a CNAME, and one that only fits into TCP."""
    names.set("alias.test", cname="target.test")
    names.set("large.test", a=["127.0.0.1"], truncate=True)
    issued = shared.issue(["alias.test", "large.test"])
    assert issued.names == ["alias.test", "large.test"]
    assert ("large.test", "A", "tcp") in names.asked


@pytest.mark.alone
def test_dns_slow_resolver_delays_nobody_else(server, names, shared):
    names.set("slowdns.test", a=["127.0.0.1"], delay=1.2)
    slow = shared.order(["slowdns.test"]).json()["authorizations"][0]
    shared.post(shared.challenge(slow)["url"], {})
    begin = time.monotonic()
    shared.issue(["fastdns.test"])
    assert time.monotonic() - begin < 1.0
    assert shared.poll(slow, ("valid", "invalid")).json()["status"] == "valid"


# --- connections -------------------------------------------------------------------------------------

def test_refused_port(names, fails):
    """127.0.0.2 is loopback too, and nothing listens there."""
    name = names.set("refused.test", a=["127.0.0.2"])
    challenge = fails(name, "connection", "127.0.0.2", "refused the connection", "responder running")
    assert challenge["validationRecord"][0]["addressUsed"] == "127.0.0.2"


def test_accepts_and_says_nothing(server, names, fails):
    name = names.set("mute.test", a=["127.0.0.3"])
    with socket.create_server(("127.0.0.3", server.responder.port)):
        fails(name, "connection", "127.0.0.3", "did not finish its answer", "5 s")


def test_drips_for_ever(server, fails):
    """Each byte in time, the whole never: the time limit is for all of it."""
    server.responder.by_host["drip.test"] = {"body": "x" * 500, "drip": 0.2}
    begin = time.monotonic()
    fails("drip.test", "connection", "did not finish its answer")
    assert time.monotonic() - begin < 9


@pytest.mark.parametrize("raw, words", [
    (b"", "without an answer"), (b"SSH-2.0-OpenSSH_9.2\r\n", "HTTP"),
    (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc", "broke the connection off"),
    (b"HTTP/1.1 200 OK\r\n" + b"X-Filler: %s\r\n" % (b"y" * 4000) * 20 + b"\r\n", "headers"),
], ids=["closes", "ssh", "cut-short", "headers-80-kib"])
def test_no_http_answer(server, fails, raw, words):
    name = f"raw-{len(raw)}.test"
    server.responder.by_host[name] = {"raw": raw}
    fails(name, "connection", "127.0.0.1", words)


# --- answers -----------------------------------------------------------------------------------------

@pytest.mark.parametrize("status, words", [(404, "the file isn't there"), (403, "403"), (500, "500"),
                                           (204, "204"),
                                           (401, "401"), (303, "303"), (300, "300")])
def test_status(server, fails, status, words):
    name = f"status{status}.test"
    server.responder.by_host[name] = {"status": status, "body": "", "headers": {"Location": "/x"}}
    fails(name, "unauthorized", "127.0.0.1", f"status {status}", words, PREFIX)


@pytest.mark.parametrize("what, words", [
    (lambda token: "", "empty"),
    (lambda token: token, "the token alone"),
    (lambda token: token + "." + "A" * 43, "another account"),
    (lambda token: "B" * 43 + "." + "A" * 43, "another token"),
    (lambda token: "<!DOCTYPE html><html><body>Welcome to nginx!</body></html>", "HTML"),
    (lambda token: "SECRET-OF-AN-INTERNAL-SERVICE", "something else"),
    (lambda token: "SECRET" * 100000, "longer than"),
], ids=["empty", "token-alone", "other-account", "other-token", "html", "other", "oversize"])
def test_wrong_body(server, fails, what, words):
    name = f"body-{words.split()[-1].lower()}.test"
    server.responder.by_host[name] = lambda h: {"body": what(h.path.rsplit("/", 1)[1])}
    challenge = fails(name, "incorrectResponse", "127.0.0.1", words)
    # 10.4: the body is never echoed, or the CA could be used to read what only it can reach
    for secret in ("SECRET", "nginx", "A" * 43):
        assert secret not in str(challenge).replace(challenge["token"], "")


def test_other_thumbprint_of_a_real_account(server, client, fails):
    """The right token with my own thumbprint, when another account ordered (RFC 8555, 8.1)."""
    server.responder.by_host["stolen.test"] = lambda h: {
        "body": h.path.rsplit("/", 1)[1] + "." + client.key.thumbprint}
    fails("stolen.test", "incorrectResponse", "different account key")


def test_trailing_white_space_is_ignored(server, shared):
    server.responder.by_host["space.test"] = lambda h: {
        "body": server.responder.tokens[h.path.rsplit("/", 1)[1]] + " \r\n\t\n"}
    shared.issue(["space.test"])


# --- redirects ---------------------------------------------------------------------------------------

def redirect(server, name, to, status=302):
    server.responder.by_host[name] = {"status": status, "headers": {"Location": to}}
    return name


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_redirect_is_followed(server, shared, status):
    name = f"redirect{status}.test"
    server.responder.by_host[name] = lambda h: {"status": status, "headers": {
        "Location": address(server).format("behind.test") + h.path}}
    order = shared.order([name]).json()
    shared.post(shared.challenge(order["authorizations"][0])["url"], {})
    done = shared.poll(order["authorizations"][0], ("valid", "invalid")).json()
    assert done["status"] == "valid", done
    assert [hop["hostname"] for hop in done["challenges"][0]["validationRecord"]] == [name, "behind.test"]


def test_relative_redirect(server, shared):
    server.responder.by_host["relative.test"] = lambda h: {"body": server.responder.tokens[h.path[7:]]} \
        if h.path.startswith("/moved/") else {"status": 302, "headers": {
            "Location": "/moved/" + h.path.rsplit("/", 1)[1]}}
    shared.issue(["relative.test"])


def test_redirect_loop(server, fails):
    redirect(server, "loop.test", address(server, "/again").format("loop.test"))
    fails("loop.test", "connection", "loop")


def test_too_many_redirects(server, fails):
    count = iter(range(100))
    server.responder.by_host["many.test"] = lambda h: {"status": 302, "headers": {
        "Location": address(server, f"/{next(count)}").format("many.test")}}
    fails("many.test", "connection", "10")
    asked = [one for one in server.responder.asked if one[0] == "many.test"]
    assert len(asked) == 11


@pytest.mark.parametrize("to, words", [
    ("http://10.1.2.3/x", "bare address"), ("http://[fd00::1]/x", "bare address"),
    ("http://169.254.169.254/latest/meta-data", "bare address"),
    ("http://167772161/", "bare address 10.0.0.1"), ("http://0x0a.1/", "bare address 10.0.0.1"),
    ("http://ok.test:8080/", "port 8080"), ("http://ok.test:22/",
                                            "port 22"), ("https://ok.test:80/", "port 80"),
    ("ftp://ok.test/", "neither http nor https"), ("file:///etc/passwd", "neither http nor https"),
    ("gopher://ok.test:80/", "neither http nor https"), ("http://user:secret@ok.test/", "user name"),
    ("http://bad name.test/", "Location"), ("http://", "redirected"), ("", "Location"),
    ("http://ok.test/" + "x" * 9000, "Location"),
], ids=lambda value: value[:24] if isinstance(value, str) and ("/" in value or not value) else "")
def test_redirect_refused(server, fails, to, words):
    name = f"refused{zlib.crc32(to.encode())}.test"
    redirect(server, name, to)
    challenge = fails(name, "connection", "127.0.0.1", words)
    assert "secret" not in challenge["error"]["detail"]


def test_redirect_to_a_name_with_a_denied_address(server, names, fails):
    """10.4: the address is checked after every redirect; nobody is asked at the denied one."""
    names.set("inside.test", a=["169.254.169.254"])
    redirect(server, "ssrf.test", "http://inside.test/latest/meta-data/iam")
    challenge = fails("ssrf.test", "connection", "169.254.169.254", "not an allowed target", named=False)
    assert [hop["hostname"] for hop in challenge["validationRecord"]] == ["ssrf.test", "inside.test"]
    assert challenge["validationRecord"][1]["addressUsed"] == ""


# --- targets -----------------------------------------------------------------------------------------

@pytest.mark.parametrize("addresses, words", [
    ({"a": ["169.254.1.1"]}, "link-local"), ({"a": ["169.254.169.254"]}, "169.254.169.254"),
    ({"a": ["0.0.0.0"]}, "0.0.0.0"), ({"a": ["224.0.0.1"]}, "224.0.0.1"), ({"a": ["255.255.255.255"]}, "255"),
    ({"aaaa": ["fe80::1"]}, "fe80::1"), ({"aaaa": ["::"]}, "::"), ({"aaaa": ["ff02::1"]}, "ff02::1"),
    ({"aaaa": ["::ffff:169.254.169.254"]}, "169.254.169.254"), ({"aaaa": ["64:ff9b::a9fe:a9fe"]},
                                                                "64:ff9b::"),
    ({"aaaa": ["2002:a9fe:a9fe::1"]}, "2002:a9fe:a9fe::1"),
], ids=lambda value: value if isinstance(value, str) else "")
def test_denied_address(names, fails, addresses, words):
    name = names.set(f"denied{zlib.crc32(str(addresses).encode())}.test", **addresses)
    challenge = fails(name, "connection", words, "not an allowed target", "va.targets.allow")
    assert challenge["validationRecord"][0]["addressUsed"] == ""


def test_denied_address_beside_an_allowed_one(names, shared):
    names.set("mixed.test", a=["169.254.169.254", "127.0.0.1"])
    shared.issue(["mixed.test"])


# --- IPv6 --------------------------------------------------------------------------------------------

def test_ipv6_first(server, names, shared):
    if len(server.responder._servers) < 2:
        pytest.fail("this machine has no IPv6 on loopback")
    names.set("six.test", a=["127.0.0.2"], aaaa=["::1"])            # nothing listens at 127.0.0.2
    shared.issue(["six.test"])
    assert ("six.test", "::1") in {(one[0], one[2]) for one in server.responder.asked}


def test_ipv6_then_ipv4(server, names, shared):
    """The IPv6 address refuses; one try by IPv4 follows, and the record shows both."""
    names.set("fallback.test", a=["127.0.0.1"], aaaa=["::ffff:127.0.0.9"])
    order = shared.order(["fallback.test"]).json()
    shared.post(shared.challenge(order["authorizations"][0])["url"], {})
    done = shared.poll(order["authorizations"][0], ("valid", "invalid")).json()
    assert done["status"] == "valid", done
    used = [hop["addressUsed"] for hop in done["challenges"][0]["validationRecord"]]
    assert used == ["::ffff:127.0.0.9", "127.0.0.1"]


def test_ipv6_then_ipv4_both_fail(names, fails):
    names.set("neither.test", a=["127.0.0.2"], aaaa=["::ffff:127.0.0.9"])
    fails("neither.test", "connection", "127.0.0.2", "before that", "127.0.0.9")


def test_no_fallback_after_an_answer(server, names, fails):
    """IPv4 is tried only when IPv6 did not connect: an answer is an answer."""
    names.set("answered.test", a=["127.0.0.1"], aaaa=["::1"])
    server.responder.by_host["answered.test"] = {"status": 404, "body": ""}
    fails("answered.test", "unauthorized", "::1", "404")
    assert {one[2] for one in server.responder.asked if one[0] == "answered.test"} == {"::1"}


def test_rfc6761_localhost_names(server, names, shared):
    """Names below .localhost are loopback by definition: no resolver is asked."""
    assert shared.issue(["app.localhost"]).names == ["app.localhost"]
    assert not [one for one in names.asked if one[0].endswith("localhost")]


# --- what goes out -----------------------------------------------------------------------------------

def test_request_on_the_wire(server, shared):
    seen = {}

    def look(handler):
        seen.update(handler.headers, path=handler.path)
        return {"body": server.responder.tokens[handler.path.rsplit("/", 1)[1]]}

    server.responder.by_host["wire.test"] = look
    shared.issue(["wire.test"])
    assert seen["path"].startswith(PREFIX)
    assert seen["Host"] == f"wire.test:{server.responder.port}"
    assert seen["User-Agent"].startswith("signet-va/")
    assert "Cookie" not in seen and "Authorization" not in seen


@pytest.mark.alone
def test_many_slow_validations_do_not_delay_a_fast_one(server, shared):
    server.responder.by_host["crowd.test"] = lambda h: {
        "delay": 1.5, "body": server.responder.tokens[h.path.rsplit("/", 1)[1]]}
    slow = [shared.order(["crowd.test"]).json()["authorizations"][0] for _ in range(60)]
    for url in slow:
        shared.post(shared.challenge(url)["url"], {})
    begin = time.monotonic()
    shared.issue(["nocrowd.test"])
    assert time.monotonic() - begin < 1.2
    for url in slow:
        assert shared.poll(url, ("valid", "invalid")).json()["status"] == "valid"
