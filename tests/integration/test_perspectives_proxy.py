"""Perspectives on this machine that look by a proxy: SOCKS5 (RFC 1928, RFC 1929) or CONNECT (RFC 9110, 9.3.6)."""
import pytest
from harness.acme import URN, Client
from harness.names import Names
from harness.network import Network, needs_network
from harness.proxy import Proxy
from harness.responder import Responder
from harness.server import Server

ALONE = {"quorum": {"failures": 0}, "retries": 0, "timeout": "5s"}


@pytest.fixture
def closing():
    made = []
    yield lambda thing: made.append(thing) or thing
    for thing in reversed(made):
        thing.close()


def server_by(make_server, proxy, **more):
    return make_server({"va": {**ALONE, **more, "perspectives": [{"name": "far", "proxy": proxy}]}},
                       env={"SIGNET_SANDBOX_TRACE": "1"})


def error_of(account, name, kind="http-01"):
    url = account.order([name]).json()["authorizations"][0]
    account.post(account.challenge(url, kind)["url"], {})
    done = account.poll(url, ("valid", "invalid")).json()
    assert done["status"] == "invalid", done
    return done["challenges"][0]["error"]


@needs_network
@pytest.mark.parametrize("kind", ["socks5", "http"])
def test_the_target_sees_the_proxy(closing, kind):
    """Three hosts: what goes by the proxy comes from its address, by IPv4 and IPv6, and it is told addresses alone. It
    has no resolver; a redirect goes by it, too."""
    with Network() as net:
        ca, web, dns, far = (net.host(name, f"10.7.0.{n}/24", f"fd07::{n}/64")
                             for name, n in (("ca", 1), ("web", 2), ("dns", 53), ("far", 9)))
        with dns:
            names = closing(Names(53, "10.7.0.53"))
        with web:
            responder = closing(Responder(80, hosts=["10.7.0.2", "fd07::2"], tls_port=443))
        with far:
            proxy = closing(Proxy(kind, "10.7.0.9", 1080, user=("me", "secret:%@")))
        names.set("four.test", a=["10.7.0.2"])
        names.set("six.test", aaaa=["fd07::2"])
        names.set("hop.test", a=["10.7.0.2"])
        responder.by_host["hop.test"] = lambda h: {"status": 302, "headers": {"Location": "http://six.test" + h.path}}
        scheme = "socks5" if kind == "socks5" else "http"
        with ca:
            server = closing(Server(names, responder, {"va": {
                "http_port": 80, "tls_port": 443, "resolvers": [names.address], "targets": {"allow": []},
                "perspectives": [{"name": "far", "proxy": f"{scheme}://me:secret%3A%25%40@10.7.0.9:1080"}], **ALONE}}))
            account = Client(server)
            assert account.issue(["four.test", "six.test", "hop.test"]).names == ["four.test", "hop.test", "six.test"]
            assert account.issue(["four.test"], kind="tls-alpn-01").names == ["four.test"]
            assert account.issue(["four.test"], kind="dns-01").names == ["four.test"]
        seen = {(host, address) for host, _, address in responder.asked}
        assert seen == {(host, address) for host, v in (("four.test", 4), ("six.test", 6), ("hop.test", 4))
                        for address in (("10.7.0.1", "10.7.0.9") if v == 4 else ("fd07::1", "fd07::9"))}
        assert set(proxy.asked) == {("10.7.0.2", 80), ("fd07::2", 80), ("10.7.0.2", 443)}
        # what may not be connected to is not even told to the proxy
        names.set("inside.test", a=["127.0.0.1"])
        before = len(proxy.asked)
        with ca:
            assert "inside.test has the address 127.0.0.1 (loopback)" in error_of(account, "inside.test")["detail"]
        assert len(proxy.asked) == before


@pytest.mark.parametrize("kind", ["socks5", "http"])
def test_a_proxy_that_is_down_is_that_perspectives_failure(make_server, closing, kind):
    """It costs the quorum, says so, and the client is told that the fault is not its own."""
    proxy = Proxy(kind)
    proxy.close()
    server = server_by(make_server, proxy.url)
    for method in ("http-01", "tls-alpn-01"):
        error = error_of(Client(server), "down.test", method)
        assert error["type"] == URN + "serverInternal", error
        assert f"was not asked: this perspective's proxy 127.0.0.1 port {proxy.port} refused the connection" in error["detail"]
        assert "from far: " in error["detail"], error
    server.wait_log(r"vote perspective=far identifier=down.test outcome=failed problem=serverInternal")
    server.stop()
    server.configure({"va": {"quorum": {"failures": 1}, "perspectives": [
        {"name": "far", "proxy": proxy.url}, {"name": "near", "source": "127.0.0.5"}]}})
    server.start()
    assert Client(server).issue(["down.test"]).names == ["down.test"]


@pytest.mark.parametrize("kind,reply,words", [
    ("socks5", b"\x05\x02\0\x01\0\0\0\0\0\0", "does not allow connections to it"),
    ("socks5", b"HTTP/1.1 200 OK\r\n\r\n", "did not answer in SOCKS5"),
    ("socks5", b"\x05\x00\0\x01\0\0\0\0\0\0HTTP/1.1 200 OK\r\n\r\n", "sent more than its answer"),
    ("socks5", b"", "closed the connection"),
    ("http", b"HTTP/1.1 403 Forbidden\r\n\r\n", "does not allow connections to it (status 403)"),
    ("http", b"HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", "sent more than its answer"),
    ("http", b"\x05\0", "did not answer in HTTP"),
], ids=["forbids", "speaks-http", "forges", "hangs-up", "status", "http-forges", "speaks-socks"])
def test_a_hostile_proxy(make_server, closing, kind, reply, words):
    proxy = closing(Proxy(kind))
    proxy.reply = reply
    server = server_by(make_server, proxy.url)
    error = error_of(Client(server), "hostile.test")
    assert error["type"] == URN + "serverInternal" and words in error["detail"], error


@pytest.mark.parametrize("kind,words", [("socks5", "refused the user or the password"), ("http", "(status 407)")])
def test_a_wrong_password(make_server, closing, kind, words):
    proxy = closing(Proxy(kind, user=("me", "right")))
    server = server_by(make_server, proxy.url.replace("right", "wrong"))
    error = error_of(Client(server), "locked.test")
    assert error["type"] == URN + "serverInternal" and words in error["detail"], error
    assert "wrong" not in server.log()


@pytest.mark.parametrize("kind,words", [("socks5", "refused the connection: this perspective's proxy"),
                                        ("http", "answered CONNECT with status 502")])
def test_a_target_that_the_proxy_can_not_reach(make_server, names, closing, kind, words):
    """Then it is the target's failure, and IPv4 is tried after IPv6."""
    proxy = closing(Proxy(kind))
    server = server_by(make_server, proxy.url, targets={"allow": ["loopback"]})
    names.set("shut.test", a=["127.0.0.9"])
    names.set("half.test", aaaa=["fd07::99"], a=["127.0.0.1"])
    account = Client(server)
    assert account.issue(["half.test"]).names == ["half.test"]
    assert {address for address, _ in proxy.asked} == {"fd07::99", "127.0.0.1"}
    error = error_of(account, "shut.test")
    assert error["type"] == URN + "connection", error
    server.wait_log(r"vote perspective=far identifier=shut.test outcome=failed problem=connection .*" + words.replace("(", r"\("))


def test_its_own_resolvers_keep_the_zones(make_server, closing, responder):
    """A second resolver set, which knows nothing of what is split off; va.zones hold for it, and its own go first."""
    inside, other, outside = closing(Names()), closing(Names()), closing(Names())
    for one in (inside, other):
        one.set("nas.corp.test", a=["127.0.0.1"])
        one.set("nas.lab.test", a=["127.0.0.1"])
    outside.set("nas.corp.test", rcode="NXDOMAIN")
    outside.set("nas.lab.test", rcode="NXDOMAIN")
    server = make_server({"va": {**ALONE, "zones": {"corp.test": [inside.address], "lab.test": [inside.address]},
                                 "perspectives": [{"name": "second", "resolvers": [outside.address],
                                                   "zones": {"lab.test": [other.address]}}]}})
    assert Client(server).issue(["nas.corp.test", "nas.lab.test", "open.test"]).names == \
        ["nas.corp.test", "nas.lab.test", "open.test"]
    asked = {(who, name) for who, one in (("inside", inside), ("other", other), ("outside", outside))
             for name, kind, _ in one.asked if kind == "A"}
    assert asked == {("inside", "nas.corp.test"), ("inside", "nas.lab.test"), ("other", "nas.lab.test"),
                     ("outside", "open.test")}
    assert [n for n, kind, _ in inside.asked if kind == "A"].count("nas.corp.test") == 2     # both perspectives
