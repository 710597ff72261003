"""http-01 (RFC 8555, 8.3 and 10.4): what can go wrong, and what the client is told: name, address, what came back,
what to do."""
import zlib

import pytest
from harness import acme
from harness.responder import PREFIX
from harness.validation import attempt, check_failed

pytestmark = pytest.mark.needs("http-01")


@pytest.fixture
def fails(shared):
    """Validates a name that must fail; the challenge in the end."""
    def run(name, kind, *words, named=True):
        return check_failed(attempt(shared, name), kind, *words, *([name] if named else []))
    return run


def address(server, path=""):
    return f"http://{{}}:{server.responder.port}{path}"


# --- answers -----------------------------------------------------------------------------------------

@pytest.mark.parametrize("status, words", [(404, "the file isn't there"), (403, "403"), (500, "500"),
                                           (204, "204"),
                                           (401, "401"), (303, "303"), (300, "300")])
def test_rfc8555_8_3_status(server, fails, status, words):
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
def test_rfc8555_8_3_wrong_body(server, fails, what, words):
    name = f"body-{words.split()[-1].lower()}.test"
    server.responder.by_host[name] = lambda h: {"body": what(h.path.rsplit("/", 1)[1])}
    challenge = fails(name, "incorrectResponse", "127.0.0.1", words)
    # 10.4: the body is never echoed, or the CA could be used to read what only it can reach
    for secret in ("SECRET", "nginx", "A" * 43):
        assert secret not in str(challenge).replace(challenge["token"], "")


def test_rfc8555_8_1_thumbprint_of_another_account(server, client, fails):
    """The right token with my own thumbprint, when another account ordered (RFC 8555, 8.1)."""
    server.responder.by_host["stolen.test"] = lambda h: {
        "body": h.path.rsplit("/", 1)[1] + "." + client.key.thumbprint}
    fails("stolen.test", "incorrectResponse", "different account key")


def test_rfc8555_8_3_trailing_white_space_is_ignored(server, shared):
    server.responder.by_host["space.test"] = lambda h: {
        "body": server.responder.tokens[h.path.rsplit("/", 1)[1]] + " \r\n\t\n"}
    shared.issue(["space.test"])


# --- redirects ---------------------------------------------------------------------------------------

def redirect(server, name, to, status=302):
    server.responder.by_host[name] = {"status": status, "headers": {"Location": to}}
    return name


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_rfc8555_8_3_redirect_is_followed(server, shared, status):
    name = f"redirect{status}.test"
    server.responder.by_host[name] = lambda h: {"status": status, "headers": {
        "Location": address(server).format("behind.test") + h.path}}
    order = shared.order([name]).json()
    shared.post(shared.challenge(order["authorizations"][0])["url"], {})
    done = shared.poll(order["authorizations"][0], ("valid", "invalid")).json()
    assert done["status"] == "valid", done
    if acme.WORDS:
        assert [hop["hostname"] for hop in done["challenges"][0]["validationRecord"]] == [name, "behind.test"]


def test_rfc8555_8_3_relative_redirect(server, shared):
    server.responder.by_host["relative.test"] = lambda h: {"body": server.responder.tokens[h.path[7:]]} \
        if h.path.startswith("/moved/") else {"status": 302, "headers": {
            "Location": "/moved/" + h.path.rsplit("/", 1)[1]}}
    shared.issue(["relative.test"])


@pytest.mark.needs("policy")
def test_rfc8555_8_3_ten_redirects_are_followed(server, shared):
    """As many as Boulder follows; from one path to the next."""
    def step(handler):
        token, _, done = handler.path.rsplit("/", 1)[1].partition("?")
        done = int(done or 0)
        return {"body": server.responder.tokens[token]} if done == 10 else {"status": 302, "headers": {
            "Location": address(server, f"/step/{token}?{done + 1}").format("ten.test")}}

    server.responder.by_host["ten.test"] = step
    shared.issue(["ten.test"])
    assert len([one for one in server.responder.asked if one[0] == "ten.test"]) == 11


def test_rfc8555_10_4_redirect_loop(server, fails):
    redirect(server, "loop.test", address(server, "/again").format("loop.test"))
    fails("loop.test", "connection", "redirected in a loop, back to")
    assert len([one for one in server.responder.asked if one[0] == "loop.test"]) == 2 or not acme.WORDS


def test_rfc8555_10_4_too_many_redirects(server, fails):
    count = iter(range(100))
    server.responder.by_host["many.test"] = lambda h: {"status": 302, "headers": {
        "Location": address(server, f"/{next(count)}").format("many.test")}}
    fails("many.test", "connection", "10")
    asked = [one for one in server.responder.asked if one[0] == "many.test"]
    assert len(asked) == 11 or not acme.WORDS


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
def test_rfc8555_10_4_redirect_refused(server, fails, to, words):
    name = f"refused{zlib.crc32(to.encode())}.test"
    redirect(server, name, to)
    challenge = fails(name, "connection", "127.0.0.1", words)
    assert "secret" not in challenge["error"]["detail"]


def test_rfc8555_10_4_redirect_to_a_denied_address(server, names, fails):
    """10.4: the address is checked after every redirect; nobody is asked at the denied one."""
    names.set("inside.test", a=["169.254.169.254"])
    redirect(server, "ssrf.test", "http://inside.test/latest/meta-data/iam")
    challenge = fails("ssrf.test", "connection", "169.254.169.254", "not an allowed target", named=False)
    if acme.WORDS:
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
def test_rfc8555_10_4_denied_address(names, fails, addresses, words):
    name = names.set(f"denied{zlib.crc32(str(addresses).encode())}.test", **addresses)
    challenge = fails(name, "connection", words, "not an allowed target", "va.targets.allow")
    assert not acme.WORDS or challenge["validationRecord"][0]["addressUsed"] == ""


# --- IPv6 --------------------------------------------------------------------------------------------

def test_rfc8555_8_3_ipv6_first(server, names, shared):
    if len(server.responder._servers) < 2:
        pytest.fail("this machine has no IPv6 on loopback")
    names.set("six.test", a=["127.0.0.2"], aaaa=["::1"])            # nothing listens at 127.0.0.2
    shared.issue(["six.test"])
    assert ("six.test", "::1") in {(one[0], one[2]) for one in server.responder.asked}


def test_rfc8555_8_3_no_fallback_after_an_answer(server, names, fails):
    """IPv4 is tried only when IPv6 did not connect: an answer is an answer."""
    names.set("answered.test", a=["127.0.0.1"], aaaa=["::1"])
    server.responder.by_host["answered.test"] = {"status": 404, "body": ""}
    fails("answered.test", "unauthorized", "::1", "404")
    assert {one[2] for one in server.responder.asked if one[0] == "answered.test"} == {"::1"}
