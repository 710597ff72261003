"""Hostile CSRs in finalize: each refused as badCSR with its cause, and the order stays ready (RFC 8555, 7.4;
RFC 2986; PROTOCOL.md A 36 and 37, part D)."""
import datetime
import ipaddress

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, rsa
from cryptography.x509.oid import NameOID
from harness.acme import check_problem
from harness.keys import Key, csr

NAME = "csr.test"
SAN = x509.DNSName(NAME)


class Other(Key):
    """A key that Key does not make."""

    def __init__(self, private):
        self.kind, self.private = "other", private


def broken_signature():
    der = bytearray(csr([NAME], Key()))
    der[-1] ^= 1
    return bytes(der)


def raw_san(value):
    """A subjectAltName with that dNSName's bytes, whatever they are."""
    inner = bytes([0x82, len(value)]) + value
    return x509.UnrecognizedExtension(x509.ObjectIdentifier("2.5.29.17"), bytes([0x30, len(inner)]) + inner)


def with_version_2():
    """The version is the first INTEGER; the signature is then wrong too, but the version is what is told."""
    der = bytearray(csr([NAME], Key()))
    at = bytes(der).index(b"\x02\x01\x00")
    der[at + 2] = 1
    return bytes(der)


def ber_length():
    """A length in more bytes than it takes: BER, not DER."""
    der = csr([NAME], Key(), common_name=NAME)
    assert der[1] == 0x81 or der[1] == 0x82
    if der[1] == 0x81:
        return der[:1] + b"\x82\x00" + der[2:]
    return der[:1] + b"\x83\x00" + der[2:]


def certificate():
    """Something else in DER."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "x")])
    now = datetime.datetime(2026, 1, 1)
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.serial_number(1).not_valid_before(now).not_valid_after(now + datetime.timedelta(1))
    return made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


CASES = {
    "rfc8555-7.4-extra-san": (lambda: csr([NAME, "extra.test"], Key()),
                              '"extra.test", which the order doesn\'t'),
    "rfc8555-7.4-extra-san-of-own-domain": (lambda: csr([NAME, "www." + NAME], Key()),
                                            "which the order doesn't"),
    "rfc8555-7.4-other-san": (lambda: csr(["other.test"], Key()), "CSR"),
    "rfc8555-7.4-wildcard-instead": (lambda: csr(["*.test"], Key()), "which the order doesn't"),
    "rfc8555-7.4-extra-name-in-cn": (lambda: csr([NAME], Key(), common_name="extra.test"), '"extra.test"'),
    "rfc8555-7.4-cn-is-no-name": (lambda: csr([NAME], Key(), common_name="My Server"), "common name"),
    "partd-cn-is-an-ip-address": (lambda: csr([NAME], Key(), common_name="10.0.0.1"), "10.0.0.1"),
    "rfc8555-7.4-no-name": (lambda: csr([], Key()), "no name"),
    "partd-ip-san": (lambda: csr([], Key(), sans=[SAN, x509.IPAddress(ipaddress.ip_address("10.0.0.1"))]),
                     "10.0.0.1"),
    "partd-ip-san-alone": (lambda: csr([], Key(), sans=[x509.IPAddress(ipaddress.ip_address("fd00::1"))]),
                           NAME),
    "partd-ip-text-as-dns-san": (lambda: csr([], Key(), sans=[SAN, x509.DNSName("10.0.0.1")]), "IP address"),
    "rfc5280-4.2.1.6-email-san": (lambda: csr([], Key(), sans=[SAN, x509.RFC822Name("a@csr.test")]),
                                  "another kind of name"),
    "rfc5280-4.2.1.6-uri-san": (lambda: csr([], Key(), sans=[SAN,
                                                             x509.UniformResourceIdentifier("http://a/")]),
                                "another kind of name"),
    "rfc5280-4.2.1.6-other-name": (lambda: csr([], Key(), sans=[SAN, x509.OtherName(
        x509.ObjectIdentifier("1.3.6.1.4.1.311.20.2.3"), b"\x0c\x01a")]), "another kind of name"),
    "rfc5280-4.2.1.6-nul-in-san": (lambda: csr([], Key(), extensions=[(raw_san(b"csr.test\0.evil"), False)]),
                                   "NUL"),
    "rfc5280-4.2.1.6-empty-san": (lambda: csr([], Key(), extensions=[(raw_san(b""), False)]), "empty"),
    "rfc5280-4.2.1.6-trailing-dot": (lambda: csr([NAME + "."], Key()), "dot"),
    "rfc5280-4.2.1.6-garbage-san": (lambda: csr([], Key(), extensions=[(x509.UnrecognizedExtension(
        x509.ObjectIdentifier("2.5.29.17"), b"\x30\x05ab"), False)]), "CSR"),
    "rfc2986-4-not-asn1": (lambda: b"hello, world", "DER"),
    "rfc2986-4-empty": (lambda: b"", "CSR"),
    "rfc2986-4-cut-short": (lambda: csr([NAME], Key())[:-10], "DER"),
    "rfc2986-4-trailing-byte": (lambda: csr([NAME], Key()) + b"\0", "DER"),
    "x690-10.1-long-length": (ber_length, "DER"),
    "rfc2986-4.1-version-2": (with_version_2, "version"),
    "rfc2986-4.2-broken-signature": (broken_signature, "signature"),
    "rfc2986-4-a-certificate": (certificate, "PKCS #10"),
    "rfc9155-sha1": (lambda: csr([NAME], Key("RSA"), hash_=hashes.SHA1()), "SHA-1"),
    "rfc6151-md5": (lambda: csr([NAME], Key("RSA"), hash_=hashes.MD5()), "MD5"),
    "goodkey-rsa-1024": (lambda: csr([NAME], Key("RSA", 1024)), "1024 bits"),
    "goodkey-rsa-2056": (lambda: csr([NAME], Key("RSA", 2056)), "2056 bits"),
    "goodkey-rsa-exponent-3": (lambda: csr([NAME], Other(rsa.generate_private_key(3, 2048))), "65537"),
    "goodkey-dsa": (lambda: csr([NAME], Other(dsa.generate_private_key(1024))), "this kind of key"),
    "goodkey-secp256k1": (lambda: csr([NAME], Other(ec.generate_private_key(ec.SECP256K1()))), "curve"),
    "goodkey-p224": (lambda: csr([NAME], Other(ec.generate_private_key(ec.SECP224R1()))), "curve"),
    "rfc5280-4.2.1.9-ca-true": (lambda: csr([NAME], Key(), extensions=[
        (x509.BasicConstraints(True, 0), True)]), "CA certificate"),
    "rfc5280-4.2.1.10-name-constraints": (lambda: csr([NAME], Key(), extensions=[
        (x509.NameConstraints([x509.DNSName("test")], None), True)]), "critical extension"),
    "rfc5280-4.2-unknown-critical": (lambda: csr([NAME], Key(), extensions=[
        (x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\5\0"),
         True)]), "critical extension"),
    "rfc7633-unknown-feature": (lambda: csr([NAME], Key(), extensions=[
        (x509.TLSFeature([x509.TLSFeatureType.status_request_v2]), False)]), "TLS feature"),
    "limits-32-kib": (lambda: csr([NAME], Key(), extensions=[(x509.UnrecognizedExtension(
        x509.ObjectIdentifier("1.2.3.4"), bytes(33000)), False)]), "larger than"),
    "limits-200-names": (lambda: csr([NAME] + [f"n{i}.test" for i in range(200)], Key()),
                         "more than 100 names"),
}


@pytest.fixture(scope="module")
def kept():
    return {}


@pytest.fixture
def ready(shared, kept):
    """One order that every case must leave ready."""
    if not kept or shared.get(kept["url"]).json()["status"] != "ready":
        kept["order"], kept["url"] = shared.ready([NAME])
    return kept


# Which keys, digests and sizes a server takes is its own to say.
POLICY = ("goodkey", "limits", "rfc9155", "rfc6151", "rfc7633")


@pytest.mark.parametrize("case", [pytest.param(case, id=case, marks=pytest.mark.needs("policy"))
                                  if case.startswith(POLICY) else pytest.param(case, id=case) for case in CASES])
def test_hostile_csr(shared, ready, case):
    make, detail = CASES[case]
    problem = check_problem(shared.finalize(ready["order"], make()), "badCSR", 400, detail, others=("malformed", "unauthorized"))
    assert "-----" not in problem.get("detail", "")
    assert shared.get(ready["url"]).json()["status"] == "ready"      # RFC 8555, 7.4: a bad CSR changes nothing


PAYLOADS = {
    "rfc8555-7.4-no-csr": ({}, "malformed", '"csr"'),
    "rfc8555-7.4-csr-number": ({"csr": 1}, "malformed", '"csr"'),
    "rfc8555-7.4-csr-null": ({"csr": None}, "malformed", '"csr"'),
    "rfc8555-7.4-csr-pem": ({"csr": "-----BEGIN CERTIFICATE REQUEST-----\nMII"}, "badCSR", "PEM"),
    "rfc8555-7.4-csr-padded": ({"csr": "MIIB=="}, "badCSR", "base64url"),
    "rfc8555-7.4-csr-plain-base64": ({"csr": "MII+/"}, "badCSR", "base64url"),
    "rfc8555-7.4-csr-empty": ({"csr": ""}, "badCSR", "CSR"),
}


@pytest.mark.parametrize("case", PAYLOADS, ids=list(PAYLOADS))
def test_hostile_finalize(shared, ready, case):
    payload, kind, detail = PAYLOADS[case]
    check_problem(shared.post(ready["order"]["finalize"], payload), kind, 400, detail, others=("malformed",))
    assert shared.get(ready["url"]).json()["status"] == "ready"


def test_hostile_csr_then_a_good_one(shared, ready):
    """After all of that the order still works."""
    assert shared.finalize(ready["order"], csr([NAME], Key())).status_code == 200
    assert shared.poll(ready["url"], ("valid", "invalid")).json()["status"] == "valid"
