"""RFC 8555, 7.6: revocation by each of the three rights, and what the CRL then says (RFC 5280, 5)."""
import datetime
import re
import subprocess
import time

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from harness.acme import Client, check_problem
from harness.keys import Key, b64, csr


def der(issued):
    return issued.leaf.public_bytes(serialization.Encoding.DER)


def revoke(client, certificate, key=None, **more):
    """By the account, or with key by that key."""
    data = certificate if isinstance(certificate, bytes) else der(certificate)
    payload = dict(certificate=b64(data), **more)
    if key is None:
        return client.post(client.directory["revokeCert"], payload)
    return client.post(client.directory["revokeCert"], payload, key=key, use_jwk=True)


def crl_url(issued):
    points = issued.leaf.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
    assert len(points) == 1 and len(points[0].full_name) == 1
    return points[0].full_name[0].value


def fetch(url):
    reply = requests.get(url, timeout=10)
    assert reply.status_code == 200, (url, reply.status_code, reply.text)
    assert reply.headers["Content-Type"] == "application/pkix-crl"
    return x509.load_der_x509_crl(reply.content)


def listed(issued, within=1.0):
    """The certificate's entry in its CRL, which is there within a second."""
    until = time.monotonic() + within
    while True:
        entry = fetch(crl_url(issued)).get_revoked_certificate_by_serial_number(issued.leaf.serial_number)
        if entry is not None or time.monotonic() > until:
            return entry
        time.sleep(0.02)


def reason_of(entry):
    try:
        return entry.extensions.get_extension_for_class(x509.CRLReason).value.reason.value
    except x509.ExtensionNotFound:
        return None


def test_rfc8555_7_1_1_directory_has_revoke_cert(server, shared):
    assert shared.directory["revokeCert"].startswith(server.url + "/")


def test_rfc8555_7_6_by_the_issuing_account(client):
    issued = client.issue(["revoked.test"])
    assert listed(issued, 0) is None
    reply = revoke(client, issued)
    assert reply.status_code == 200 and reply.content == b"" and "Replay-Nonce" in reply.headers
    entry = listed(issued)
    assert entry is not None and reason_of(entry) is None
    age = datetime.datetime.utcnow() - entry.revocation_date
    assert datetime.timedelta(0) <= age < datetime.timedelta(minutes=1)


@pytest.mark.parametrize("code, name", [(0, None), (1, "keyCompromise"), (3, "affiliationChanged"),
                                        (4, "superseded"), (5, "cessationOfOperation")])
def test_rfc8555_7_6_reasons(client, code, name):
    issued = client.issue([f"reason-{code}.test"])
    assert revoke(client, issued, reason=code).status_code == 200
    assert reason_of(listed(issued)) == name    # RFC 5280, 5.3.1: unspecified is left out


@pytest.mark.parametrize("code", [2, 6, 7, 8, 9, 10, 11, -1, 2 ** 31, 2 ** 40])
def test_rfc8555_7_6_bad_revocation_reason(client, code):
    issued = client.issue(["bad-reason.test"])
    problem = check_problem(revoke(client, issued, reason=code), "badRevocationReason", 400, "4 (superseded)")
    assert "1 (keyCompromise)" in problem["detail"]
    assert listed(issued, 0) is None


@pytest.mark.parametrize("code", ["1", None, 1.5, True, [], {}])
def test_rfc8555_7_6_reason_is_a_number(client, code):
    issued = client.issue(["bad-reason.test"])
    check_problem(revoke(client, issued, reason=code), "malformed", 400, "reason")


def test_rfc8555_7_6_already_revoked(client):
    issued = client.issue(["twice.test"])
    assert revoke(client, issued, reason=4).status_code == 200
    check_problem(revoke(client, issued, reason=4), "alreadyRevoked", 400)
    check_problem(revoke(client, issued), "alreadyRevoked", 400)
    assert reason_of(listed(issued)) == "superseded"


def test_rfc8555_7_6_by_another_account_with_authorizations(server, client):
    issued = client.issue(["taken-over.test", "www.taken-over.test"])
    heir = Client(server)
    check_problem(revoke(heir, issued), "unauthorized", 403, "taken-over.test")
    heir.ready(["taken-over.test"])
    check_problem(revoke(heir, issued), "unauthorized", 403, "www.taken-over.test")     # all of the names
    heir.ready(["www.taken-over.test"])
    assert revoke(heir, issued, reason=1).status_code == 200
    assert reason_of(listed(issued)) == "cessationOfOperation"      # whatever it says


def test_rfc8555_7_6_authorizations_that_ended_do_not_count(server, client):
    issued = client.issue(["gone-again.test"])
    heir = Client(server)
    order, _ = heir.ready(["gone-again.test"])
    assert heir.post(order["authorizations"][0], {"status": "deactivated"}).status_code == 200
    check_problem(revoke(heir, issued), "unauthorized", 403)
    # pending is not valid
    heir.order(["gone-again.test"])
    check_problem(revoke(heir, issued), "unauthorized", 403)


@pytest.mark.parametrize("kind", ["P-256", "P-384", "RSA", "Ed25519"])
def test_rfc8555_7_6_by_the_certificate_key(server, client, kind):
    issued = client.issue([f"leaked-{kind.lower()}.test"], Key(kind))
    anybody = Client(server, register=False)
    assert revoke(anybody, issued, key=issued.key, reason=4).status_code == 200
    assert reason_of(listed(issued)) == "keyCompromise"             # whatever it says
    check_problem(revoke(anybody, issued, key=issued.key), "alreadyRevoked", 400)


def test_rfc8555_7_6_unrelated_key_is_refused(server, client):
    """The bug of a rival: any key did."""
    issued = client.issue(["safe.test"])
    check_problem(revoke(Client(server, register=False), issued, key=Key()), "unauthorized", 403, "certificate's key")
    check_problem(revoke(client, issued, key=client.key), "unauthorized", 403, "certificate's key")
    other = client.issue(["other.test"])
    check_problem(revoke(client, issued, key=other.key), "unauthorized", 403, "certificate's key")
    assert listed(issued, 0) is None


def test_rfc8555_7_6_signature_of_the_certificate_key_is_checked(client):
    issued = client.issue(["safe.test"])
    stranger = Key()
    reply = client.post(client.directory["revokeCert"], {"certificate": b64(der(issued))}, key=stranger,
                        use_jwk=True, jwk=issued.key.jwk)
    check_problem(reply, "malformed", 400, "signature")
    assert listed(issued, 0) is None


def test_rfc8555_7_6_compromised_key_is_blocked(server, client):
    issued = client.issue(["compromised.test"])
    assert revoke(Client(server, register=False), issued, key=issued.key).status_code == 200
    order, _ = client.ready(["compromised.test"])
    check_problem(client.finalize(order, csr(["compromised.test"], issued.key)), "badCSR", 400, "compromised")
    check_problem(Client(server, issued.key, register=False).register(), "badPublicKey", 400, "compromised")
    inner = client.jws(client.directory["keyChange"], {"account": client.kid, "oldKey": client.key.jwk},
                       key=issued.key, use_jwk=True, nonce=None)
    check_problem(client.post(client.directory["keyChange"], inner), "badPublicKey", 400, "compromised")
    # a reason without proof blocks nobody
    claimed = client.issue(["claimed.test"])
    assert revoke(client, claimed, reason=1).status_code == 200
    order, _ = client.ready(["claimed.test"])
    assert client.finalize(order, csr(["claimed.test"], claimed.key)).status_code == 200


def test_rfc8555_7_6_proof_of_compromise_after_another_reason(server, client):
    issued = client.issue(["later-known.test"])
    assert revoke(client, issued, reason=4).status_code == 200
    assert reason_of(listed(issued)) == "superseded"
    assert revoke(Client(server, register=False), issued, key=issued.key).status_code == 200
    time.sleep(0.6)
    assert reason_of(listed(issued)) == "keyCompromise"
    check_problem(Client(server, issued.key, register=False).register(), "badPublicKey", 400)


def test_rfc8555_7_6_certificates_that_are_not_ours(server, client):
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "elsewhere")])
    now = datetime.datetime.utcnow()
    issued = client.issue(["imitated.test"])
    for serial in (1, issued.leaf.serial_number):
        foreign = x509.CertificateBuilder(name, name, key.public_key(), serial, now, now + datetime.timedelta(1)) \
            .sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)
        check_problem(revoke(client, foreign), "malformed", 404, "not issued here")
    with open(f"{server.home}/pki/intermediate.pem", "rb") as f:
        intermediate = x509.load_pem_x509_certificate(f.read()).public_bytes(serialization.Encoding.DER)
    check_problem(revoke(client, intermediate), "malformed", 404)
    changed = bytearray(der(issued))
    changed[-1] ^= 1                                                # the signature
    check_problem(revoke(client, bytes(changed)), "malformed", 404)
    assert listed(issued, 0) is None


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


def test_rfc8555_7_6_revoked_certificate_can_still_be_fetched(client):
    issued = client.issue(["fetch-again.test"])
    assert revoke(client, issued).status_code == 200
    assert client.get(issued.order["certificate"]).text == issued.pem


# --- the CRL ---------------------------------------------------------------------------------------------------

def openssl(*args):
    return subprocess.run(["openssl", *map(str, args)], capture_output=True, text=True, timeout=30)


def test_rfc5280_5_form(server, client):
    issued = client.issue(["form.test"])
    crl, intermediate = fetch(crl_url(issued)), issued.chain[1]
    assert crl.is_signature_valid(intermediate.public_key()) and crl.issuer == intermediate.subject
    assert [extension.oid.dotted_string for extension in crl.extensions] == ["2.5.29.35", "2.5.29.20", "2.5.29.28"]
    aki = crl.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier)
    ski = intermediate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
    assert aki.value.key_identifier == ski.value.digest and not aki.critical
    idp = crl.extensions.get_extension_for_class(x509.IssuingDistributionPoint)
    assert idp.critical and idp.value.full_name[0].value == crl_url(issued)
    assert idp.value.only_contains_user_certs and not idp.value.indirect_crl
    now = datetime.datetime.utcnow()
    assert crl.last_update <= now < crl.next_update <= crl.last_update + datetime.timedelta(days=10)
    assert crl_url(issued).startswith(server.plain_url + "/crl/")


def test_rfc5280_5_2_3_number_rises(client):
    issued = client.issue(["rising.test"])

    def number():
        return fetch(crl_url(issued)).extensions.get_extension_for_class(x509.CRLNumber).value.crl_number

    before = number()
    assert revoke(client, issued).status_code == 200
    assert listed(issued) is not None and number() > before


def test_rfc5280_6_3_openssl_checks_it(server, client, tmp_path):
    good, bad = client.issue(["crl-good.test"]), client.issue(["crl-bad.test"])
    assert revoke(client, bad, reason=1).status_code == 200
    assert listed(bad) is not None
    chain, crl = tmp_path / "chain.pem", tmp_path / "crl.pem"
    chain.write_text(good.pem)
    crl.write_bytes(fetch(crl_url(bad)).public_bytes(serialization.Encoding.PEM))
    for issued, word in ((good, "OK"), (bad, "revoked")):
        leaf = tmp_path / "leaf.pem"
        leaf.write_bytes(issued.leaf.public_bytes(serialization.Encoding.PEM))
        done = openssl("verify", "-x509_strict", "-crl_check", "-CAfile", server.root, "-untrusted", chain,
                       "-CRLfile", crl, leaf)
        assert word in done.stdout + done.stderr, (done.stdout, done.stderr)
        assert (done.returncode == 0) == (word == "OK")


def test_crl_is_only_where_it_says(server, client):
    url = crl_url(client.issue(["where.test"]))
    for wrong in (url.replace("/0.crl", "/1.crl"), server.plain_url + "/crl/", server.plain_url + "/crl/x/0.crl",
                  url + "x"):
        assert requests.get(wrong, timeout=10).status_code == 404
    assert requests.post(url, timeout=10).status_code == 405
    assert requests.head(url, timeout=10).headers["Content-Type"] == "application/pkix-crl"


def test_crl_survives_a_restart_and_its_number_rises(make_server):
    server = make_server()
    client = Client(server)
    issued = client.issue(["kept.test"])
    assert revoke(client, issued, reason=5).status_code == 200
    assert listed(issued) is not None
    before = fetch(crl_url(issued)).extensions.get_extension_for_class(x509.CRLNumber).value.crl_number
    assert server.stop() == 0
    server.start()
    until = time.monotonic() + 3
    while requests.get(crl_url(issued), timeout=10).status_code == 503 and time.monotonic() < until:
        time.sleep(0.02)
    assert reason_of(listed(issued)) == "cessationOfOperation"
    assert fetch(crl_url(issued)).extensions.get_extension_for_class(x509.CRLNumber).value.crl_number > before


def test_crl_shards_and_trace_mode(make_server):
    """Spread over several lists; each certificate is in the one that it names, also after their number changed. No
    forbidden system call on the way."""
    server = make_server({"ca": {"crl_shards": 4}}, env={"SIGNET_SANDBOX_TRACE": "1"})
    client = Client(server)
    certificates = [client.issue([f"shard-{i}.test"]) for i in range(12)]
    urls = {crl_url(one) for one in certificates}
    assert 1 < len(urls) <= 4
    for one in certificates[:6]:
        assert revoke(client, one).status_code == 200
    for one in certificates:
        assert (listed(one, 1) is not None) == (one in certificates[:6])
        crl = fetch(crl_url(one))
        idp = crl.extensions.get_extension_for_class(x509.IssuingDistributionPoint).value
        assert idp.full_name[0].value == crl_url(one)
    assert server.stop() == 0
    server.configure({"ca": {"crl_shards": 1}})
    server.start()
    time.sleep(0.5)
    client.nonces.clear()
    assert crl_url(client.issue(["shard-later.test"])).endswith("/0.crl")
    for one in certificates[6:]:
        assert revoke(client, one).status_code == 200
    for one in certificates:
        assert listed(one) is not None
    assert not re.search(r"forbidden system call", server.log()), server.log()[-4000:]


def test_without_a_plain_listener_there_is_no_crl(make_server):
    server = make_server({"wfe": {"plain_listen": []}})
    client = Client(server)
    issued = client.issue(["no-crl.test"])
    with pytest.raises(x509.ExtensionNotFound):
        issued.leaf.extensions.get_extension_for_class(x509.CRLDistributionPoints)
    assert revoke(client, issued).status_code == 200
    check_problem(revoke(client, issued), "alreadyRevoked", 400)


def test_revocation_reasons_are_configurable(make_server):
    server = make_server({"ra": {"revocation_reasons": ["superseded"]}})
    client = Client(server)
    issued = client.issue(["configured.test"])
    check_problem(revoke(client, issued, reason=1), "badRevocationReason", 400, "4 (superseded)")
    assert revoke(client, issued, reason=4).status_code == 200
