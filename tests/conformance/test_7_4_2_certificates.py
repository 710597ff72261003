"""RFC 8555, 7.4.2, and what stands in the certificates (RFC 5280; PROTOCOL.md part C)."""
import subprocess

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.x509.oid import ExtendedKeyUsageOID
from harness.acme import check_problem
from harness.keys import Key


def openssl(*args, stdin=None):
    return subprocess.run(["openssl", *map(str, args)], input=stdin, capture_output=True, text=True,
                          timeout=30)


@pytest.fixture(scope="module")
def issued(shared):
    return shared.issue(["cert.test", "www.cert.test", "a.b.c.cert.test"])


@pytest.fixture(scope="module")
def reply(shared, issued):
    return shared.get(issued.order["certificate"])


def extension(certificate, kind):
    return certificate.extensions.get_extension_for_class(kind)


def test_rfc8555_7_4_2_pem_chain(reply):
    assert reply.headers["Content-Type"].split(";")[0] == "application/pem-certificate-chain"
    assert reply.text.startswith("-----BEGIN CERTIFICATE-----\n")
    assert reply.text.endswith("-----END CERTIFICATE-----\n")
    begins = [line for line in reply.text.splitlines() if line.startswith("-----")]
    assert set(begins) == {"-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"}


def test_rfc5280_4_2_1_6_names(issued):
    san = extension(issued.leaf, x509.SubjectAlternativeName)
    assert issued.names == ["a.b.c.cert.test", "cert.test", "www.cert.test"]
    assert len(list(san.value)) == 3
    assert san.critical == (not list(issued.leaf.subject))


def test_rfc5280_4_2_usages(issued):
    usage = extension(issued.leaf, x509.KeyUsage)
    assert usage.critical and usage.value.digital_signature
    assert not (usage.value.key_cert_sign or usage.value.crl_sign)
    assert ExtendedKeyUsageOID.SERVER_AUTH in list(extension(issued.leaf, x509.ExtendedKeyUsage).value)
    assert ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE not in list(extension(issued.leaf, x509.ExtendedKeyUsage).value)
    assert extension(issued.leaf, x509.BasicConstraints).value.ca is False


def test_rfc5280_4_2_1_1_key_identifiers(issued):
    leaf, intermediate = issued.chain
    aki = extension(leaf, x509.AuthorityKeyIdentifier)
    assert aki.value.key_identifier == extension(intermediate, x509.SubjectKeyIdentifier).value.digest
    assert not aki.critical


def test_rfc8555_7_4_csr_key_is_the_certificates_key(issued):
    def spki(key):
        return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    assert spki(issued.leaf.public_key()) == spki(issued.key.private.public_key())


@pytest.mark.parametrize("kind, bits", [
    ("P-256", 0), ("P-384", 0), ("RSA", 2048), ("RSA", 3072), ("RSA", 4096),
    *(pytest.param(kind, 0, marks=pytest.mark.needs("signet")) for kind in ("P-521", "Ed25519", "Ed448"))])
def test_parta_every_certificate_key(shared, kind, bits):
    key = Key(kind, bits or 2048)
    leaf = shared.issue(["anykey.test"], key).leaf
    usage = extension(leaf, x509.KeyUsage).value
    assert usage.key_encipherment == (kind == "RSA")            # only RSA keys encipher


def test_parta_37_common_name_repeats_a_name(shared):
    issued = shared.issue(["cn.test", "cn2.test"], common_name="cn.test")
    assert issued.names == ["cn.test", "cn2.test"]


def test_parta_37_names_only_in_the_common_name(shared):
    from harness.keys import csr
    order, url = shared.ready(["onlycn.test"])
    reply = shared.finalize(order, csr([], Key(), common_name="onlycn.test"))
    assert reply.status_code == 200, reply.text
    shared.poll(url, ("valid",))


@pytest.mark.needs("signet")
def test_parta_100_names_in_one_certificate(shared):
    names = [f"n{i:03}.many.test" for i in range(100)]
    assert shared.issue(names).names == names
    reply = shared.post(shared.directory["newOrder"], {"identifiers": [
        {"type": "dns", "value": f"n{i}.many.test"} for i in range(101)]})
    check_problem(reply, "malformed", 400, "100 is the most")


@pytest.mark.needs("signet")
def test_rfc7633_must_staple_is_refused_where_nothing_can_be_stapled(shared):
    """OCSP is off by default; tests/integration/test_ocsp.py has the other case."""
    from harness.keys import csr
    order, url = shared.ready(["staple.test"])
    wanted = x509.TLSFeature([x509.TLSFeatureType.status_request])
    check_problem(shared.finalize(order, csr(["staple.test"], Key(), extensions=[(wanted, False)])), "badCSR", 400,
                  "must-staple")
    assert shared.get(url).json()["status"] == "ready"
