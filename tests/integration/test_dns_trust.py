"""DNS that can be believed: DNSSEC by the resolver's word, extended errors, forged letters, a zone's own servers."""
import pytest
from harness.acme import URN, Client
from harness.names import Names
from harness.network import Network, needs_network
from harness.responder import Responder
from harness.server import Server


def failure(account, name, kind="http-01"):
    order = account.order([name]).json()
    url = order["authorizations"][0]
    found = next(c for c in account.get(url).json()["challenges"] if c["type"] == kind)
    account.post(found["url"], {})
    done = account.poll(url, ("valid", "invalid")).json()
    assert done["status"] == "invalid", done
    return done["challenges"][0]["error"]


def test_rfc8914_bogus_with_the_resolvers_words(names, shared):
    names.set("ede.test", rcode="SERVFAIL", ede=(7, "RRSIG expired on Tuesday"))
    error = failure(shared, "ede.test")
    assert error["type"] == URN + "dns"
    for words in ("DNSSEC validation failed", "Signature Expired, extended error 7: RRSIG expired on Tuesday"):
        assert words in error["detail"], error


def test_bogus_without_an_extended_error(names, shared):
    """SERVFAIL, and an answer when validation is switched off (RFC 4035, 3.2.2): then it is validation that failed."""
    names.set("cd.test", rcode="SERVFAIL", unchecked={"a": ["127.0.0.1"]})
    assert "DNSSEC validation failed" in failure(shared, "cd.test")["detail"]
    names.set("ill.test", rcode="SERVFAIL")
    error = failure(shared, "ill.test")
    assert "answered SERVFAIL" in error["detail"] and "validation failed" not in error["detail"]


def test_bogus_answer_of_one_family_spoils_the_other(names, server, shared):
    """Who forges AAAA may have forged A as well: nobody is connected to."""
    names.set("half-bogus.test", only="AAAA", rcode="SERVFAIL", ede=(6, "forged"))
    names.set("half-ill.test", only="AAAA", rcode="SERVFAIL")
    assert "DNSSEC validation failed (DNSSEC Bogus, extended error 6: forged)" in failure(shared, "half-bogus.test")["detail"]
    assert not [one for one in server.responder.asked if one[0] == "half-bogus.test"]
    shared.issue(["half-ill.test"])


def test_bogus_caa_is_no_absence(names, shared):
    names.set("caabogus.test", only="CAA", rcode="SERVFAIL", ede=(6, ""))
    names.set("caaill.test", only="CAA", rcode="SERVFAIL")
    order = shared.order(["caabogus.test"]).json()
    done = shared.authorize(order)[0]
    assert done["status"] == "invalid"
    assert "CAA" in done["challenges"][0]["error"]["detail"]
    assert "DNSSEC Bogus, extended error 6" in done["challenges"][0]["error"]["detail"]
    shared.issue(["caaill.test"])           # if-present: could not be seen


def test_dnssec_required_off_and_per_zone(names, make_server):
    server = make_server({"va": {"dnssec": "required", "caa": "off", "zones": {
        "plain.test": {"resolvers": [names.address], "dnssec": "off"}}}})
    account = Client(server)
    names.set("signed.test", a=["127.0.0.1"], ad=True)
    account.issue(["signed.test"])
    names.set("unsigned.test", a=["127.0.0.1"])
    error = failure(account, "unsigned.test")
    assert error["type"] == URN + "dns" and "did not validate (no AD)" in error["detail"]
    # switched off: even what is bogus is taken, since the resolver is asked not to validate
    names.set("a.plain.test", rcode="SERVFAIL", ede=(6, ""), unchecked={"a": ["127.0.0.1"]})
    account.issue(["a.plain.test"])


def test_answer_in_other_letters_is_asked_again_by_tcp(names, shared):
    names.set("lower-case-answer.test", a=["127.0.0.1"], lower=True)
    shared.issue(["lower-case-answer.test"])
    assert ("lower-case-answer.test", "A", "tcp") in names.asked


@needs_network
def test_direct_zone_is_not_held_up_by_a_cached_negative():
    """The resolver remembers that the record is not there; the zone's own server knows better."""
    made = []
    with Network() as net:
        ca, dns, own = (net.host(n, f"10.7.0.{i}/24") for n, i in (("ca", 1), ("dns", 53), ("own", 54)))
        with dns:
            made.append(resolver := Names(53, "10.7.0.53"))
        with own:
            made.append(zone := Names(53, "10.7.0.54"))
            made.append(responder := Responder(80, hosts=["10.7.0.54"]))
        for name in ("_acme-challenge.nas.corp.test", "_acme-challenge.alias.corp.test"):
            resolver.set(name, rcode="NXDOMAIN")
        resolver.set("corp.test", ns=["ns.corp-servers.test"])
        resolver.set("ns.corp-servers.test", a=["10.7.0.54"])
        resolver.set("delegated.hook.test", txt=[])
        zone.set("_acme-challenge.alias.corp.test", cname="delegated.hook.test", aa=True)
        zone.set("delegated.hook.test")
        zone.set("_acme-challenge.lame.corp.test", txt=["x"])
        zone.set("_acme-challenge.remembered.corp.test", rcode="NXDOMAIN")
        with ca:
            server = Server(resolver, responder, {"va": {"resolvers": [resolver.address], "caa": "off", "zones": {
                "corp.test": {"resolvers": [resolver.address], "direct": True}}}})
            made.append(server)
            account = Client(server)
            account.server.names = zone
            zone.set("_acme-challenge.nas.corp.test", aa=True)
            assert account.issue(["nas.corp.test"], kind="dns-01").names == ["nas.corp.test"]
            # an alias out of the zone is followed, by those who know it
            order = account.order(["alias.corp.test"]).json()
            url = order["authorizations"][0]
            found = next(c for c in account.get(url).json()["challenges"] if c["type"] == "dns-01")
            resolver.set("delegated.hook.test", txt=[account.digest(f"{found['token']}.{account.key.thumbprint}")])
            account.post(found["url"], {})
            assert account.poll(url, ("valid", "invalid")).json()["status"] == "valid"
            # who is not authoritative is not believed
            for name in ("lame", "remembered"):
                error = failure(account, f"{name}.corp.test", "dns-01")
                assert "10.7.0.54 is not authoritative" in error["detail"], error
        for thing in reversed(made):
            thing.close()


@pytest.mark.parametrize("kind", ["http-01", "dns-01"])
def test_direct_zone_whose_name_servers_can_not_be_asked(names, make_server, kind):
    """Each cause in its own words: the resolver that was asked first isn't blamed for what the zone lacks."""
    zones = {"no-ns.test": ([], None, "has no NS records of no-ns.test: "),
             "no-address.test": (["ns.no-address.test"], {"rcode": "NXDOMAIN"}, "gave no address of the name servers of no-address.test: "),
             "denied.test": (["ns.denied.test"], {"a": ["169.254.169.254"]},
                             "has 169.254.169.254 as a name server of denied.test (link-local), which is not an allowed target: "),
             "translated.test": (["ns.translated.test"], {"aaaa": ["64:ff9b::a9fe:a9fe"]}, "has 169.254.169.254 as a name server of"),
             "shut.test": (["ns.shut.test"], {"a": ["127.0.0.9"]}, "could not be reached: it is a name server of shut.test, asked directly")}
    for zone, (servers, address, _) in zones.items():
        names.set(zone, ns=servers)
        for server in servers:
            names.set(server, **address)
    account = Client(make_server(config={"va": {"caa": "off", "zones": {
        zone: {"resolvers": [names.address], "direct": True} for zone in zones}}}))
    for zone, (_, _, words) in zones.items():
        error = failure(account, f"a.{zone}", kind)
        asked = "127.0.0.9" if zone == "shut.test" else names.address
        assert error["type"] == URN + "dns" and f"resolver {asked} {words}" in error["detail"], error
