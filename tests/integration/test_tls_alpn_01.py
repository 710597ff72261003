"""tls-alpn-01 (RFC 8737): what passes, what can be wrong with the answer, and what the client is told."""
import itertools
import socket
import struct
import time
import zlib

import pytest
from cryptography import x509
from harness.validation import attempt, check_failed

KIND = "tls-alpn-01"


def dns(*names):
    return [x509.DNSName(name) for name in names]


@pytest.fixture
def validate(shared):
    return lambda name, prepare=True, **bends: attempt(shared, name, KIND, prepare, **bends)


@pytest.fixture
def fails(validate):
    return lambda name, kind, *words, **more: check_failed(validate(name, **more), kind, *words, name)


@pytest.mark.parametrize("alert, words", [(112, "unrecognized name"), (120, "no application protocol"),
                                          (40, "handshake failure"), (80, "internal error")])
def test_tls_alert(fails, alert, words):
    fails(f"alert{alert}.alpn.test", "tls", f'the TLS alert "{words}" ({alert})', "127.0.0.1", alert=alert)


# --- what answers is no TLS server -------------------------------------------------------------------

hosts = itertools.count(20)


@pytest.fixture
def answers(server, names, fails):
    """A name whose address answers every connection with what a function does."""
    def run(raw, kind, *words):
        host = f"127.0.7.{next(hosts)}"
        def handle(sock):
            with sock:
                try:
                    raw(sock)
                except OSError:
                    pass
        server.responder.tls.listen(host, raw=handle)
        return fails(names.set(f"tls-raw-{host}.test".replace("127.0.7.", ""), a=[host]), kind, host, *words, prepare=False)
    return run


def record(kind, body, version=b"\x03\x03"):
    return bytes([kind]) + version + struct.pack(">H", len(body)) + body


def read_hello(sock):
    return sock.recv(4096)


def reset(sock):
    read_hello(sock)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def until_closed(sock, data, pause=0.0):
    """The same for ever; it must be the validator that hangs up."""
    read_hello(sock)
    sent, end = 0, time.monotonic() + 20
    while time.monotonic() < end:
        sent += sock.send(data)
        time.sleep(pause)


@pytest.mark.parametrize("raw, kind, words", [
    (lambda sock: None, "connection", "connection off"),
    (read_hello, "connection", "closed the connection in the TLS handshake"),
    (reset, "connection", "broke the connection off"),
    (lambda sock: sock.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n" + read_hello(sock)), "tls", "is it a TLS server"),
    (lambda sock: sock.sendall(b"SSH-2.0-OpenSSH_9.2\r\n" + read_hello(sock)), "tls", "is it a TLS server"),
    (lambda sock: sock.sendall(record(21, b"\x02\x28") + read_hello(sock)), "tls", "handshake failure"),
    (lambda sock: sock.sendall(record(22, b"\x02\x00\x00\x04abcd") + read_hello(sock)), "tls", "failed the TLS"),
    (lambda sock: until_closed(sock, record(22, b"\x02\xff\xff\xff" + bytes(16000))), "tls", "handshake"),
    (lambda sock: until_closed(sock, record(22, b"\x00\x00\x00\x00") * 1000), "tls", "handshake"),   # HelloRequest
    (lambda sock: until_closed(sock, record(21, b"\x01\x5a") * 1000), "tls", "handshake"),            # warnings
    (lambda sock: until_closed(sock, record(22, b"") * 1000), "tls", "handshake"),
], ids=["closes-at-once", "closes", "resets", "http", "ssh", "alert", "bad-hello", "endless-hello", "hello-requests",
        "warnings", "empty-records"])
def test_partd_no_tls(answers, raw, kind, words):
    begin = time.monotonic()
    challenge = answers(raw, kind, words) if words != "connection off" else answers(raw, kind)
    assert time.monotonic() - begin < 4, challenge          # long before va.timeout, which is 5 s here


def drip(sock):
    """A long ServerHello, byte by byte: each in time, the whole never."""
    read_hello(sock)
    for byte in record(22, b"\x02\x00\x3f\xf0\x03\x03" + bytes(200)):
        sock.send(bytes([byte]))
        time.sleep(0.2)


@pytest.mark.parametrize("raw", [
    lambda sock: time.sleep(12), lambda sock: (sock.sendall(b"\x16\x03\x03\x00"), time.sleep(12)),
    drip], ids=["mute", "half-a-header", "drips"])
def test_partd_slow(answers, raw):
    begin = time.monotonic()
    answers(raw, "connection", "did not finish the TLS handshake", "5 s")
    assert time.monotonic() - begin < 9


@pytest.mark.alone
def test_partd_slow_ones_delay_nobody(server, names, shared):
    host = f"127.0.7.{next(hosts)}"
    server.responder.tls.listen(host, raw=lambda sock: time.sleep(10))
    names.set("crowd.alpn.test", a=[host])
    slow = [shared.order(["crowd.alpn.test"]).json()["authorizations"][0] for _ in range(40)]
    for url in slow:
        shared.post(shared.challenge(url, KIND)["url"], {})
    begin = time.monotonic()
    shared.issue(["nocrowd.alpn.test"], kind=KIND)
    assert time.monotonic() - begin < 1.5
    for url in slow:
        assert shared.poll(url, ("valid", "invalid")).json()["status"] == "invalid"


# --- where it connects (as http-01: test_validation.py) ----------------------------------------------

def test_refused(names, fails):
    name = names.set("refused.alpn.test", a=["127.0.7.9"])
    fails(name, "connection", "127.0.7.9", "refused the connection", "tls-alpn-01 responder", prepare=False)


def test_no_address(names, fails):
    name = names.set("nx.alpn.test", rcode="NXDOMAIN")
    fails(name, "dns", names.address, "NXDOMAIN", prepare=False)


def test_ipv6_first(server, names, validate):
    if len(server.responder._servers) < 2:
        pytest.fail("this machine has no IPv6 on loopback")
    names.set("six.alpn.test", a=["127.0.7.9"], aaaa=["::1"])
    assert validate("six.alpn.test")["validationRecord"][0]["addressUsed"] == "::1"


def test_ipv6_then_ipv4(names, validate, fails):
    names.set("fallback.alpn.test", a=["127.0.0.1"], aaaa=["::ffff:127.0.7.9"])
    challenge = validate("fallback.alpn.test")
    assert challenge["status"] == "valid"
    assert [hop["addressUsed"] for hop in challenge["validationRecord"]] == ["::ffff:127.0.7.9", "127.0.0.1"]
    names.set("neither.alpn.test", a=["127.0.7.8"], aaaa=["::ffff:127.0.7.9"])
    fails("neither.alpn.test", "connection", "127.0.7.8", "before that", "127.0.7.9", prepare=False)


def test_no_fallback_after_an_answer(names, fails):
    names.set("answered.alpn.test", a=["127.0.0.1"], aaaa=["::1"])
    challenge = fails("answered.alpn.test", "incorrectResponse", "::1", critical=False)
    assert len(challenge["validationRecord"]) == 1


@pytest.mark.parametrize("addresses", [{"a": ["169.254.169.254"]}, {"aaaa": ["fe80::1"]}, {"a": ["0.0.0.0"]},
                                       {"aaaa": ["::ffff:169.254.169.254"]}, {"a": ["224.0.0.1"]}],
                         ids=lambda value: str(value))
def test_rfc8555_10_4_denied_address(names, fails, addresses):
    name = names.set(f"denied{zlib.crc32(str(addresses).encode())}.alpn.test", **addresses)
    challenge = fails(name, "connection", "not an allowed target", "va.targets.allow", prepare=False)
    assert challenge["validationRecord"][0]["addressUsed"] == ""
