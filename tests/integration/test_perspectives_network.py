"""Perspectives on several hosts: a hijacked path, a partition, a slow one."""
import time

import pytest
from harness.acme import URN, Client
from harness.names import Names
from harness.network import Network, needs_network
from harness.perspective import Perspective, join
from harness.responder import Responder
from harness.server import SLOW, Server

pytestmark = needs_network

BANK = "10.9.0.2"   # whose packets go where a host's routes say


class Site:
    """The CA, a web server, a name server, and perspectives at 10.7.0.11, 10.7.0.12, ..., each with a resolver beside
    it. Everybody's path to BANK leads to the web server, unless path() says otherwise."""

    def __init__(self, net, *perspectives, **va):
        self.net, self.made = net, []
        self.ca, self.web = net.host("ca", "10.7.0.1/24"), net.host("web", "10.7.0.2/24")
        self.web.run("ip", "address", "add", BANK, "dev", "lo")
        dns = net.host("dns", "10.7.0.53/24")
        with dns:
            self.names = self.keep(Names(53, "10.7.0.53"))
        with self.web:
            self.responder = self.keep(Responder(80, hosts=["0.0.0.0"]))
        with self.ca:
            self.server = self.keep(Server(self.names, self.responder, {"va": {
                "http_port": 80, "tls_port": 443, "resolvers": [self.names.address], "targets": {"allow": []},
                "timeout": "2s", **va}}, start=False))
        self.hosts, self.perspectives, self.resolvers = {}, {}, {}
        for number, name in enumerate(perspectives, 11):
            host = net.host(name, f"10.7.0.{number}/24", f"10.7.0.{number + 100}/24")
            with host:
                self.resolvers[name] = self.keep(Names(53, f"10.7.0.{number + 100}"))
            self.hosts[name] = host
            self.perspectives[name] = Perspective(self.server, name, {"va": {
                "resolvers": [self.resolvers[name].address]}}, address=f"10.7.0.{number}:9444")
        for host in (self.ca, *self.hosts.values()):
            host.run("ip", "route", "add", BANK, "via", "10.7.0.2")
        for names in (self.names, *self.resolvers.values()):
            names.set("bank.test", a=[BANK])

    def keep(self, thing):
        self.made.append(thing)
        return thing

    def path(self, host, via):
        host.run("ip", "route", "replace", BANK, "via", via)

    def start(self):
        join(self.server, *self.perspectives.values())
        for name, one in self.perspectives.items():
            with self.hosts[name]:
                one.start()
        with self.ca:
            self.server.start()
        for name in self.perspectives:
            self.server.wait_log(rf"a perspective is up perspective={name}")
        return self

    def outcome(self, name="bank.test"):
        """Of an http-01 by a new account: the authorization."""
        with self.ca:
            account = Client(self.server)
            url = account.order([name]).json()["authorizations"][0]
            account.post(account.challenge(url)["url"], {})
            return account.poll(url, ("valid", "invalid"), timeout=30).json()

    def close(self):
        for one in self.perspectives.values():
            one.stop()
        for thing in reversed(self.made):
            thing.close()


@pytest.fixture
def site():
    made = []
    with Network() as net:
        def build(*perspectives, **va):
            made.append(Site(net, *perspectives, **va))
            return made[-1]
        yield build
        for one in made:
            one.close()


@pytest.mark.parametrize("perspectives,status", [((), "valid"), (("fra",), "invalid"), (("fra", "nyc"), "invalid")],
                         ids=["none", "one", "two"])
def test_a_hijacked_path(site, perspectives, status):
    """The CA's packets to the bank end at the attacker's host, which answers for the attacker's account. Who looks from
    elsewhere sees the bank, which knows nothing of it. Without perspectives the attacker gets what it wants."""
    made = site(*perspectives)
    thief = made.net.host("thief", "10.7.0.66/24")
    thief.run("ip", "address", "add", BANK, "dev", "lo")
    with thief:
        trap = made.keep(Responder(80, hosts=["0.0.0.0"]))
    made.server.responder = trap
    made.path(made.ca, "10.7.0.66")
    made.start()
    done = made.outcome()
    assert done["status"] == status, done
    until = time.monotonic() + 5 * SLOW      # the perspectives may have decided before the CA's own look is over
    while not trap.asked and time.monotonic() < until:
        time.sleep(0.01)
    assert [one[0] for one in trap.asked] == ["bank.test"]
    if perspectives:
        error = done["challenges"][0]["error"]
        assert error["type"] == URN + "unauthorized", error
        assert f"from fra: http://bank.test/.well-known/acme-challenge/" in error["detail"], error
        assert f"from {BANK} answered status 404" in error["detail"], error


def test_one_hijacked_perspective_can_stop_nobody(site):
    """The other way round: one of three sees the attacker's host, and the bank gets its certificate."""
    made = site("fra", "nyc", "sin")
    thief = made.net.host("thief", "10.7.0.66/24")
    thief.run("ip", "address", "add", BANK, "dev", "lo")
    with thief:
        made.keep(Responder(80, hosts=["0.0.0.0"]))
    made.path(made.hosts["nyc"], "10.7.0.66")
    made.start()
    with made.ca:
        assert Client(made.server).issue(["bank.test"]).names == ["bank.test"]
    made.server.wait_log(r"vote perspective=nyc identifier=bank.test outcome=failed problem=unauthorized")


@pytest.mark.long
def test_a_partition(site):
    """One of two is cut off: nothing is lost and nothing waits. Both: nothing is issued. And back."""
    made = site("fra", "nyc")
    made.start()
    assert made.outcome()["status"] == "valid"
    made.net.cut(made.hosts["fra"])
    begun = time.monotonic()
    assert made.outcome()["status"] == "valid"
    assert time.monotonic() - begun < 2                     # fra's silence delays nobody
    made.net.cut(made.hosts["nyc"])
    begun = time.monotonic()
    error = made.outcome()["challenges"][0]["error"]
    assert "this perspective of the CA did not answer in time" in error["detail"], error
    assert time.monotonic() - begun < 8 * SLOW              # va.timeout and the way there; the connection itself lasts longer
    made.server.wait_log(r"a perspective is down perspective=fra", timeout=40)
    made.net.mend(made.hosts["fra"])
    made.net.mend(made.hosts["nyc"])
    for name in ("fra", "nyc"):
        made.server.wait_log(rf"(?s)is down perspective={name}.*is up perspective={name}", timeout=60)
    assert made.outcome()["status"] == "valid"


def test_a_slow_perspective(site):
    """Its resolver takes a second, and the others decide meanwhile; what it says then is in the log."""
    made = site("fra", "nyc")
    made.resolvers["nyc"].set("bank.test", a=[BANK], delay=1)
    made.start()
    begun = time.monotonic()
    assert made.outcome()["status"] == "valid"
    assert time.monotonic() - begun < 1
    made.server.wait_log(r"validation decided identifier=bank.test outcome=valid primary=agreed agreed=fra failed=\"\" open=nyc")
    made.perspectives["nyc"].wait_log(r"validated perspective=nyc identifier=bank.test .*outcome=valid")
