"""CRLs, OCSP and CAA of signet pebble, which Pebble doesn't have: on an address of their own, and off without it."""
import json

import pytest
import requests
from cryptography import x509
from cryptography.x509.oid import AuthorityInformationAccessOID
from harness import ocsp as O
from harness.pebble import CALM, Pebble
from harness.revocation import crl_url, fetch, listed, revoke


@pytest.fixture(scope="module", params=["127.0.0.1:0", ":0"])
def server(challenges, request, tmp_path_factory):
    ready = tmp_path_factory.mktemp("ready") / "ready.json"
    made = Pebble("signet", challenges, env=CALM, args=("-plain", request.param, "-ready-file", str(ready)))
    made.plain_port = json.loads(ready.read_text())["plain"]
    yield made
    made.close()


def ocsp_url(issued):
    access = issued.leaf.extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
    return next(a.access_location.value for a in access if a.access_method == AuthorityInformationAccessOID.OCSP)


def test_crl_and_ocsp(server):
    client = server.client()
    issued = client.issue(["status.test"])
    assert f":{server.plain_port}/" in crl_url(issued) and f":{server.plain_port}/" in ocsp_url(issued)
    assert O.status(ocsp_url(issued), issued) == O.GOOD
    assert revoke(client, issued, reason=1).status_code == 200
    assert O.until_revoked(ocsp_url(issued), issued).revocation_reason.value == "keyCompromise"
    assert listed(issued) is not None


def test_the_page_for_people_names_the_directory(server):
    page = requests.get(f"http://localhost:{server.plain_port}/", timeout=10).text
    assert f"<pre>{server.directory_url}</pre>" in page
    assert f"ready url={server.directory_url} " in server.log


def test_the_clock_moves_them(server):
    """Both are good at the new time; what has ended is nobody's any more."""
    client = server.client()
    issued = client.issue(["clock.test"])
    assert O.status(ocsp_url(issued), issued) == O.GOOD
    assert server.manage("/clock", "POST", json={"forward": 30 * 86400}).status_code == 200
    now = server.manage("/clock").json()["now"]
    response = O.parse(O.get(ocsp_url(issued), O.request(issued)))
    assert response.certificate_status == O.GOOD
    assert response.this_update.isoformat() <= now < response.next_update.isoformat() + "Z"
    assert revoke(client, issued).status_code == 200 and listed(issued) is not None
    crl = fetch(crl_url(issued))
    assert crl.last_update.isoformat() <= now < crl.next_update.isoformat() + "Z"
    assert server.manage("/clock", "POST", json={"forward": 90 * 86400}).status_code == 200
    assert O.status(ocsp_url(issued), issued) == O.UNKNOWN


def test_snapshot_and_reset(server):
    """A test may revoke the same certificate again and again."""
    client = server.client()
    issued = client.issue(["again.test"])
    assert server.manage("/snapshot", "POST").status_code == 200
    for _ in range(2):
        assert revoke(client, issued).status_code == 200
        assert O.until_revoked(ocsp_url(issued), issued).certificate_status == O.REVOKED
        assert server.manage("/restore", "POST").status_code == 200
        assert O.status(ocsp_url(issued), issued) == O.GOOD
    assert server.manage("/reset", "POST").status_code == 200
    assert O.status(ocsp_url(issued), issued) == O.UNKNOWN


def test_without_an_address_there_is_none_of_it(challenges):
    made = Pebble("signet", challenges, env=CALM)
    try:
        extensions = made.client().issue(["plain.test"]).leaf.extensions
        for kind in (x509.AuthorityInformationAccess, x509.CRLDistributionPoints):
            with pytest.raises(x509.ExtensionNotFound):
                extensions.get_extension_for_class(kind)
    finally:
        made.close()


def test_ocsp_of_somebody_else(challenges):
    """ocspResponderURL is put into certificates, also beside ours, and has to be what a certificate may name."""
    url = "http://ocsp.test:4002/x"
    made = Pebble("signet", challenges, config={"ocspResponderURL": url}, env=CALM, args=("-plain", "127.0.0.1:0"))
    try:
        assert ocsp_url(made.client().issue(["else.test"])) == url
    finally:
        made.close()
    made = Pebble("signet", challenges, config={"ocspResponderURL": "ftp://ocsp.test"}, env=CALM, start=False)
    code, _, complaint = made.run(*made.args)
    made.close()
    assert code == 1 and "ca.ocsp_url" in complaint


def test_caa(challenges):
    made = Pebble("signet", challenges, env=CALM, args=("-caa", "if-present"))
    try:
        client, tell = made.client(), challenges.server.tell
        tell("/add-caa", host="caa.test", policies=[{"tag": "issue", "value": "other.example"}])
        order = client.order(["caa.test"]).json()
        found, = client.authorize(order)
        error = next(c["error"] for c in found["challenges"] if "error" in c)
        assert error["type"].endswith(":caa") and "other.example" in error["detail"]
        tell("/clear-caa", host="caa.test")
        tell("/add-caa", host="caa.test", policies=[{"tag": "issue", "value": "pebble.letsencrypt.org"}])
        client.issue(["caa.test"])
        tell("/clear-caa", host="caa.test")
    finally:
        made.close()
    made = Pebble("signet", challenges, env=CALM, args=("-caa", "perhaps"), start=False)
    code, _, complaint = made.run(*made.args)
    made.close()
    assert code == 1 and "va.caa" in complaint
