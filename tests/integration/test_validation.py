"""http-01 (RFC 8555, 8.3 and 10.4): what can go wrong, and what the client is told: name, address, what came back,
what to do."""
import socket
import time

import pytest
from harness.responder import PREFIX
from harness.validation import attempt, check_failed


@pytest.fixture
def fails(shared):
    """Validates a name that must fail; the challenge in the end."""
    def run(name, kind, *words, named=True):
        return check_failed(attempt(shared, name), kind, *words, *([name] if named else []))
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


def test_denied_address_beside_an_allowed_one(names, shared):
    names.set("mixed.test", a=["169.254.169.254", "127.0.0.1"])
    shared.issue(["mixed.test"])


def test_each_address_is_judged(names, fails):
    """Also the one that is left when the first is denied, or refuses."""
    names.set("both-denied.test", a=["169.254.169.254", "169.254.170.2"])
    fails("both-denied.test", "connection", "169.254.170.2 (link-local), which is not an allowed target")
    names.set("denied-fallback.test", aaaa=["::ffff:127.0.0.9"], a=["169.254.169.254"])
    done = fails("denied-fallback.test", "connection", "127.0.0.9 port", "refused the connection")
    assert [hop["addressUsed"] for hop in done["validationRecord"]] == ["::ffff:127.0.0.9"]


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
