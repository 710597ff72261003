"""OCSP (RFC 6960, RFC 5019, RFC 9654): what openssl and others are told of a certificate, and when."""
import base64
import os
import re
import sqlite3
import time
from pathlib import Path

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID
from harness import ocsp as O
from harness.acme import Client
from harness.issuers import Authority, install, root_of, set_ca
from harness.keys import Key, csr
from harness.revocation import revoke
from harness.server import Server, shared_server

POINTED = {"lifetime": "90d", "ocsp_pointer": True, "must_staple": True}
ON = {"ca": {"ocsp": True, "profiles": {"default": POINTED}}}
FIXTURES = Path(__file__).parents[1] / "fuzz/corpus/ocsp"


@pytest.fixture(scope="module")
def server(names, responder):
    yield from shared_server(names, responder, ON)


@pytest.fixture(scope="module")
def url(server):
    return server.plain_url + "/ocsp"


@pytest.fixture(scope="module")
def good(server):
    return Client(server).issue(["good.test"])


@pytest.fixture(scope="module")
def revoked(server):
    client = Client(server)
    issued = client.issue(["revoked.test"])
    assert revoke(client, issued, reason=4).status_code == 200
    return issued


@pytest.fixture
def tool(server, tmp_path):
    return O.OpenSSL(tmp_path, server)


def access(leaf):
    return {a.access_method: a.access_location.value
            for a in leaf.extensions.get_extension_for_class(x509.AuthorityInformationAccess).value}


# --- as openssl asks -----------------------------------------------------------------------------------------------

@pytest.mark.parametrize("digest", ["-sha1", "-sha256"])
@pytest.mark.parametrize("nonce", ["-nonce", "-no_nonce"])
def test_rfc6960_openssl_by_post(tool, url, good, revoked, digest, nonce):
    said = tool.ask(good, nonce, digest, url=url)
    assert "Response verify OK" in said and "leaf.pem: good" in said and "WARNING" not in said, said
    said = tool.ask(revoked, nonce, digest, url=url)
    assert "Response verify OK" in said and "leaf.pem: revoked" in said and "Reason: superseded" in said, said


@pytest.mark.parametrize("digest", ["-sha1", "-sha256"])
def test_rfc6960_a_1_openssl_by_get(tool, url, good, digest):
    request, response = tool.folder / "request", tool.folder / "response"
    tool.ask(good, "-no_nonce", "-reqout", request, digest)
    reply = O.get(url, request.read_bytes())
    assert reply.status_code == 200 and reply.headers["Content-Type"] == O.RESPONSE
    response.write_bytes(reply.content)
    said = tool.ask(good, "-no_nonce", "-respin", response, digest)
    assert "Response verify OK" in said and "leaf.pem: good" in said, said


def test_rfc6960_4_1_several_at_once(tool, url, good, revoked):
    """Each is answered, those that nobody has, too."""
    other = tool.certificate("other.pem", revoked.leaf)
    said = tool.ask(good, "-cert", other, "-serial", "0x1234", url=url)
    assert "Response verify OK" in said, said
    assert "leaf.pem: good" in said and "other.pem: revoked" in said and "0x1234: unknown" in said, said


def test_rfc6960_2_2_unknown(tool, url, good):
    said = tool.ask(good, "-serial", "0x7fffffffffffffffffffffffffffffffff", url=url)
    assert "Response verify OK" in said and "fff: unknown" in said, said


def test_rfc5019_2_2_3_unauthorized_for_another_ca(url, good):
    stranger = Authority("Stranger")
    for algorithm in (hashes.SHA1, hashes.SHA256):
        request = ocsp.OCSPRequestBuilder().add_certificate(good.leaf, stranger.certificate, algorithm()).build()
        reply = O.post(url, request.public_bytes(serialization.Encoding.DER))
        assert O.error(reply) == "UNAUTHORIZED" and reply.headers["Cache-Control"] == "no-store"


def test_the_certificate_says_where(url, good, server):
    assert access(good.leaf) == {AuthorityInformationAccessOID.OCSP: url,
                                 AuthorityInformationAccessOID.CA_ISSUERS: access(good.leaf)[
                                     AuthorityInformationAccessOID.CA_ISSUERS]}
    assert O.status(access(good.leaf)[AuthorityInformationAccessOID.OCSP], good) == O.GOOD


def test_rfc7633_must_staple_goes_with_it(server):
    client = Client(server)
    order, where = client.ready(["staple.test"])
    wanted = x509.TLSFeature([x509.TLSFeatureType.status_request])
    assert client.finalize(order, csr(["staple.test"], Key(), extensions=[(wanted, False)])).status_code == 200
    final = client.poll(where, ("valid",)).json()
    leaf = x509.load_pem_x509_certificate(client.get(final["certificate"]).content)
    assert leaf.extensions.get_extension_for_class(x509.TLSFeature).value == wanted


# --- when ------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("reason", [None, 1, 3, 4, 5])
def test_a_revocation_shows_within_a_second(server, url, reason):
    client = Client(server)
    issued = client.issue(["soon.test"])
    assert O.status(url, issued) == O.GOOD
    assert revoke(client, issued, **({} if reason is None else {"reason": reason})).status_code == 200
    response = O.until_revoked(url, issued)
    assert response.certificate_status == O.REVOKED
    names = {None: None, 1: "keyCompromise", 3: "affiliationChanged", 4: "superseded", 5: "cessationOfOperation"}
    assert (response.revocation_reason and response.revocation_reason.value) == names[reason]
    assert abs(response.revocation_time.timestamp() - time.mktime(time.gmtime())) < 20
    assert response.this_update >= response.revocation_time


def test_rfc6960_2_4_times(url, good):
    response = O.parse(O.get(url, O.request(good)))
    assert (response.next_update - response.this_update).total_seconds() == 12 * 3600
    assert response.this_update <= response.produced_at <= response.next_update
    assert response.responder_key_hash is not None and response.responder_name is None and response.certificates == []


def test_what_was_signed_serves_all_who_ask(url, good):
    first = O.get(url, O.request(good)).content
    assert all(O.get(url, O.request(good)).content == first for _ in range(5))
    assert O.post(url, O.request(good)).content == first


# --- nonces (RFC 9654) ------------------------------------------------------------------------------------------------

def nonce_request(issued, nonce):
    builder = ocsp.OCSPRequestBuilder().add_certificate(issued.leaf, issued.chain[1], hashes.SHA1())
    return builder.add_extension(x509.OCSPNonce(nonce), False).build().public_bytes(serialization.Encoding.DER)


def nonce_of(reply):
    try:
        return O.parse(reply).extensions.get_extension_for_class(x509.OCSPNonce).value.nonce
    except x509.ExtensionNotFound:
        return None


@pytest.mark.parametrize("size", [1, 16, 32, 128])
def test_rfc9654_2_1_the_nonce_comes_back(url, good, size):
    nonce = os.urandom(size)
    for ask in (O.post, O.get):
        reply = ask(url, nonce_request(good, nonce))
        assert nonce_of(reply) == nonce and O.parse(reply).certificate_status == O.GOOD
        assert reply.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("size", [0, 129, 1000])
def test_rfc9654_2_1_others_are_refused(url, good, size):
    assert O.error(O.post(url, nonce_request(good, os.urandom(size)))) == "MALFORMED_REQUEST"


def test_many_who_want_their_own_get_what_is_there(server, good):
    """A flood of nonces costs ca fifty signatures a second and no more; all the others get what is in store, and who
    asks without a nonce notices nothing."""
    url, session = server.plain_url + "/ocsp", requests.Session()
    begin, own = time.monotonic(), 0
    for _ in range(250):
        reply = session.post(url, data=nonce_request(good, os.urandom(16)), headers={"Content-Type": O.REQUEST})
        assert O.parse(reply).certificate_status == O.GOOD
        own += nonce_of(reply) is not None
    assert own <= 100 + 50 * (time.monotonic() - begin) + 1
    # what can't be had from the store is put off
    many = [session.post(url, data=with_serial(O.request(good), good, b"\x01" + os.urandom(17)),
                         headers={"Content-Type": O.REQUEST}) for _ in range(250)]
    assert {O.error(reply) for reply in many} == {"SUCCESSFUL", "TRY_LATER"}
    assert {O.parse(reply).certificate_status for reply in many if O.error(reply) == "SUCCESSFUL"} == {O.UNKNOWN}
    assert O.status(url, good) == O.GOOD


def with_serial(request, issued, serial):
    """The same question of that issuer's certificate with another serial, as long."""
    old = issued.leaf.serial_number.to_bytes(18, "big")
    assert request.count(old) == 1
    return request.replace(old, serial)


# --- HTTP --------------------------------------------------------------------------------------------------------------

def test_rfc5019_6_2_caches(url, good):
    reply = O.get(url, O.request(good))
    assert reply.headers["Cache-Control"] == "max-age=300, public, no-transform, must-revalidate"
    response = O.parse(reply)
    form = "%a, %d %b %Y %H:%M:%S GMT"
    assert reply.headers["Last-Modified"] == response.this_update.strftime(form)
    assert reply.headers["Expires"] == response.next_update.strftime(form)
    etag = reply.headers["ETag"]
    assert re.fullmatch(r'"[0-9a-f]{32}"', etag)
    again = O.get(url, O.request(good), **{"If-None-Match": etag})
    assert again.status_code == 304 and again.content == b"" and again.headers["ETag"] == etag
    assert O.get(url, O.request(good), **{"If-None-Match": '"other"'}).content == reply.content
    head = requests.head(O.get_url(url, O.request(good)), timeout=10)
    assert head.status_code == 200 and head.headers["ETag"] == etag and head.content == b""
    assert O.post(url, O.request(good)).headers["Cache-Control"] == "no-store"


def test_rfc6960_a_1_forms_of_a_get(url, good):
    text = base64.b64encode(O.request(good)).decode()
    for form in (text, text.rstrip("="), "/" + text, text.replace("=", "%3D"), text.replace("/", "%2f").replace("+", "%2b"),
                 "".join(f"%{ord(c):02X}" for c in text)):
        assert O.parse(requests.get(url + "/" + form, timeout=10)).certificate_status == O.GOOD, form
    for form in ("", "/", text[:-5], text + "A", "A" * 5000, "%00", "..%2f..%2fetc%2fpasswd"):
        assert O.error(requests.get(url + "/" + form, timeout=10)) == "MALFORMED_REQUEST", form
    assert O.error(requests.get(url, timeout=10)) == "MALFORMED_REQUEST"


def test_methods_and_media_types(url, good):
    reply = requests.put(url, data=b"x", timeout=10)
    assert reply.status_code == 405 and reply.headers["Allow"] == "GET, HEAD, POST"
    assert requests.post(url, data=O.request(good), timeout=10).status_code == 415
    assert requests.post(url, data=O.request(good), headers={"Content-Type": "application/ocsp-response"},
                         timeout=10).status_code == 415
    assert requests.post(url + "x", data=O.request(good), headers={"Content-Type": O.REQUEST},
                         timeout=10).status_code == 405
    assert O.parse(O.post(url + "/", O.request(good))).certificate_status == O.GOOD


def test_hostile_requests(server, url, good):
    """Every fixture of the fuzzer: the answer says what it is, and the server goes on."""
    expected = {"D": 0, "P": 0}
    for file in sorted(FIXTURES.iterdir()):
        kind, data = file.read_bytes()[:1], file.read_bytes()[1:]
        expected[kind.decode()] += 1
        if kind == b"P":
            continue
        reply = O.post(url, data)
        if file.name.startswith("hostile"):
            assert O.error(reply) == "MALFORMED_REQUEST", file.name
        else:
            assert O.error(reply) in ("UNAUTHORIZED", "TRY_LATER"), file.name     # of an issuer that is not ours
    assert expected["D"] > 60 and expected["P"] > 8
    assert O.error(O.post(url, b"\x30" * 9000)) == "MALFORMED_REQUEST"
    assert O.post(url, b"\x30" * 70000).status_code == 413
    assert O.status(url, good) == O.GOOD
    assert "role died" not in server.log()


# --- what stays --------------------------------------------------------------------------------------------------------

def test_revoked_for_good_whatever_the_database_says(make_server, tmp_path):
    """A captured ra, played by somebody who takes the revocation out of the database: ca remembers. And no forbidden
    system call on the way."""
    server = make_server(ON, env={"SIGNET_SANDBOX_TRACE": "1"})
    url, client = server.plain_url + "/ocsp", Client(server)
    issued, kept = client.issue(["stays.test"]), client.issue(["kept.test"])
    assert revoke(client, issued, reason=5).status_code == 200
    assert O.until_revoked(url, issued).certificate_status == O.REVOKED
    assert server.stop() == 0
    server.start()
    assert O.status(url, issued) == O.REVOKED and O.status(url, kept) == O.GOOD
    assert server.stop() == 0
    with sqlite3.connect(f"{server.home}/data/signet.db") as database:
        assert database.execute("DELETE FROM revocations").rowcount == 1
    server.start()
    response = O.parse(O.get(url, O.request(issued)))
    assert response.certificate_status == O.REVOKED
    assert response.revocation_reason.value == "cessationOfOperation"
    assert O.status(url, kept) == O.GOOD
    assert not re.search(r"forbidden system call", server.log()), server.log()[-4000:]


def test_revocations_from_before_it_was_switched_on(make_server):
    server = make_server()
    client = Client(server)
    issued = client.issue(["before.test"])
    assert revoke(client, issued).status_code == 200
    assert requests.get(server.plain_url + "/ocsp", timeout=10).status_code == 404
    assert access(issued.leaf).keys() == {AuthorityInformationAccessOID.CA_ISSUERS}
    assert server.stop() == 0
    server.configure(ON)
    server.start()
    assert O.status(server.plain_url + "/ocsp", issued) == O.REVOKED
    assert O.status(server.plain_url + "/ocsp", Client(server).issue(["after.test"])) == O.GOOD


def test_several_issuers(names, responder):
    """Each answers for its own, signed as its certificates are."""
    kinds = {"p256": ("P-256", 0), "rsa": ("RSA", 2048), "p384": ("P-384", 0), "ed25519": ("Ed25519", 0)}

    def prepare(server):
        root = root_of(server)
        issuers = [install(server, name, Authority(f"{name} CA", Key(*kind), root, path_length=0), name=name)
                   for name, kind in kinds.items()]
        set_ca(server, issuers, {name: dict(POINTED, issuers=[name]) for name in kinds})
        server.configure({"ca": {"ocsp": True}})

    server = Server(names, responder, before=prepare)
    try:
        url, client = server.plain_url + "/ocsp", Client(server)
        certificates = {name: client.issue([f"{name}.test"], profile=name) for name in kinds}
        for name, issued in certificates.items():
            response = O.parse(O.get(url, O.request(issued, hashes.SHA256)))
            assert response.certificate_status == O.GOOD
            assert response.signature_algorithm_oid == issued.leaf.signature_algorithm_oid
            tool = O.OpenSSL(Path(server.dir), server)
            assert "Response verify OK" in tool.ask(issued, url=url)
        # a serial of one issuer is unknown to another
        crossed = with_serial(O.request(certificates["p384"]), certificates["p384"],
                              certificates["rsa"].leaf.serial_number.to_bytes(18, "big"))
        assert O.parse(O.post(url, crossed)).certificate_status == O.UNKNOWN
        assert revoke(client, certificates["rsa"]).status_code == 200
        assert O.until_revoked(url, certificates["rsa"]).certificate_status == O.REVOKED
        assert O.status(url, certificates["p384"]) == O.GOOD
    finally:
        server.close()


# --- configuration -------------------------------------------------------------------------------------------------------

def test_check_tells_what_does_not_fit(make_server):
    server = make_server(start=False)
    server.configure({"ca": {"profiles": {"default": {"lifetime": "90d", "must_staple": True}}}})
    done = server.run("check", "--dir", server.home, check=False)
    assert done.returncode != 0 and "gives must-staple" in done.stdout and "ocsp_pointer: true" in done.stdout
    server.configure({"ca": {"profiles": {"default": {"lifetime": "90d", "ocsp_pointer": True}}}})
    done = server.run("check", "--dir", server.home, check=False)
    assert done.returncode != 0 and "there is no OCSP to point to" in done.stdout + done.stderr
    server.configure(ON)
    done = server.run("check", "--dir", server.home)
    assert "must-staple" not in done.stdout and "OCSP" not in done.stdout
    server.configure({"ca": {"ocsp_url": "https://ocsp.test"}})
    done = server.run("check", "--dir", server.home, check=False)
    assert done.returncode != 0 and "ca.ocsp_url" in done.stdout + done.stderr
    server.configure({"ca": {"ocsp_url": "http://ocsp.test/"}, "wfe": {"plain_listen": []}})
    done = server.run("check", "--dir", server.home, check=False)
    assert done.returncode != 0 and "has no listener" in done.stdout + done.stderr
