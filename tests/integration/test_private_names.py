"""Names of private networks, where the policy allows them: a single label, .lan, .internal (reserved by ICANN in 2024),
.home.arpa (RFC 8375), .local; and the rest of the world that knows nothing of their top level."""
import pytest
from harness.acme import Client, check_problem
from harness.server import Server

PRIVATE = ["nas", "nas.lan", "printer.floor2.lan", "db.internal", "nas.home.arpa", "cam.local", "xn--bcher-kva.lan"]
WILD = ["*.lan", "*.internal", "*.home.arpa"]
# How resolvers answer for a top level that isn't theirs: there is none, we can't say, and we won't.
ABOVE = {"lan": "NXDOMAIN", "internal": "SERVFAIL", "home.arpa": "REFUSED", "arpa": "SERVFAIL", "local": "SERVFAIL"}


@pytest.fixture(scope="module")
def private(names, responder):
    """In preset private, with the CAA rule that it has."""
    for name in PRIVATE:
        names.set(name, a=["127.0.0.1"])
    for name, rcode in ABOVE.items():
        names.set(name, rcode=rcode)
    server = Server(names, responder, {"ra": {"policy": {"allow": ["nas", "*.lan", "*.internal", "*.home.arpa", "*.local"],
                                                         "deny": ["bad.local"]}}})
    yield server
    server.close()


@pytest.fixture(scope="module")
def account(private):
    return Client(private)


@pytest.mark.parametrize("kind", ["http-01", "tls-alpn-01", "dns-01"])
@pytest.mark.parametrize("name", PRIVATE)
def test_partd_private_name(account, name, kind):
    assert account.issue([name], kind=kind).names == [name]


@pytest.mark.parametrize("name", WILD)
def test_partd_private_wildcard(account, name):
    assert account.issue([name], kind="dns-01").names == [name]


def test_partd_all_private_names_in_one_certificate(account):
    assert account.issue(PRIVATE).names == sorted(PRIVATE)


@pytest.mark.parametrize("name, rule", [
    ("other", "ra.policy.allow"), ("lan", "ra.policy.allow"), ("nas.corp", "ra.policy.allow"),
    ("x.nas", "ra.policy.allow"), ("home.arpa", "ra.policy.allow"), ("bad.local", "ra.policy.deny")])
def test_partd_private_name_that_the_policy_lacks(account, name, rule):
    reply = account.post(account.directory["newOrder"], {"identifiers": [{"type": "dns", "value": name}]})
    check_problem(reply, "rejectedIdentifier", 400, rule)
    assert name in reply.json()["detail"]


def test_partd_private_zone_with_caa_is_obeyed(names, account):
    names.set("zone.lan", a=["127.0.0.1"], caa=[(0, "issue", "other.example")])
    done = account.authorize(account.order(["zone.lan"]).json())[0]
    assert done["status"] == "invalid" and "zone.lan" in done["challenges"][0]["error"]["detail"]
