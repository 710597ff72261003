"""Pebble: certificates, chains, revocation, renewal information, and the management listener."""
import datetime
import re
import socket
import ssl

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID
from harness import keys
from harness.acme import Issued
from harness.keys import Key, b64
from harness.pebble import problem
from harness.tlsalpn import certificate

CHAIN_TYPE = "application/pem-certificate-chain; charset=utf-8"
ROOT, INTERMEDIATE = r"CN=Pebble Root CA ([0-9a-f]{6})", r"CN=Pebble Intermediate CA ([0-9a-f]{6})"


def load(text):
    return x509.load_pem_x509_certificate(text.encode())


def name(cert):
    return cert.subject.rfc4514_string()


def get(cert, kind):
    return cert.extensions.get_extension_for_class(kind)


def issued_by(cert, issuer):
    key = issuer.public_key()
    if isinstance(key, rsa.RSAPublicKey):
        key.verify(cert.signature, cert.tbs_certificate_bytes, padding.PKCS1v15(), cert.signature_hash_algorithm)
    else:
        key.verify(cert.signature, cert.tbs_certificate_bytes, ec.ECDSA(cert.signature_hash_algorithm))
    assert cert.issuer == issuer.subject


@pytest.fixture(scope="module")
def issued_both(client_both):
    return client_both.issue(["a.certs.test", "b.certs.test"])


def test_leaf(issued_both):
    leaf = issued_both.leaf
    assert name(leaf) in ("", "CN=a.certs.test", "CN=b.certs.test")     # 2.4.0 takes the first name
    usage = get(leaf, x509.KeyUsage).value
    assert usage.digital_signature and not (usage.key_cert_sign or usage.crl_sign or usage.content_commitment)
    assert ExtendedKeyUsageOID.SERVER_AUTH in get(leaf, x509.ExtendedKeyUsage).value
    assert get(leaf, x509.BasicConstraints).value.ca is False and get(leaf, x509.BasicConstraints).critical
    assert get(leaf, x509.AuthorityKeyIdentifier)
    with pytest.raises(x509.ExtensionNotFound):
        get(leaf, x509.CRLDistributionPoints)
    with pytest.raises(x509.ExtensionNotFound):
        get(leaf, x509.AuthorityInformationAccess)
    assert leaf.serial_number < 1 << 63


def test_leaf_is_for_servers_alone(client):
    """2.4.0 adds keyEncipherment, clientAuth and a common name, and lets it live for five years."""
    leaf = client.issue(["server-only.test"]).leaf
    assert name(leaf) == ""
    usage = get(leaf, x509.KeyUsage).value
    assert not usage.key_encipherment
    assert list(get(leaf, x509.ExtendedKeyUsage).value) == [ExtendedKeyUsageOID.SERVER_AUTH]
    assert abs((leaf.not_valid_after - leaf.not_valid_before).total_seconds() - 7776000) <= 1


def test_download(client_both, issued_both):
    order = client_both.get(issued_both.order_url).json()
    reply = client_both.get(order["certificate"])
    assert reply.headers["Content-Type"] == CHAIN_TYPE
    assert int(order["certificate"].rsplit("/", 1)[1], 16) == issued_both.leaf.serial_number
    # The root is left out.
    assert len(issued_both.chain) == 2
    assert re.fullmatch(INTERMEDIATE, name(issued_both.chain[1]))
    issued_by(issued_both.leaf, issued_both.chain[1])


def test_roots_and_intermediates(peb_both, issued_both):
    for path, pattern in (("/roots/0", ROOT), ("/intermediates/0", INTERMEDIATE)):
        reply = peb_both.manage(path)
        assert (reply.status_code, reply.headers["Content-Type"]) == (200, CHAIN_TYPE)
        cert = load(reply.text)
        assert reply.text.count("BEGIN CERTIFICATE") == 1 and re.fullmatch(pattern, name(cert))
        assert cert.not_valid_after.year - datetime.datetime.utcnow().year == 30
        assert get(cert, x509.BasicConstraints).value.ca
        assert peb_both.manage(path[:-1] + "1").status_code == 404
        assert peb_both.manage(path[:-1] + "x").status_code in (400, 404)
    root, intermediate = (load(peb_both.manage(f"/{kind}/0").text) for kind in ("roots", "intermediates"))
    assert intermediate == issued_both.chain[1]
    issued_by(intermediate, root)
    issued_by(root, root)


@pytest.mark.parametrize("kind", ("root", "intermediate"))
def test_keys(peb_both, kind):
    reply = peb_both.manage(f"/{kind}-keys/0")
    assert reply.status_code == 200 and reply.headers["Content-Type"].startswith("application/x-pem-file")
    assert reply.text.startswith("-----BEGIN RSA PRIVATE KEY-----\n")
    key = serialization.load_pem_private_key(reply.content, None)
    cert = load(peb_both.manage(f"/{kind}s/0").text)
    assert key.public_key().public_numbers() == cert.public_key().public_numbers()
    assert key.key_size == 2048


def test_ecdsa(make_pebble):
    peb = make_pebble(config={"keyAlgorithm": "ecdsa"})
    for kind in ("root", "intermediate"):
        assert isinstance(load(peb.manage(f"/{kind}s/0").text).public_key().curve, ec.SECP256R1)
        assert peb.manage(f"/{kind}-keys/0").status_code == 404
    issued = peb.client().issue(["ecdsa.test"])
    issued_by(issued.leaf, issued.chain[1])


@pytest.fixture(scope="module")
def long_both(peb_both, challenges):
    made = type(peb_both)(peb_both.kind, challenges, env={"PEBBLE_CHAIN_LENGTH": "3", "PEBBLE_ALTERNATE_ROOTS": "2"})
    yield made
    made.close()


def test_chains(long_both):
    client = long_both.client()
    issued = client.issue(["chains.test"])
    url = client.get(issued.order_url).json()["certificate"]
    reply = client.get(url)
    alternates = sorted({link["url"] for link in _links(reply, "alternate")})
    assert alternates == [f"{url}/alternate/{i}" for i in (1, 2)]
    chains = [issued] + [Issued({}, "", client.get(link).text, issued.key) for link in alternates]
    roots = [load(long_both.manage(f"/roots/{i}").text) for i in range(3)]
    assert long_both.manage("/roots/3").status_code == 404
    for chain, root in zip(chains, roots):
        assert len(chain.chain) == 4 and chain.leaf == issued.leaf
        for cert, issuer in zip(chain.chain, chain.chain[1:] + [root]):
            issued_by(cert, issuer)
    # The same key and subject, cross-signed.
    assert len({c.chain[1].subject for c in chains}) == 1
    assert len({c.chain[1].public_bytes(serialization.Encoding.DER) for c in chains}) == 3
    assert client.get(url + "/alternate/3").status_code == 404


def _links(reply, rel):
    return [{"url": url} for url in re.findall(r'<([^>]*)>;\s*rel="%s"' % rel, reply.headers.get("Link", ""))]


def test_links_between_roots(long_both):
    reply = long_both.manage("/roots/0")
    assert [link["url"].rsplit("/", 1)[1] for link in _links(reply, "alternate")] == ["1", "2"]


@pytest.mark.parametrize("asked", (True, False))
def test_must_staple(client, asked):
    """2.4.0 leaves it out."""
    names, key = ["staple.test"], Key()
    order, url = client.ready(names)
    extensions = [(x509.TLSFeature([x509.TLSFeatureType.status_request]), False)] if asked else []
    client.finalize(order, keys.csr(names, key, extensions=extensions))
    leaf = load(client.get(client.poll(url, ("valid",)).json()["certificate"]).text)
    found = [e for e in leaf.extensions if e.oid == ExtensionOID.TLS_FEATURE]
    assert len(found) == asked


def test_ocsp_url(make_pebble_both):
    client = make_pebble_both(config={"ocspResponderURL": "http://ocsp.test:4002"}).client()
    access = get(client.issue(["ocsp.test"]).leaf, x509.AuthorityInformationAccess).value
    assert [a.access_location.value for a in access] == ["http://ocsp.test:4002"]


# --- revocation ----------------------------------------------------------------------------------------


def revoke(client, leaf, reason=None, **kw):
    payload = {"certificate": b64(leaf.public_bytes(serialization.Encoding.DER))}
    return client.post(client.directory["revokeCert"], payload if reason is None else {**payload, "reason": reason}, **kw)


def status(peb, leaf):
    return peb.manage(f"/cert-status-by-serial/{leaf.serial_number:x}")


@pytest.mark.parametrize("reason", (None, 0, 1, 4, 10))
def test_revocation(peb_both, client_both, reason):
    issued = client_both.issue([f"r{reason}.revoked.test"])
    before = status(peb_both, issued.leaf).json()
    assert before["Status"] == "Valid"
    assert int(before["Serial"], 16) == issued.leaf.serial_number
    assert load(before["Certificate"]) == issued.leaf
    reply = revoke(client_both, issued.leaf, reason)
    assert (reply.status_code, reply.content) == (200, b"")
    after = status(peb_both, issued.leaf).json()
    assert after["Status"] == "Revoked" and load(after["Certificate"]) == issued.leaf
    assert after.get("Reason", 0) == (reason or 0)
    assert re.fullmatch(r"20\d\d-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)? \+0000 UTC", after["RevokedAt"]), after
    problem(revoke(client_both, issued.leaf), "alreadyRevoked", 400)
    # 200 in 2.8 and later; one client's suite wants this.
    assert client_both.get(client_both.get(issued.order_url).json()["certificate"]).status_code == 404


def test_revoked_certificates_are_shown_when_asked(make_pebble):
    client = make_pebble(env={"PEBBLE_SHOW_REVOKED": "1"}).client()
    issued = client.issue(["shown.test"])
    assert revoke(client, issued.leaf).status_code == 200
    reply = client.get(client.get(issued.order_url).json()["certificate"])
    assert reply.status_code == 200 and load(reply.text) == issued.leaf
    assert renewal(client, issued.leaf)[1] < datetime.datetime.utcnow()


@pytest.mark.parametrize("reason", (7, 11))
def test_bad_reasons(client_both, issued_both, reason):
    problem(revoke(client_both, issued_both.leaf, reason), "badRevocationReason", 400)


def test_revocation_by_the_certificates_key(client_both):
    issued = client_both.issue(["own-key.test"])
    reply = revoke(client_both, issued.leaf, key=issued.key, use_jwk=True, alg=issued.key.alg, jwk=issued.key.jwk)
    assert reply.status_code == 200


def test_a_revoked_key_comes_back(client_both):
    """Suites use one key for all their certificates, and revoke one for keyCompromise."""
    issued = client_both.issue(["back.test"])
    assert revoke(client_both, issued.leaf, 1, key=issued.key, use_jwk=True, alg=issued.key.alg,
                  jwk=issued.key.jwk).status_code == 200
    client_both.issue(["back2.test"], issued.key)


def test_revocation_by_somebody_else(peb_both, issued_both):
    assert revoke(peb_both.client(), issued_both.leaf).status_code == 403


def test_revocation_of_somebody_elses(client_both):
    leaf = load(certificate("a.test", "", Key(), identifier=False).decode())
    assert revoke(client_both, leaf).status_code in (400, 403, 404)


# --- management ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("serial,code", (("zz", 400), ("0xff", 400), ("1234567890", 404)))
def test_status_of_no_certificate(peb_both, serial, code):
    assert peb_both.manage(f"/cert-status-by-serial/{serial}").status_code == code


def test_unknown_management_path(peb_both):
    assert peb_both.manage("/nope").status_code == 404


def test_management_by_http_1_0(peb_both):
    context = ssl.create_default_context(cafile=peb_both.root)
    with socket.create_connection(("127.0.0.1", peb_both.management_port), 10) as sock, \
            context.wrap_socket(sock, server_hostname="localhost") as tls:
        tls.sendall(b"GET /roots/0 HTTP/1.0\r\n\r\n")
        data = b""
        while piece := tls.recv(65536):
            data += piece
    assert re.match(rb"HTTP/1\.[01] 200 ", data) and b"\n-----END CERTIFICATE-----\n" in data


# --- renewal information (RFC 9773) --------------------------------------------------------------------


def cert_id(leaf):
    key_id = get(leaf, x509.AuthorityKeyIdentifier).value.key_identifier
    serial = leaf.serial_number
    return b64(key_id) + "." + b64(serial.to_bytes(serial.bit_length() // 8 + 1, "big"))


def renewal(client, leaf):
    reply = client.http.get(f"{client.directory['renewalInfo']}/{cert_id(leaf)}")
    assert reply.status_code == 200, reply.text
    assert reply.headers["Retry-After"] == "21600"
    window = reply.json()["suggestedWindow"]
    return [datetime.datetime.fromisoformat(window[end].replace("Z", "+00:00")).replace(tzinfo=None).replace(microsecond=0)
            for end in ("start", "end")]


def test_renewal_window(client):
    leaf = client.issue(["ari.test"]).leaf
    start, end = renewal(client, leaf)
    middle = leaf.not_valid_before + (leaf.not_valid_after - leaf.not_valid_before) * 2 / 3
    day = datetime.timedelta(hours=24)
    assert abs(start - (middle - day)) < datetime.timedelta(seconds=5)
    assert abs(end - (middle + day)) < datetime.timedelta(seconds=5)


def test_renewal_of_a_revoked_certificate(client):
    leaf = client.issue(["ari-revoked.test"]).leaf
    assert revoke(client, leaf).status_code == 200
    assert renewal(client, leaf)[1] < datetime.datetime.utcnow()


def test_no_certificate_of_that_serial(client):
    known = cert_id(client.issue(["known.test"]).leaf).split(".")[0]
    reply = client.http.get(f"{client.directory['renewalInfo']}/{known}.AIdlQyE")
    problem(reply, "malformed", 404, "failed to retrieve existing certificate serial")


def test_replaces_no_certificate(client):
    """RFC 9773, 5. A server's own fault there, the client's here."""
    known = cert_id(client.issue(["known.test"]).leaf).split(".")[0]
    reply = client.post(client.directory["newOrder"], {
        "identifiers": [{"type": "dns", "value": "known.test"}], "replaces": known + ".AIdlQyE"})
    if client.server.kind == "signet":
        problem(reply, "malformed", 400, "\"replaces\" names no certificate of this CA, or one that is long over (RFC 9773, 5)")
    else:
        problem(reply, "serverInternal", 500, "could not find an order for the given certificate: could not find order "
                "resulting in the given certificate serial number")


@pytest.mark.parametrize("text", ("x", "a.b.c", "!.!", "aYhba4dGQEHhs3uEe6CuLN4ByNQ"))
def test_renewal_of_what_is_no_id(client, text):
    assert client.http.get(f"{client.directory['renewalInfo']}/{text}").status_code in (400, 404, 500)


def test_replaces(client):
    leaf = client.issue(["replaced.test"]).leaf
    order, url = client.ready(["replaced.test"], replaces=cert_id(leaf))
    client.finalize(order, keys.csr(["replaced.test"], Key()))
    client.poll(url, ("valid",))
    reply = client.post(client.directory["newOrder"], {
        "identifiers": [{"type": "dns", "value": "replaced.test"}], "replaces": cert_id(leaf)})
    problem(reply, "alreadyReplaced", 409)


@pytest.mark.parametrize("answer", (
    '{"suggestedWindow": {"start": "2020-01-01T00:00:00Z", "end": "2020-01-02T00:00:00Z"}}', "not even JSON"))
def test_set_renewal_info(peb, client, answer):
    issued = client.issue(["set-ari.test"])
    pem = issued.leaf.public_bytes(serialization.Encoding.PEM).decode()
    reply = peb.manage("/set-renewal-info/", "POST", json={"Certificate": pem, "ARIResponse": answer})
    assert reply.status_code == 200, reply.text
    found = client.http.get(f"{client.directory['renewalInfo']}/{cert_id(issued.leaf)}")
    assert found.text == answer
    for nothing in ({}, {"ariResponse": ""}):
        assert peb.manage("/set-renewal-info/", "POST", json={"certificate": pem, "ariresponse": answer}).status_code == 200
        found = client.http.get(f"{client.directory['renewalInfo']}/{cert_id(issued.leaf)}")
        assert found.text == answer
        assert peb.manage("/set-renewal-info/", "POST", json={"Certificate": pem, **nothing}).status_code == 200
        found = client.http.get(f"{client.directory['renewalInfo']}/{cert_id(issued.leaf)}")
        assert "2020" not in found.text and list(found.json()) == ["suggestedWindow"]
