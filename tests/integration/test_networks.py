"""Validation in networks that are not one flat loopback: split horizon, IPv6 only, a host that is cut off."""
import pytest
from harness.acme import URN, Client
from harness.names import Names
from harness.network import Network, needs_network
from harness.responder import Responder
from harness.server import Server

pytestmark = needs_network

STANDARD = {"va": {"http_port": 80, "tls_port": 443, "targets": {"allow": []}}}


@pytest.fixture
def net():
    with Network() as made:
        yield made


@pytest.fixture
def closing():
    """Things that have close(), last first."""
    made = []
    yield lambda thing: made.append(thing) or thing
    for thing in reversed(made):
        thing.close()


def server_on(host, names, responder, config):
    """With its own addresses on loopback, where its clients are: only validation crosses the wire."""
    with host:
        return Server(names, responder, {**config, "va": {**STANDARD["va"], **config["va"]}})


def failure(account, name):
    """The error of an http-01 that fails."""
    order = account.order([name]).json()
    found = account.challenge(order["authorizations"][0])
    account.post(found["url"], {})
    done = account.poll(order["authorizations"][0], ("valid", "invalid"), timeout=30).json()
    assert done["status"] == "invalid", done
    return done["challenges"][0]["error"]


def test_split_horizon(net, closing):
    """A zone's own resolvers know the inner address; the others, which say something else, are not even asked."""
    ca, web = net.host("ca", "10.7.0.1/24"), net.host("web", "10.7.0.2/24")
    resolvers = net.host("dns", "10.7.0.53/24", "10.7.0.54/24")
    with resolvers:
        inside, outside = closing(Names(53, "10.7.0.53")), closing(Names(53, "10.7.0.54"))
    with web:
        responder = closing(Responder(80, hosts=["10.7.0.2"]))
    inside.set("nas.corp.test", a=["10.7.0.2"])
    outside.set("nas.corp.test", a=["10.7.0.99"])
    outside.set("open.test", a=["10.7.0.2"])
    inside.set("open.test", a=["10.7.0.99"])
    server = closing(server_on(ca, outside, responder, {
        "va": {"resolvers": [outside.address], "zones": {"corp.test": [inside.address]}}}))
    with ca:
        account = Client(server)
        assert account.issue(["nas.corp.test", "open.test"]).names == ["nas.corp.test", "open.test"]
    assert {name for name, kind, _ in inside.asked if kind in ("A", "AAAA")} == {"nas.corp.test"}
    assert {name for name, kind, _ in outside.asked if kind in ("A", "AAAA")} == {"open.test"}


def test_ipv6_only(net, closing):
    """No host has an IPv4 address, resolvers included."""
    ca, web, dns = (net.host(name, f"fd07::{n}/64") for name, n in (("ca", 1), ("web", 2), ("dns", 53)))
    with dns:
        names = closing(Names(53, "fd07::53"))
    with web:
        responder = closing(Responder(80, hosts=["fd07::2"]))
    names.set("six.test", aaaa=["fd07::2"])
    names.set("nobody.test", aaaa=["fd07::1:2"])
    names.set("four.test", a=["10.7.0.2"])
    names.set("shut.test", aaaa=["fd07::53"])
    server = closing(server_on(ca, names, responder, {"va": {"resolvers": [names.address]}}))
    with ca:
        account = Client(server)
        assert account.issue(["six.test"]).names == ["six.test"]
        error = failure(account, "four.test")
        assert error["type"] == URN + "connection"
        assert "10.7.0.2 port 80 (four.test) can't be reached from the CA: no route" in error["detail"]
        error = failure(account, "shut.test")
        assert error["type"] == URN + "connection" and "fd07::53 port 80 (shut.test) refused" in error["detail"]
        assert "is the client's" in error["detail"]


def test_cut_off(net, closing):
    """A host that is gone costs its own validation; when it is back, it is validated again."""
    ca, web, dns = (net.host(name, f"10.7.0.{n}/24") for name, n in (("ca", 1), ("web", 2), ("dns", 53)))
    with dns:
        names = closing(Names(53, "10.7.0.53"))
    with web:
        responder = closing(Responder(80, hosts=["10.7.0.2"]))
    names.set("gone.test", a=["10.7.0.2"])
    server = closing(server_on(ca, names, responder, {"va": {"resolvers": [names.address], "timeout": "2s"}}))
    with ca:
        account = Client(server)
        net.cut(web)
        error = failure(account, "gone.test")
        assert error["type"] == URN + "connection" and "10.7.0.2 port 80 (gone.test)" in error["detail"]
        net.mend(web)
        assert account.issue(["gone.test"]).names == ["gone.test"]
        net.cut(dns)
        error = failure(account, "gone.test")
        assert error["type"] == URN + "dns" and f"resolver {names.address}" in error["detail"]


def test_the_machines_own_addresses(net, closing):
    """self: those of its interfaces, one that comes up after the start, those behind a translator's prefix; and the
    redirect to any of them."""
    ca, web, dns = (net.host(name, f"10.7.0.{n}/24", f"fd07::{n}/64") for name, n in (("ca", 1), ("web", 2), ("dns", 53)))
    with dns:
        names = closing(Names(53, "10.7.0.53"))
    with web:
        responder = closing(Responder(80, hosts=["10.7.0.2"]))
    server = closing(server_on(ca, names, responder, {"va": {
        "resolvers": [names.address], "retries": 0, "targets": {"allow": ["64:ff9b::/96", "fd07:64::/96", "::ffff:0:0/96"], "nat64": ["fd07:64::/96"]}}}))
    ca.run("ip", "address", "add", "10.7.0.77/24", "dev", "eth0")
    with ca:
        trap = closing(Responder(80, hosts=["10.7.0.1", "10.7.0.77", "fd07::1"]))
        account = Client(server)
        for number, (field, address, judged) in enumerate((
                ("a", "10.7.0.1", "10.7.0.1"), ("aaaa", "fd07::1", "fd07::1"), ("a", "10.7.0.77", "10.7.0.77"),
                ("aaaa", "64:ff9b::a07:1", "10.7.0.1"), ("aaaa", "fd07:64::a07:4d", "10.7.0.77"),
                ("aaaa", "::ffff:10.7.0.1", "10.7.0.1"), ("a", "127.0.0.1", "127.0.0.1"))):
            names.set(f"own{number}.test", **{field: [address]})
            names.set(f"hop{number}.test", a=["10.7.0.2"])
            responder.by_host[f"hop{number}.test"] = {"status": 302, "headers": {"Location": f"http://own{number}.test/"}}
            for name in (f"own{number}.test", f"hop{number}.test"):
                error = failure(account, name)
                assert error["type"] == URN + "connection", error
                assert f"own{number}.test has the address" in error["detail"], error
                assert f"let the administrator add {judged} to va.targets.allow" in error["detail"], error
        assert trap.asked == []


@pytest.mark.parametrize("kind", ["http-01", "tls-alpn-01"])
def test_no_rebinding(net, closing, kind):
    """A name that leads elsewhere a moment later: what was judged is what is connected to, and nobody asks again between.
    Where a redirect makes it be asked again, it is judged again."""
    ca, web, dns = (net.host(name, f"10.7.0.{n}/24") for name, n in (("ca", 1), ("web", 2), ("dns", 53)))
    with dns:
        names = closing(Names(53, "10.7.0.53"))
    with web:
        responder = closing(Responder(80, hosts=["10.7.0.2"], tls_port=443))
    server = closing(server_on(ca, names, responder, {"va": {"resolvers": [names.address], "retries": 0}}))
    with ca:
        trap = closing(Responder(80, hosts=["10.7.0.1"], tls_port=443))
        names.set("rebind.test", a=["10.7.0.2"], then={"a": ["10.7.0.1"]})
        assert Client(server).issue(["rebind.test"], kind=kind).names == ["rebind.test"]
        assert [one for one in names.asked if one[1] == "A"] == [("rebind.test", "A", "udp")]
        if kind == "http-01":
            responder.by_host["again.test"] = {"status": 302, "headers": {"Location": "http://again.test/"}}
            names.set("again.test", a=["10.7.0.2"], then={"a": ["10.7.0.1"]})
            error = failure(Client(server), "again.test")
            assert "again.test has the address 10.7.0.1 (self: this machine's own address)" in error["detail"], error
        assert trap.asked == [] and trap.tls.seen == []
