"""RFC 8555, 7.4.2, and what stands in the certificates (RFC 5280; PROTOCOL.md part C)."""
import subprocess

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import AuthorityInformationAccessOID


def openssl(*args, stdin=None):
    return subprocess.run(["openssl", *map(str, args)], input=stdin, capture_output=True, text=True,
                          timeout=30)


@pytest.fixture(scope="module")
def issued(shared):
    return shared.issue(["cert.test", "www.cert.test", "a.b.c.cert.test"])


def extension(certificate, kind):
    return certificate.extensions.get_extension_for_class(kind)


def test_rfc8555_7_4_2_leaf_first(server, issued):
    assert len(issued.chain) == 2
    leaf, intermediate = issued.chain
    assert leaf.issuer == intermediate.subject
    with open(f"{server.home}/pki/intermediate.pem", encoding="ascii") as f:
        assert x509.load_pem_x509_certificate(f.read().encode()) == intermediate


def test_rfc5280_6_openssl_verifies_the_chain(server, issued, tmp_path):
    chain, leaf = tmp_path / "chain.pem", tmp_path / "leaf.pem"
    chain.write_text(issued.pem)
    leaf.write_bytes(issued.leaf.public_bytes(serialization.Encoding.PEM))
    done = openssl("verify", "-x509_strict", "-purpose", "sslserver", "-verify_hostname", "www.cert.test",
                   "-CAfile", server.root, "-untrusted", chain, leaf)
    assert done.returncode == 0, done.stderr
    assert openssl("verify", "-verify_hostname", "other.test", "-CAfile", server.root, "-untrusted", chain,
                   leaf).returncode != 0


def test_partc_serial_version_and_dates(shared, issued):
    leaf = issued.leaf
    assert leaf.version == x509.Version.v3
    assert 0 < leaf.serial_number and 64 <= leaf.serial_number.bit_length() <= 159
    assert (leaf.not_valid_after - leaf.not_valid_before).total_seconds() + 1 == 90 * 86400
    other = shared.issue(["serial.test"]).leaf
    assert other.serial_number != leaf.serial_number
    assert leaf.signature_hash_algorithm.name == "sha256"


def test_rfc5280_4_2_2_1_aia_can_be_fetched(server, issued):
    access = extension(issued.leaf, x509.AuthorityInformationAccess).value
    urls = [one.access_location.value for one in access
            if one.access_method == AuthorityInformationAccessOID.CA_ISSUERS]
    assert len(urls) == 1 and urls[0].startswith(server.plain_url + "/")
    fetched = requests.get(urls[0], timeout=10)
    assert fetched.status_code == 200 and fetched.headers["Content-Type"] == "application/pkix-cert"
    assert x509.load_der_x509_certificate(fetched.content) == issued.chain[1]


def test_rfc5280_intermediate_and_root(server, issued):
    with open(server.root, "rb") as f:
        root = x509.load_pem_x509_certificate(f.read())
    intermediate = issued.chain[1]
    for certificate in (root, intermediate):
        constraints = extension(certificate, x509.BasicConstraints)
        assert constraints.critical and constraints.value.ca
        assert extension(certificate, x509.KeyUsage).value.key_cert_sign
    assert extension(intermediate, x509.BasicConstraints).value.path_length == 0
    root.public_key().verify(intermediate.signature, intermediate.tbs_certificate_bytes,
                             ec.ECDSA(hashes.SHA256()))
