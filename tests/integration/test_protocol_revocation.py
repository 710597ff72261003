"""RFC 8555, 7.6: revocation by each of the three rights, and what the CRL then says (RFC 5280, 5)."""
import datetime
import re
import subprocess
import time

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from harness.acme import Client, check_problem
from harness.keys import csr
from harness.ports import free_port
from harness.revocation import crl_url, fetch, listed, reason_of, revoke


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


@pytest.mark.filterwarnings("ignore:Unverified HTTPS")
def test_rfc5280_5_1_2_5_a_new_list_is_made_before_the_old_one_ends(make_server):
    """Also when nothing was revoked: after a quarter of its time, by the clock that its own dates are of, so that a
    machine which slept over that has a fresh one at once."""
    port = free_port()
    server = make_server({"wfe": {"management_listen": [f"127.0.0.1:{port}"]}, "ca": {"crl_lifetime": "8d"},
                          "ra": {"nonce_rejection": 0}, "va": {"sleep": 0}},
                         init=("--preset", "pebble"), start=False)
    server.directory_url = server.url + "/dir"
    server.start()
    url = crl_url(Client(server, termsOfServiceAgreed=True).issue(["scheduled.test"]))
    first = fetch(url)
    for forward, made in ((86400 * 3 // 2, False), (86400, True), (86400 * 20, True)):
        reply = requests.post(f"https://127.0.0.1:{port}/clock", json={"forward": forward}, timeout=10, verify=False)
        assert reply.status_code == 200, reply.text
        until = time.monotonic() + (10 if made else 0.5)
        while fetch(url).last_update == first.last_update and time.monotonic() < until:
            time.sleep(0.02)
        last, first = first, fetch(url)
        assert (first.last_update > last.last_update) == made
        assert first.next_update - first.last_update == datetime.timedelta(days=8)
        number, before = (one.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number for one in (first, last))
        assert (number > before) == made


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
