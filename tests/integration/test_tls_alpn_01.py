"""tls-alpn-01 (RFC 8737): what passes, what can be wrong with the answer, and what the client is told."""
import hashlib
import ipaddress
import itertools
import socket
import struct
import ssl
import time
import zlib

import pytest
from cryptography import x509
from harness.acme import URN
from harness.keys import Key
from harness.tlsalpn import certificate

KIND = "tls-alpn-01"


def dns(*names):
    return [x509.DNSName(name) for name in names]


@pytest.fixture
def validate(shared):
    """Orders the name and tries its tls-alpn-01 challenge; that challenge in the end."""
    def run(name, prepare=True, client=shared, **bends):
        authorization = client.order([name]).json()["authorizations"][0]
        challenge = client.challenge(authorization, KIND, **bends) if prepare else next(
            c for c in client.get(authorization).json()["challenges"] if c["type"] == KIND)
        client.post(challenge["url"], {})
        return client.poll(authorization, ("valid", "invalid")).json()["challenges"][0]
    return run


@pytest.fixture
def fails(validate):
    def run(name, kind, *words, **more):
        challenge = validate(name, **more)
        assert challenge["status"] == "invalid" and "validated" not in challenge, challenge
        assert challenge["error"]["type"] == URN + kind, challenge
        for word in (*words, name):
            assert word in challenge["error"]["detail"], (word, challenge["error"]["detail"])
        return challenge
    return run


# --- what passes -------------------------------------------------------------------------------------

def test_rfc8737_3_a_certificate(shared, server):
    """Three names, proven by this challenge alone; each connection asks for its own name and protocol, and ends
    without a byte of data."""
    tls = server.responder.tls
    names = ["a.alpn.test", "alpn.test", "b.alpn.test"]
    issued = shared.issue(names, kind=KIND)
    assert issued.names == names
    assert set(names) <= set(tls.seen)
    deadline = time.monotonic() + 5
    while len(tls.after) < 3 and time.monotonic() < deadline:
        time.sleep(0.01)
    for version, protocol, data in tls.after[-3:]:
        assert (version, protocol, data) == ("TLSv1.3", "acme-tls/1", b"")


def test_rfc8737_3_it_is_offered_and_recorded(shared, server, validate):
    authorization = shared.get(shared.order(["offer.alpn.test"]).json()["authorizations"][0]).json()
    assert {"http-01", KIND} <= {c["type"] for c in authorization["challenges"]}
    challenge = validate("record.alpn.test")
    assert challenge["status"] == "valid" and challenge["validated"]
    assert challenge["validationRecord"] == [{
        "hostname": "record.alpn.test", "port": str(server.responder.tls.port), "addressesResolved": ["127.0.0.1"],
        "addressUsed": "127.0.0.1", "resolverAddrs": [server.names.address]}]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("bends", [
    {"highest": ssl.TLSVersion.TLSv1_2, "key": Key("P-521")},
    {"highest": ssl.TLSVersion.TLSv1_2, "key": Key("RSA")},
    {"sans": dns("CaSe.Alpn.TEST")},
    {"days": -5},
    {"subject": ""},
    {"key": Key("RSA")},
    {"key": Key("P-384")},
    {"key": Key("Ed25519")},
], ids=["tls-1.2-p-521", "tls-1.2-rsa", "rfc4343-other-case", "expired", "empty-subject", "rsa", "p-384", "ed25519"])
def test_rfc8737_3_passes(validate, bends):
    key = bends.get("key")
    name = "case.alpn.test" if "sans" in bends else f"passes{zlib.crc32(str(key.kind if key else bends).encode())}.test"
    assert validate(name, **bends)["status"] == "valid"


# --- what doesn't ------------------------------------------------------------------------------------

DIGEST = "another digest"
CERTIFICATES = {
    "no-san": ({"san": False}, "no subjectAltName"),
    "two-sans": ({"sans": dns("one.alpn.test", "two.alpn.test")}, "has 2 SANs"),
    "no-sans-in-the-extension": ({"sans": []}, "has 0 SANs"),
    "other-name": ({"sans": dns("other.alpn.test")}, "SAN is not"),
    "longer-name": ({"sans": dns("x.alpn.test.evil.test")}, "SAN is not"),
    "email": ({"sans": [x509.RFC822Name("a@alpn.test")]}, "not a dNSName"),
    "address": ({"sans": [x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]}, "not a dNSName"),
    "no-extension": ({"identifier": False}, "no acmeIdentifier"),
    "not-critical": ({"critical": False}, "not critical"),
    "wrong-digest": ({"digest": hashlib.sha256(b"x").digest()}, DIGEST),
    "31-bytes": ({"extension": b"\x04\x1f" + bytes(31)}, "OCTET STRING of 32 bytes"),
    "33-bytes": ({"extension": b"\x04\x21" + bytes(33)}, "OCTET STRING of 32 bytes"),
    "bare-digest": ({"extension": bytes(32)}, "OCTET STRING of 32 bytes"),
    "utf8string": ({"extension": b"\x0c\x20" + bytes(32)}, "OCTET STRING of 32 bytes"),
    "long-form-length": ({"extension": b"\x04\x81\x20" + bytes(32)}, "OCTET STRING of 32 bytes"),
    "trailing": ({"extension": b"\x04\x20" + bytes(32) + b"\x05\x00"}, "OCTET STRING of 32 bytes"),
    "empty-extension": ({"extension": b""}, "OCTET STRING of 32 bytes"),
    "other-issuer": ({"issuer": "Some CA"}, "issuer is not its subject"),
    "other-signer": ({"signer": Key()}, "signature is not by its own key"),
    "no-alpn": ({"alpn": None}, "chose no ALPN protocol: it must answer acme-tls/1"),
}


@pytest.mark.parametrize("case", CERTIFICATES, ids=list(CERTIFICATES))
def test_rfc8737_3_certificate(server, fails, case):
    bends, words = CERTIFICATES[case]
    challenge = fails(f"bad-{case}.alpn.test", "incorrectResponse", words, "127.0.0.1",
                      str(server.responder.tls.port), **bends)
    assert challenge["validationRecord"][0]["addressUsed"] == "127.0.0.1"


def test_rfc8737_3_digest_of_another_account(client, fails, server, shared):
    """The right token with another account's thumbprint: that account's key authorization, not ours."""
    order = shared.order(["stolen.alpn.test"]).json()["authorizations"][0]
    challenge = next(c for c in shared.get(order).json()["challenges"] if c["type"] == KIND)
    server.responder.tls.put("stolen.alpn.test", f"{challenge['token']}.{client.key.thumbprint}")
    shared.post(challenge["url"], {})
    done = shared.poll(order, ("valid", "invalid")).json()["challenges"][0]
    assert DIGEST in done["error"]["detail"] and "thumbprint of this account's key" in done["error"]["detail"]


def test_rfc8737_3_not_of_http_01(shared, server):
    """An answer to http-01 alone proves nothing here, and the other way round."""
    order = shared.order(["half.alpn.test"]).json()["authorizations"][0]
    shared.challenge(order, "http-01")
    challenge = next(c for c in shared.get(order).json()["challenges"] if c["type"] == KIND)
    shared.post(challenge["url"], {})
    done = shared.poll(order, ("valid", "invalid")).json()
    assert done["status"] == "invalid" and [c["type"] for c in done["challenges"]] == [KIND]


# --- TLS ---------------------------------------------------------------------------------------------

def test_rfc7301_3_2_no_common_protocol(fails):
    """OpenSSL's server lets a stranger's protocol pass without choosing one."""
    fails("h2.alpn.test", "incorrectResponse", "chose no ALPN protocol", alpn=["h2"])


@pytest.mark.parametrize("highest, host", [(ssl.TLSVersion.TLSv1, "127.0.7.10"), (ssl.TLSVersion.TLSv1_1, "127.0.7.11")])
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_rfc8737_3_tls_1_2_or_later(server, names, fails, highest, host):
    name = names.set(f"old{int(highest)}.alpn.test", a=[host])
    tls = server.responder.tls
    tls.listen(host, tls.context(certificate(name, "", tls.key), tls.key, ["acme-tls/1"], highest))
    fails(name, "tls", host, "protocol", "TLS 1.2 or later")


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
