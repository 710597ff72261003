"""DNSSEC for real: NSD serves signed zones that were changed after signing, Unbound validates, signet asks it."""
import pytest
from harness.acme import URN, Client
from harness.dnssec import Nsd, SignedZone, Unbound
from harness.network import Network, needs_network
from harness.responder import Responder
from harness.server import Server

pytestmark = needs_network
WEB, THIEF = "10.7.0.2", "10.7.0.66"


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """Hosts, the zones and their servers. good: as signed; forged: its address was changed; stripped: changed, and the
    signature is gone; caa: its CAA record was changed; txt: its TXT record; and another zone whose signatures ended."""
    folder, made = str(tmp_path_factory.mktemp("dnssec")), []
    names = ("good", "forged", "stripped", "caa", "txt")
    signed = SignedZone(folder, "signed.test", *(f"{name} A {WEB}" for name in names), 'caa CAA 0 issue "other.test"',
                        '_acme-challenge.txt TXT "of yesterday"')
    signed.change("forged", "A", lambda line: line.replace(WEB, THIEF))
    signed.change("stripped", "A", lambda line: line.replace(WEB, THIEF))
    signed.change("stripped", "RRSIG A", lambda line: None)
    signed.change("caa", "CAA", lambda line: line.replace("other.test", "ca.test"))
    signed.change("_acme-challenge.txt", "TXT", lambda line: line.replace("yesterday", "today"))
    expired = SignedZone(folder, "expired.test", f"old A {WEB}", until="20200101")
    plain = SignedZone(folder, "plain.test", f"nas A {WEB}", signed=False)
    with Network() as net:
        ca, web, thief, dns, own = (net.host(name, f"10.7.0.{n}/24") for name, n in (
            ("ca", 1), ("web", 2), ("thief", 66), ("dns", 53), ("own", 54)))
        with own:
            made.append(Nsd(folder, "10.7.0.54", [signed, expired, plain]))
        with web:
            made.append(responder := Responder(80, hosts=[WEB]))
        with thief:
            made.append(trap := Responder(80, hosts=[THIEF]))

        def resolver():
            """One that remembers nothing: of what it remembers it doesn't say the cause again."""
            with dns:
                return Unbound(folder, "10.7.0.53", [(zone, "10.7.0.54") for zone in (signed, expired, plain)])

        yield ca, resolver, responder, trap
        for thing in reversed(made):
            thing.close()


@pytest.fixture
def account_with(world):
    """A CA of that mode and a new account there. Whoever is asked answers as it should: only DNS is in the way."""
    ca, resolver, responder, trap = world
    made = []

    def build(**va):
        made.append(unbound := resolver())
        with ca:
            server = Server(unbound, responder, {"ra": {"caa_identities": ["ca.test"]}, "va": {
                "http_port": 80, "tls_port": 443, "resolvers": [unbound.address], "targets": {"allow": []}, "retries": 0, **va}},
                env={"SIGNET_SANDBOX_TRACE": "1"})
            made.append(server)
            return Client(server)

    trap.tokens = responder.tokens
    del trap.asked[:]
    yield build
    for thing in reversed(made):
        assert "forbidden system call" not in thing.log()
        thing.close()


def outcome(world, account, name, kind="http-01"):
    """"valid", or the error."""
    with world[0]:
        url = account.order([name]).json()["authorizations"][0]
        challenge = next(one for one in account.get(url).json()["challenges"] if one["type"] == kind)
        world[2].put(challenge["token"], f"{challenge['token']}.{account.key.thumbprint}")
        account.post(challenge["url"], {})
        done = account.poll(url, ("valid", "invalid")).json()
    return done["status"] if done["status"] == "valid" else done["challenges"][0]["error"]


BOGUS = {   # with what Unbound says of it (RFC 8914)
    ("forged.signed.test", "http-01"): "(DNSSEC Bogus, extended error 6",
    ("forged.signed.test", "tls-alpn-01"): "(DNSSEC Bogus, extended error 6",
    ("txt.signed.test", "dns-01"): "(DNSSEC Bogus, extended error 6",
    ("stripped.signed.test", "http-01"): "(RRSIGs Missing, extended error 10",
    ("old.expired.test", "http-01"): "(DNSKEY Missing, extended error 9: ",
}


@pytest.mark.parametrize("mode", ["required", "if-present"])
def test_bogus_is_a_failure_with_that_cause(world, account_with, mode):
    account = account_with(dnssec=mode, caa="if-present")
    assert outcome(world, account, "good.signed.test") == "valid"
    for (name, kind), words in BOGUS.items():
        error = outcome(world, account, name, kind)
        assert error["type"] == URN + "dns", error
        assert "resolver 10.7.0.53:53 answered SERVFAIL, because DNSSEC validation failed " + words in error["detail"], error["detail"]
        assert ("signature expired from 10.7.0.54" in error["detail"]) == (name == "old.expired.test"), error["detail"]
    # CAA that was forged to our favour is no leave, even where CAA that can't be looked up would be (RFC 8659, 5.5)
    error = outcome(world, account, "caa.signed.test")
    assert error["type"] == URN + "dns" and "the CAA records at caa.signed.test" in error["detail"], error
    assert "DNSSEC validation failed" in error["detail"], error
    assert world[3].asked == []
    # what nobody signed
    got = outcome(world, account, "nas.plain.test")
    if mode == "if-present":
        assert got == "valid"
    else:
        assert got["type"] == URN + "dns" and "did not validate (no AD)" in got["detail"], got


def test_off(world, account_with):
    """The resolver is asked not to check: what it would refuse is taken, also the thief's address."""
    account = account_with(dnssec="off", caa="if-present")
    for name in ("good.signed.test", "old.expired.test", "nas.plain.test", "caa.signed.test", "forged.signed.test"):
        assert outcome(world, account, name) == "valid", name
    assert {host for host, _, _ in world[3].asked} == {"forged.signed.test"}


def test_per_zone(world, account_with):
    """Required in general; one zone that nobody signs is excepted, and one that is broken."""
    where = "10.7.0.53:53"
    account = account_with(dnssec="required", caa="off", zones={
        "plain.test": {"resolvers": [where], "dnssec": "if-present"}, "expired.test": {"resolvers": [where], "dnssec": "off"}})
    for name in ("good.signed.test", "nas.plain.test", "old.expired.test"):
        assert outcome(world, account, name) == "valid", name
    assert "DNSSEC validation failed" in outcome(world, account, "forged.signed.test")["detail"]
