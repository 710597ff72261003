"""pebble-challtestsrv: command line, management interface, and which groups of paths there are."""
import base64
import signal
import socket
import ssl
import subprocess
import time

import pytest
import requests
from dnslib import DNSRecord
from harness import challtestsrv
from harness.keys import Key
from harness.ports import free_port
from harness.tlsalpn import certificate

HTTP = {"/add-http01": dict(token="t", content="c"), "/del-http01": dict(token="t"),
        "/add-redirect": dict(path="/p", targetURL="/q"), "/del-redirect": dict(path="/p")}
DNS = {"/set-default-ipv4": dict(ip=""), "/set-default-ipv6": dict(ip=""),
       "/set-txt": dict(host="h.test.", value="v"), "/clear-txt": dict(host="h.test."),
       "/add-a": dict(host="h.test", addresses=["192.0.2.1"]), "/clear-a": dict(host="h.test"),
       "/add-aaaa": dict(host="h.test", addresses=["::1"]), "/clear-aaaa": dict(host="h.test"),
       "/add-caa": dict(host="h.test", policies=[dict(tag="issue", value="x")]), "/clear-caa": dict(host="h.test"),
       "/set-cname": dict(host="h.test", target="i.test"), "/clear-cname": dict(host="h.test"),
       "/set-servfail": dict(host="h.test"), "/clear-servfail": dict(host="h.test")}
TLSALPN = {"/add-tlsalpn01": dict(host="h.test", content="c"), "/del-tlsalpn01": dict(host="h.test")}
HISTORY = {f"/{kind}-request-history": dict(host="h.test") for kind in ("http", "dns", "tlsalpn01")}
CLEAR = {"/clear-request-history": dict(host="h.test", type="dns")}
PATHS = {**HTTP, **DNS, **TLSALPN, **HISTORY, **CLEAR}
DEFAULTS = ("/set-default-ipv4", "/set-default-ipv6")


@pytest.mark.parametrize("path", PATHS)
def test_any_method(srv_both, path):
    for method in ("POST", "GET", "PUT"):
        reply = srv_both.post(path, method=method, **PATHS[path])
        assert reply.status_code == 200, (method, reply.text)
        if path in HISTORY:
            assert (reply.json(), reply.headers["Content-Type"]) == ([], "application/json; charset=utf-8")
        else:
            assert reply.content == b""


@pytest.mark.parametrize("path", PATHS)
def test_empty_body(srv_both, path):
    reply = srv_both.post(path, "")
    assert reply.status_code == 400
    assert reply.text.lower() == "expected json post body, was empty\n"
    assert reply.headers["Content-Type"] == "text/plain; charset=utf-8"


@pytest.mark.parametrize("path,member", [(p, m) for p in PATHS for m in PATHS[p] if p not in DEFAULTS])
def test_missing_member(srv_both, path, member):
    body = PATHS[path]
    for bad in ({k: v for k, v in body.items() if k != member}, {**body, member: type(body[member])()}):
        reply = srv_both.post(path, **bad)
        assert reply.status_code == 400, bad
        if srv_both.kind == "signet":
            assert member in reply.text or "event type unknown" in reply.text


@pytest.mark.parametrize("body", ("{", "[]", "null", '"x"', '{"host":"a.test","value":"v"} x', '{"host":1,"value":"v"}',
                                  '{"host":"a.test","value":["v"]}'))
def test_what_is_no_such_object(srv_both, body):
    reply = srv_both.post("/set-txt", body)
    assert reply.status_code == 400
    if srv_both.kind == "signet":
        assert reply.text.strip()


def test_members_are_case_insensitive_and_others_ignored(srv_both):
    assert srv_both.post("/set-txt", '{"HOST":"ci.test.","Value":"v","other":{"a":1}}').status_code == 200
    assert srv_both.answers("ci.test", "TXT") == [("ci.test.", "TXT", '"v"')]


@pytest.mark.parametrize("path,body", (
    ("/add-a", '{"host":"a.test","addresses":[1]}'), ("/add-a", '{"host":"a.test","addresses":"1.2.3.4"}'),
    ("/add-caa", '{"host":"a.test","policies":["x"]}'), ("/add-caa", '{"host":"a.test","policies":[{"tag":1}]}')))
def test_wrong_elements(srv_both, path, body):
    assert srv_both.post(path, body).status_code == 400


def test_unknown_history_type(srv_both):
    reply = srv_both.post("/clear-request-history", host="a.test", type="smtp")
    assert reply.status_code == 400 and '"smtp" event type unknown' in reply.text


@pytest.mark.parametrize("path", ("/", "/nope", "/set-txt/", "/SET-TXT"))
def test_unknown_path(srv_both, path):
    reply = srv_both.post(path, host="a.test", value="v")
    assert (reply.status_code, reply.text) == (404, "404 page not found\n")


def test_bad_target(srv):
    """2.4.0 takes it, and then never answers."""
    for target in ("a..b", "x" * 64 + ".test", "a\\300"):
        reply = srv.post("/set-cname", host="bad.test", target=target)
        assert (reply.status_code, reply.text) == (400, "target is no DNS name\n")


def test_large_body(srv):
    reply = srv.post("/set-txt", b"x" * 1048577)
    assert (reply.status_code, reply.text) == (413, "the body is larger than 1048576 bytes\n")


@pytest.mark.parametrize("off,gone", (("http01", {}), ("https01", {}), ("dns01", DNS), ("tlsalpn01", TLSALPN),
                                      ("http01 https01", HTTP), ("http01 https01 tlsalpn01", {**HTTP, **TLSALPN})))
def test_a_group_goes_with_its_listener(start_both, off, gone):
    srv = start_both(**{name: "" for name in off.split()})
    for path, body in PATHS.items():
        assert srv.post(path, **body).status_code == (404 if path in gone else 200), path


def test_lists_of_addresses_and_ones_that_cannot_be_opened(start_both):
    """One suite passes a literal "" from its shell."""
    more = free_port()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        http, busy = free_port(), taken.getsockname()[1]
        srv = start_both(http01=f"127.0.0.1:{http}, 127.0.0.1:{more},,127.0.0.1:{busy}", tlsalpn01='""')
        srv.tell("/add-http01", token="t", content="c")
        for port in (http, more):
            srv.ports["http01"] = port
            srv.wait_until_open(port)
            assert srv.get("/.well-known/acme-challenge/t").text == "c"
        assert srv.post("/add-tlsalpn01", host="h.test", content="c").status_code == 200
    assert 'address "": missing port in address' in srv.log
    assert f"127.0.0.1:{busy}: " in srv.log and "address already in use" in srv.log.lower()


def test_both_address_families(start_both):
    """":port" and "0.0.0.0:port" are every address of both."""
    ports = {name: free_port() for name in ("http01", "dns01", "tlsalpn01")}
    srv = start_both(http01=f":{ports['http01']}", dns01=f"0.0.0.0:{ports['dns01']}", tlsalpn01=f":{ports['tlsalpn01']}")
    srv.wait_until_open(ports["http01"])
    for host in ("127.0.0.1", "::1"):
        for port in (ports["http01"], ports["tlsalpn01"]):
            socket.create_connection((host, port), 10).close()
        for tcp in (False, True):
            assert srv.exchange(DNSRecord.question("a.test", "A").pack(), tcp, host)[2:4] == b"\x81\x00"


def test_the_answer_comes_from_the_address_that_was_asked(start):
    """On a socket for all addresses too: a resolver drops it otherwise. exchange() connects its socket."""
    srv = start(dns01=f":{free_port()}")
    assert srv.exchange(DNSRecord.question("a.test", "A").pack(), host="127.0.0.9")[2:4] == b"\x81\x00"


def test_host_names_in_addresses(start_both):
    srv = start_both(management=f"localhost:{free_port()}")
    srv.tell("/add-http01", token="t", content="c")


def test_log(start_both):
    srv = start_both()
    ports = srv.ports
    for text in (f"Creating HTTP-01 challenge server on 127.0.0.1:{ports['http01']}",
                 f"Creating HTTPS HTTP-01 challenge server on 127.0.0.1:{ports['https01']}",
                 f"Creating TCP and UDP DNS-01 challenge server on 127.0.0.1:{ports['dns01']}",
                 f"Creating TLS-ALPN-01 challenge server on 127.0.0.1:{ports['tlsalpn01']}",
                 "Answering A queries with 127.0.0.1 by default", "Answering AAAA queries with ::1 by default",
                 f"Starting management server on 127.0.0.1:{ports['management']}"):
        assert any(line.startswith("pebble-challtestsrv - 20") and line.endswith(" " + text)
                   for line in srv.log.splitlines()), (text, srv.log)


@pytest.mark.parametrize("number", (signal.SIGTERM, signal.SIGINT))
def test_it_ends(start_both, number):
    srv = start_both()
    # Ours answers all who are here and goes; so does the other, which catches signals a little after that line.
    time.sleep(0.1 if srv.kind == "debian" else 0)
    srv.process.send_signal(number)
    assert srv.process.wait(10) == 0


PROGRAMS = [[challtestsrv.ORACLE]] if challtestsrv.ORACLE else []
OFF = ("-http01", "", "-https01=", "--dns01", "", "--tlsalpn01=")


def run(program, *args):
    done = subprocess.run([*program, *args], capture_output=True, text=True, timeout=20)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("program", [challtestsrv.ours()] + PROGRAMS)
def test_command_line(program):
    status, text = run(program, "-help")
    assert status == 0 and text.startswith("Usage of ")
    for flag in ("http01", "https01", "dns01", "tlsalpn01", "management", "defaultIPv4", "defaultIPv6"):
        assert f"\n  -{flag} string\n    \t" in text
    status, text = run(program, "-nope")
    assert status == 2 and text.startswith("flag provided but not defined: -nope\nUsage of ")
    status, text = run(program, "-http01")
    assert status == 2 and text.startswith("flag needs an argument: -http01\n")
    status, text = run(program, *OFF)
    assert status == 1 and text.startswith("Unable to construct challenge server: ")


def test_stray_arguments():
    """2.4.0 ignores them."""
    status, text = run(challtestsrv.ours(), "stray", "-http01", "")
    assert status == 1 and text.startswith("invalid command line arguments: stray\nUsage of ")


def test_port_0(start):
    """The log has the ports."""
    srv = start(http01="127.0.0.1:0", dns01="127.0.0.1:0")
    for name, line in (("http01", "Creating HTTP-01 "), ("dns01", "Creating TCP and UDP DNS-01 ")):
        found = next(text for text in srv.log.splitlines() if line in text)
        srv.ports[name] = int(found.rsplit(":", 1)[1])
    assert srv.get("/").status_code == 200
    assert srv.answers("a.test", "A") == srv.answers("a.test", "A", tcp=True) == [("a.test.", "A", "127.0.0.1")]


def test_the_new_name_of_dns01(start):
    port = free_port()
    srv = start(more=["-dnsserver", f"127.0.0.1:{port}"])
    srv.ports["dns01"] = port
    assert srv.answers("a.test", "A") == [("a.test.", "A", "127.0.0.1")]


class TestDoh:
    @pytest.fixture
    def srv(self, start, tmp_path):
        key = Key()
        pem = certificate("doh.test", "x", key, identifier=False)
        (tmp_path / "cert.pem").write_bytes(pem)
        (tmp_path / "key.pem").write_bytes(key.pem())
        self.port = free_port()
        self.trusted = str(tmp_path / "cert.pem")
        self.tmp = tmp_path
        return start(more=["-doh", f"127.0.0.1:{self.port}", "-doh-cert", self.trusted,
                           "-doh-cert-key", str(tmp_path / "key.pem")])

    def post(self, data, path="/dns-query", method="POST"):
        return requests.request(method, f"https://127.0.0.1:{self.port}{path}", data=data, verify=False, timeout=10)

    def test_query(self, srv):
        srv.tell("/set-txt", host="doh.test", value="v")
        for path in ("/dns-query", "/"):
            reply = self.post(DNSRecord.question("doh.test", "TXT").pack(), path)
            assert (reply.status_code, reply.headers["Content-Type"]) == (200, "application/dns-message")
            assert DNSRecord.parse(reply.content).rr[0].rdata.data == [b"v"]
        assert [e["UserAgent"][:16] for e in srv.history("dns", "doh.test")] == ["python-requests/"] * 2
        srv.tell("/set-default-ipv4", ip="localhost")
        reply = self.post(DNSRecord.question("other.test", "A").pack())
        assert str(DNSRecord.parse(reply.content).rr[0].rdata) == "127.0.0.1"

    def test_it_is_the_configured_certificate(self, srv):
        with open(self.trusted, encoding="ascii") as f:
            assert ssl.get_server_certificate(("127.0.0.1", self.port)).split() == f.read().split()

    def test_only_by_post(self, srv):
        query = base64.urlsafe_b64encode(DNSRecord.question("a.test", "A").pack()).rstrip(b"=").decode()
        for method in ("GET", "PUT"):
            assert self.post(b"", f"/dns-query?dns={query}", method).status_code == 405

    @pytest.mark.parametrize("data", (b"", b"x", b"\0" * 12, b"\x12\x34\1\0\0\1\0\0\0\0\0\0\xc0\x0c\0\1\0\1"))
    def test_what_is_no_query(self, srv, data):
        reply = self.post(data)
        assert (reply.status_code, reply.text) == (400, "the body is not one DNS query (RFC 1035, 4.1)\n")

    def test_without_certificate(self, start, tmp_path):
        (tmp_path / "bad.pem").write_text("nothing")
        for more, text in (
                ([], '-doh-cert "": DNS by HTTPS needs it'),
                (["-doh-cert", "/nonexistent"], '-doh-cert "/nonexistent": '),
                (["-doh-cert", str(tmp_path / "bad.pem"), "-doh-cert-key", str(tmp_path / "bad.pem")],
                 "the HTTP server can't be started; perhaps the certificate and key are no good")):
            srv = start(more=["-doh", f"127.0.0.1:{free_port()}", *more])
            assert text in srv.log
            assert srv.answers("a.test", "A") == [("a.test.", "A", "127.0.0.1")]
