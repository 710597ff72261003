"""RFC 8555, 7.6: revocation by each of the three rights, and what the CRL then says (RFC 5280, 5)."""
import datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from harness import acme
from harness.acme import Client, check_problem
from harness.keys import Key, b64
from harness.revocation import crl_url, der, listed, reason_of, revoke

pytestmark = pytest.mark.needs("revokeCert")


NOT_REVOKED = object()


def check_crl(issued, reason=NOT_REVOKED):
    """What the CRL says, where the certificate names one. Which reason a server writes there is its policy."""
    try:
        crl_url(issued)
    except x509.ExtensionNotFound:
        assert not acme.WORDS
        return
    entry = listed(issued, 0 if reason is NOT_REVOKED else 1)
    assert (entry is None) == (reason is NOT_REVOKED)
    if entry is not None and acme.WORDS:
        assert reason_of(entry) == reason
        age = datetime.datetime.utcnow() - entry.revocation_date
        assert datetime.timedelta(0) <= age < datetime.timedelta(minutes=1)


def test_rfc8555_7_1_1_directory_has_revoke_cert(server, shared):
    assert shared.directory["revokeCert"].startswith(server.url + "/")


def test_rfc8555_7_6_by_the_issuing_account(client):
    issued = client.issue(["revoked.test"])
    check_crl(issued)
    reply = revoke(client, issued)
    assert reply.status_code == 200 and reply.content == b"" and "Replay-Nonce" in reply.headers
    check_crl(issued, None)


@pytest.mark.parametrize("code, name", [(0, None), (1, "keyCompromise"), (3, "affiliationChanged"),
                                        (4, "superseded"), (5, "cessationOfOperation")])
def test_rfc8555_7_6_reasons(client, code, name):
    issued = client.issue([f"reason-{code}.test"])
    assert revoke(client, issued, reason=code).status_code == 200
    check_crl(issued, name)    # RFC 5280, 5.3.1: unspecified is left out


@pytest.mark.parametrize("code", [*(pytest.param(n, marks=pytest.mark.needs("policy")) for n in (2, 6, 8, 9, 10)),
                                  7, 11, -1, 2 ** 31, 2 ** 40])
def test_rfc8555_7_6_bad_revocation_reason(client, code):
    issued = client.issue(["bad-reason.test"])
    problem = check_problem(revoke(client, issued, reason=code), "badRevocationReason", 400, "4 (superseded)",
                            others=("malformed",) if code < 0 else ())
    assert "1 (keyCompromise)" in problem["detail"] or not acme.WORDS
    check_crl(issued)


@pytest.mark.parametrize("code", ["1", pytest.param(None, marks=pytest.mark.needs("signet")), 1.5, True, [], {}])
def test_rfc8555_7_6_reason_is_a_number(client, code):
    issued = client.issue(["bad-reason.test"])
    check_problem(revoke(client, issued, reason=code), "malformed", 400, "reason")


def test_rfc8555_7_6_already_revoked(client):
    issued = client.issue(["twice.test"])
    assert revoke(client, issued, reason=4).status_code == 200
    check_problem(revoke(client, issued, reason=4), "alreadyRevoked", 400)
    check_problem(revoke(client, issued), "alreadyRevoked", 400)
    check_crl(issued, "superseded")


def test_rfc8555_7_6_by_another_account_with_authorizations(server, client):
    issued = client.issue(["taken-over.test", "www.taken-over.test"])
    heir = Client(server)
    check_problem(revoke(heir, issued), "unauthorized", 403, "taken-over.test")
    heir.ready(["taken-over.test"])
    check_problem(revoke(heir, issued), "unauthorized", 403, "www.taken-over.test")     # all of the names
    heir.ready(["www.taken-over.test"])
    assert revoke(heir, issued, reason=1).status_code == 200
    check_crl(issued, "cessationOfOperation")      # whatever it says


def test_rfc8555_7_6_authorizations_that_ended_do_not_count(server, client):
    issued = client.issue(["gone-again.test"])
    heir = Client(server)
    order, _ = heir.ready(["gone-again.test"])
    assert heir.post(order["authorizations"][0], {"status": "deactivated"}).status_code == 200
    check_problem(revoke(heir, issued), "unauthorized", 403)
    # pending is not valid
    heir.order(["gone-again.test"])
    check_problem(revoke(heir, issued), "unauthorized", 403)


@pytest.mark.parametrize("kind", ["P-256", "P-384", "RSA", pytest.param("Ed25519", marks=pytest.mark.needs("signet"))])
def test_rfc8555_7_6_by_the_certificate_key(server, client, kind):
    issued = client.issue([f"leaked-{kind.lower()}.test"], Key(kind))
    anybody = Client(server, register=False)
    assert revoke(anybody, issued, key=issued.key, reason=4).status_code == 200
    check_crl(issued, "keyCompromise")             # whatever it says
    check_problem(revoke(anybody, issued, key=issued.key), "alreadyRevoked", 400)


def test_rfc8555_7_6_unrelated_key_is_refused(server, client):
    """The bug of a rival: any key did."""
    issued = client.issue(["safe.test"])
    check_problem(revoke(Client(server, register=False), issued, key=Key()), "unauthorized", 403, "certificate's key")
    check_problem(revoke(client, issued, key=client.key), "unauthorized", 403, "certificate's key")
    other = client.issue(["other.test"])
    check_problem(revoke(client, issued, key=other.key), "unauthorized", 403, "certificate's key")
    check_crl(issued)


def test_rfc8555_7_6_signature_of_the_certificate_key_is_checked(client):
    issued = client.issue(["safe.test"])
    stranger = Key()
    reply = client.post(client.directory["revokeCert"], {"certificate": b64(der(issued))}, key=stranger,
                        use_jwk=True, jwk=issued.key.jwk)
    check_problem(reply, "malformed", 400, "signature")
    check_crl(issued)


def test_rfc8555_7_6_certificates_that_are_not_ours(server, client):
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "elsewhere")])
    now = datetime.datetime.utcnow()
    issued = client.issue(["imitated.test"])
    for serial in (1, issued.leaf.serial_number):
        foreign = x509.CertificateBuilder(name, name, key.public_key(), serial, now, now + datetime.timedelta(1)) \
            .sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)
        check_problem(revoke(client, foreign), "malformed", 404, "not issued here")
    check_problem(revoke(client, issued.chain[1].public_bytes(serialization.Encoding.DER)), "malformed", 404)
    changed = bytearray(der(issued))
    changed[-1] ^= 1                                                # the signature
    check_problem(revoke(client, bytes(changed)), "malformed", 404)
    check_crl(issued)


@pytest.mark.parametrize("payload", [{}, {"certificate": 7}, {"certificate": "A=="}, {"certificate": ""},
                                     {"certificate": b64(b"0\x03\x02\x01\x05")}, {"certificate": b64(b"\x30\x80\0\0")},
                                     {"certificate": b64(b"-----BEGIN CERTIFICATE-----")}, {"certificate": "A" * 40000}])
def test_rfc8555_7_6_malformed(client, payload):
    check_problem(client.post(client.directory["revokeCert"], payload), "malformed", 400, "certificate")


def test_rfc8555_7_6_trailing_bytes(client):
    check_problem(revoke(client, der(client.issue(["trailing.test"])) + b"\0"), "malformed", 400)


def test_rfc8555_7_3_6_deactivated_account_can_not_revoke(client):
    issued = client.issue(["deactivated-revoker.test"])
    client.post(client.kid, {"status": "deactivated"})
    check_problem(revoke(client, issued), "unauthorized", 401)
    assert revoke(client, issued, key=issued.key).status_code == 200


def test_rfc8555_7_6_after_a_key_change(client):
    issued = client.issue(["rolled.test"])
    new = Key()
    inner = client.jws(client.directory["keyChange"], {"account": client.kid, "oldKey": client.key.jwk}, key=new,
                       use_jwk=True, nonce=None)
    assert client.post(client.directory["keyChange"], inner).status_code == 200
    check_problem(revoke(client, issued), "malformed", 400)          # the old key
    client.key = new
    assert revoke(client, issued).status_code == 200


@pytest.mark.needs("signet")
def test_rfc8555_7_6_revoked_certificate_can_still_be_fetched(client):
    issued = client.issue(["fetch-again.test"])
    assert revoke(client, issued).status_code == 200
    assert client.get(issued.order["certificate"]).text == issued.pem
