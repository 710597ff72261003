"""tls-alpn-01 (RFC 8737): what passes, what can be wrong with the answer, and what the client is told."""
import hashlib
import ipaddress
import ssl
import time
import zlib

import pytest
from cryptography import x509
from harness import acme
from harness.keys import Key
from harness.tlsalpn import certificate
from harness.validation import attempt, check_failed

pytestmark = pytest.mark.needs("tls-alpn-01")

KIND = "tls-alpn-01"


def dns(*names):
    return [x509.DNSName(name) for name in names]


@pytest.fixture
def validate(shared):
    return lambda name, prepare=True, **bends: attempt(shared, name, KIND, prepare, **bends)


@pytest.fixture
def fails(validate):
    return lambda name, kind, *words, **more: check_failed(validate(name, **more), kind, *words, name)


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
    assert not acme.WORDS or challenge["validationRecord"] == [{
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
    "the-drafts-number": ({"oid": x509.ObjectIdentifier("1.3.6.1.5.5.7.1.30.1")}, "no acmeIdentifier"),
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
    assert not acme.WORDS or challenge["validationRecord"][0]["addressUsed"] == "127.0.0.1"


def test_rfc8737_3_digest_of_another_account(client, fails, server, shared):
    """The right token with another account's thumbprint: that account's key authorization, not ours."""
    order = shared.order(["stolen.alpn.test"]).json()["authorizations"][0]
    challenge = next(c for c in shared.get(order).json()["challenges"] if c["type"] == KIND)
    server.responder.tls.put("stolen.alpn.test", f"{challenge['token']}.{client.key.thumbprint}")
    shared.post(challenge["url"], {})
    done = shared.poll(order, ("valid", "invalid")).json()
    assert done["status"] == "invalid"
    challenge = next(c for c in done["challenges"] if c["type"] == KIND)
    check_failed(challenge, "incorrectResponse", DIGEST, "thumbprint of this account's key")


def test_rfc8737_3_not_of_http_01(shared, server):
    """An answer to http-01 alone proves nothing here, and the other way round."""
    order = shared.order(["half.alpn.test"]).json()["authorizations"][0]
    shared.challenge(order, "http-01")
    challenge = next(c for c in shared.get(order).json()["challenges"] if c["type"] == KIND)
    shared.post(challenge["url"], {})
    done = shared.poll(order, ("valid", "invalid")).json()
    assert done["status"] == "invalid"
    assert "invalid" in [c["status"] for c in done["challenges"] if c["type"] == KIND]


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
