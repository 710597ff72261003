"""RFC 8555, 7.4.2: alternate chains, and the forms that Accept asks for."""
import datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import pkcs7
from cryptography.x509.oid import NameOID
from harness.acme import Client, check_problem
from requests.utils import parse_header_links

PEM = serialization.Encoding.PEM


def pem_of(*certificates):
    return b"".join(one.public_bytes(PEM) for one in certificates)


def read_pem(path):
    with open(path, "rb") as f:
        return x509.load_pem_x509_certificate(f.read())


def write(path, data):
    with open(path, "wb") as f:
        f.write(data)


def cross_sign(server):
    """The intermediate again under a second root, and that root."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Other Root")])
    now = datetime.datetime.utcnow()
    intermediate = read_pem(f"{server.home}/pki/intermediate.pem")

    def build(subject, public, extensions):
        made = x509.CertificateBuilder(name, subject, public, x509.random_serial_number(),
                                       now - datetime.timedelta(hours=1), now + datetime.timedelta(days=365))
        for value, critical in extensions:
            made = made.add_extension(value, critical)
        return made.sign(key, hashes.SHA256())

    root = build(name, key.public_key(), [(x509.BasicConstraints(True, None), True),
                                          (x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)])
    cross = build(intermediate.subject, intermediate.public_key(),
                  [(one.value, one.critical) for one in intermediate.extensions
                   if not isinstance(one.value, x509.AuthorityKeyIdentifier)])
    return cross, root


def add_chains(server):
    cross, root = cross_sign(server)
    server.cross, server.other_root = cross, root
    intermediate, own_root = read_pem(f"{server.home}/pki/intermediate.pem"), read_pem(server.root)
    write(f"{server.home}/pki/cross.pem", pem_of(cross, root))
    write(f"{server.home}/pki/long.pem", pem_of(intermediate, own_root))
    server.configure({"ca": {"issuers": [{"certificate": "pki/intermediate.pem", "key": "keys/intermediate.pem",
                                          "chains": ["pki/cross.pem", "pki/long.pem"]}]}})


@pytest.fixture(scope="module")
def chained(names, responder):
    from harness.server import Server
    server = Server(names, responder, before=add_chains)
    yield server
    server.close()


@pytest.fixture(scope="module")
def holder(chained):
    made = Client(chained)
    made.issued = made.issue(["chains.test"])
    made.url = made.issued.order["certificate"]
    return made


def links(reply, relation):
    return [link["url"] for link in parse_header_links(reply.headers["Link"]) if link["rel"] == relation]


def split(text):
    return [x509.load_pem_x509_certificate(("-----BEGIN CERTIFICATE-----" + part).encode())
            for part in text.split("-----BEGIN CERTIFICATE-----")[1:]]


def get(client, url, accept):
    client.http.headers["Accept"] = accept
    try:
        return client.get(url)
    finally:
        client.http.headers["Accept"] = "*/*"


def test_rfc8555_7_4_2_alternate_chains(chained, holder):
    reply = holder.get(holder.url)
    alternates = links(reply, "alternate")
    assert alternates == [holder.url + "/1", holder.url + "/2"]
    leaf = holder.issued.leaf
    intermediate, root = read_pem(f"{chained.home}/pki/intermediate.pem"), read_pem(chained.root)
    assert split(reply.text) == [leaf, intermediate]
    cross, long = (holder.get(url) for url in alternates)
    assert cross.headers["Content-Type"] == long.headers["Content-Type"] == "application/pem-certificate-chain"
    assert split(cross.text) == [leaf, chained.cross, chained.other_root]
    assert split(long.text) == [leaf, intermediate, root]
    # each names the others
    assert links(cross, "alternate") == [holder.url, holder.url + "/2"]
    assert links(long, "alternate") == [holder.url, holder.url + "/1"]


def test_rfc8555_7_4_2_no_other_alternates(chained, holder, server, shared):
    for tail in ("/0", "/3", "/01", "/10", "/x", "/+1"):
        check_problem(holder.get(holder.url + tail), "malformed", 404, "alternate")
    check_problem(Client(chained).get(holder.url + "/1"), "unauthorized", 403, "another account")
    issued = shared.issue(["no-alternates.test"])
    assert links(shared.get(issued.order["certificate"]), "alternate") == []
    check_problem(shared.get(issued.order["certificate"] + "/1"), "malformed", 404, "alternate")


def test_rfc8555_7_4_2_pkix_cert(chained, holder):
    reply = get(holder, holder.url, "application/pkix-cert")
    assert reply.headers["Content-Type"] == "application/pkix-cert"
    assert x509.load_der_x509_certificate(reply.content) == holder.issued.leaf
    assert links(reply, "alternate") == [holder.url + "/1", holder.url + "/2"]
    # up, and up again, to the root
    up, = links(reply, "up")
    reply = holder.get(up)
    assert reply.headers["Content-Type"] == "application/pkix-cert"
    assert x509.load_der_x509_certificate(reply.content) == read_pem(f"{chained.home}/pki/intermediate.pem")
    up, = links(reply, "up")
    reply = holder.get(up)
    assert x509.load_der_x509_certificate(reply.content) == read_pem(chained.root)
    assert links(reply, "up") == []
    # of another chain the other issuer
    up, = links(get(holder, holder.url + "/1", "application/pkix-cert"), "up")
    assert x509.load_der_x509_certificate(holder.get(up).content) == chained.cross
    for tail in ("0" * 64, "0" * 63, "F" * 64, "x"):
        check_problem(holder.get(f"{chained.url}/issuer/{tail}"), "malformed", 404, "no such issuer")


def test_rfc8555_7_4_2_pkcs7(chained, holder):
    reply = get(holder, holder.url + "/1", "application/pkcs7-mime")
    assert reply.headers["Content-Type"].split(";")[0] == "application/pkcs7-mime"
    found = pkcs7.load_der_pkcs7_certificates(reply.content)
    assert sorted(one.serial_number for one in found) == sorted(
        one.serial_number for one in (holder.issued.leaf, chained.cross, chained.other_root))
    assert len(links(reply, "up")) == 1


@pytest.mark.parametrize("accept, form", [
    ("*/*", "application/pem-certificate-chain"), ("text/html", "application/pem-certificate-chain"),
    ("application/pkix-cert;q=0.5, application/pem-certificate-chain", "application/pem-certificate-chain"),
    ("application/pkix-cert, */*;q=0.1", "application/pkix-cert"),
    ("application/pkix-cert;q=9", "application/pem-certificate-chain"),
    ("x" * 9000, "application/pem-certificate-chain")])
def test_rfc8555_7_4_2_accept(holder, accept, form):
    assert get(holder, holder.url, accept).headers["Content-Type"] == form


def test_rfc8555_7_4_2_broken_chain_is_no_start(names, responder, make_server):
    """A chain whose certificates don't link is told by `signet check`, and the server doesn't start with it."""
    server = make_server(before=add_chains, start=False)
    assert server.run("check", "--dir", server.home, check=False).returncode == 0
    write(f"{server.home}/pki/cross.pem", pem_of(server.other_root, server.cross))
    done = server.run("check", "--dir", server.home, check=False)
    assert done.returncode == 1 and "ca.issuers[0].chains[0]" in done.stdout and "not signed by" in done.stdout
    server.start(wait=False)
    server.wait_log(r"cross\.pem.*not signed by")
    server.process.kill()
    write(f"{server.home}/pki/cross.pem", pem_of(server.other_root))
    done = server.run("check", "--dir", server.home, check=False)
    assert done.returncode == 1 and "the name and the key of the issuer" in done.stdout
