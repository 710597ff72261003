"""RFC 8555, 7.4.2, and what stands in the certificates (RFC 5280; PROTOCOL.md part C)."""
import subprocess

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID
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
    assert reply.headers["Content-Type"] == "application/pem-certificate-chain"
    assert reply.text.startswith("-----BEGIN CERTIFICATE-----\n")
    assert reply.text.endswith("-----END CERTIFICATE-----\n")
    begins = [line for line in reply.text.splitlines() if line.startswith("-----")]
    assert set(begins) == {"-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"}


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


def test_rfc5280_4_2_1_6_names(issued):
    san = extension(issued.leaf, x509.SubjectAlternativeName)
    assert issued.names == ["a.b.c.cert.test", "cert.test", "www.cert.test"]
    assert len(list(san.value)) == 3
    assert not list(issued.leaf.subject) and san.critical


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


def test_rfc8555_7_4_csr_key_is_the_certificates_key(issued):
    def spki(key):
        return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    assert spki(issued.leaf.public_key()) == spki(issued.key.private.public_key())


@pytest.mark.parametrize("kind, bits", [("P-256", 0), ("P-384", 0), ("P-521", 0), ("RSA", 2048),
                                        ("RSA", 3072),
                                        ("RSA", 4096), ("Ed25519", 0), ("Ed448", 0)])
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


def test_parta_100_names_in_one_certificate(shared):
    names = [f"n{i:03}.many.test" for i in range(100)]
    assert shared.issue(names).names == names
    reply = shared.post(shared.directory["newOrder"], {"identifiers": [
        {"type": "dns", "value": f"n{i}.many.test"} for i in range(101)]})
    check_problem(reply, "malformed", 400, "100 is the most")


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


def test_rfc7633_must_staple_is_granted_when_asked(shared):
    from harness.keys import csr
    order, url = shared.ready(["staple.test"])
    wanted = x509.TLSFeature([x509.TLSFeatureType.status_request])
    reply = shared.finalize(order, csr(["staple.test"], Key(), extensions=[(wanted, False)]))
    assert reply.status_code == 200, reply.text
    final = shared.poll(url, ("valid",)).json()
    leaf = x509.load_pem_x509_certificate(shared.get(final["certificate"]).content)
    assert extension(leaf, x509.TLSFeature).value == wanted
