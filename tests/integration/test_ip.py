"""Identifiers of type ip (RFC 8738): IPv4 and IPv6, by http-01 and tls-alpn-01."""

import pytest
from harness.acme import URN, check_problem
from harness.keys import Key, csr

V4, V6, MIXED = "127.0.0.1", "::1", "ip.test"
BOTH = ["http-01", "tls-alpn-01"]


@pytest.fixture(scope="module")
def server(names, responder):
    """With blocks in its policy; the other tests' has none."""
    from harness.server import Server
    made = Server(names, responder, {
        "ra": {"policy": {"allow": ["*.test", "127.0.0.0/8", "::1/128", "192.0.2.0/24", "fe80::/10", "169.254.0.0/16"],
                          "deny": ["forbidden.test", "127.0.66.0/24"]}},
        "ca": {"profiles": {"default": {"lifetime": "90d"}}}})
    yield made
    code = made.stop()
    log = made.log()
    made.close()
    assert code == 0
    assert "role died" not in log and "AddressSanitizer" not in log and "runtime error" not in log, log[-6000:]


@pytest.fixture(scope="module")
def shared(server):
    from harness.acme import Client
    return Client(server)


def new_order(client, *identifiers):
    return client.post(client.directory["newOrder"], {
        "identifiers": [{"type": kind, "value": value} for kind, value in identifiers]})


@pytest.mark.parametrize("value, detail", [
    ("10.0.0.1", "ra.policy.allow"), ("2001:db8::1", "\"2001:db8::1/128\""), ("127.0.66.6", "127.0.66.0/24")])
def test_policy(shared, value, detail):
    check_problem(new_order(shared, ("ip", value)), "rejectedIdentifier", 400, detail)


def test_policy_of_names_allows_no_address(make_server):
    """\"*\" is every name."""
    from harness.acme import Client
    client = Client(make_server({"ra": {"policy": {"allow": ["*"], "deny": []}}}))
    check_problem(new_order(client, ("ip", V4)), "rejectedIdentifier", 400, f"{V4}/32")


@pytest.mark.parametrize("kind", BOTH)
@pytest.mark.parametrize("value, rule", [("169.254.169.254", "metadata"), ("fe80::1", "link-local")])
def test_rfc8555_10_4_target_policy(shared, kind, value, rule):
    """The policy may allow the address; connecting there is another question."""
    authorization = shared.order([value]).json()["authorizations"][0]
    challenge = next(c for c in shared.get(authorization).json()["challenges"] if c["type"] == kind)
    shared.post(challenge["url"], {})
    error = shared.poll(authorization, ("valid", "invalid")).json()["challenges"][0]["error"]
    assert error["type"] == URN + "connection"
    for word in (value, "not an allowed target", "link-local"):
        assert word in error["detail"], error


@pytest.mark.parametrize("kind, words", [("http-01", "127.0.0.2 port"), ("tls-alpn-01", "127.0.0.2 port")])
def test_refused_connection(shared, kind, words):
    authorization = shared.order(["127.0.0.2"]).json()["authorizations"][0]
    shared.post(shared.challenge(authorization, kind)["url"], {})
    error = shared.poll(authorization, ("valid", "invalid")).json()["challenges"][0]["error"]
    assert error["type"] == URN + "connection" and words in error["detail"], error
    assert "refused the connection" in error["detail"]


def test_reuse_after_restart(server, shared):
    """Storage keeps the type: an order that was made before a restart is finished after it."""
    reply = shared.order([V6])
    server.stop()
    server.start()
    shared.nonces.clear()
    for authorization in shared.authorize(shared.get(reply.headers["Location"]).json()):
        assert authorization["status"] == "valid"
    order = shared.get(reply.headers["Location"]).json()
    assert order["status"] == "ready" and order["identifiers"] == [{"type": "ip", "value": V6}]
    assert shared.finalize(order, csr([V6], Key())).status_code == 200
