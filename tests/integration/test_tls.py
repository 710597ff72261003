"""The server's own certificate, its TLS, and the plain listener (RFC 8555, 6.1; RFC 8446; RFC 9325)."""
import datetime
import hashlib
import signal
import socket
import ssl
import time

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from harness.acme import Client
from harness.raw import connect, tls_context


def certificate_of(server):
    with connect(server) as sock:
        return x509.load_der_x509_certificate(sock.getpeercert(True))


def test_certificate_is_from_its_own_ca(server):
    """Verified with nothing but the root, by name and by address; the intermediate comes along."""
    for host in ("localhost", "127.0.0.1"):
        with socket.create_connection(("127.0.0.1", server.port), 5) as sock, \
                tls_context(server).wrap_socket(sock, server_hostname=host):
            pass
    san = certificate_of(server).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert san.get_values_for_type(x509.DNSName) == ["localhost"]
    assert [str(ip) for ip in san.get_values_for_type(x509.IPAddress)] == ["127.0.0.1"]


def test_certificate_is_short_lived(server):
    leaf = certificate_of(server)
    assert (leaf.not_valid_after - leaf.not_valid_before).days <= 30


@pytest.mark.parametrize("version, name", [(ssl.TLSVersion.TLSv1_2, "TLSv1.2"),
                                           (ssl.TLSVersion.TLSv1_3, "TLSv1.3")])
def test_rfc9325_3_1_versions_served(server, version, name):
    with connect(server, tls_context(server, minimum_version=version, maximum_version=version)) as sock:
        assert sock.version() == name
        assert "GCM" in sock.cipher()[0] or "POLY1305" in sock.cipher()[0]


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
def test_rfc8996_old_versions_are_refused(server, version):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = version
    with pytest.raises((ssl.SSLError, OSError)):
        connect(server, context).close()


@pytest.mark.parametrize("cipher", ["AES128-GCM-SHA256", "ECDHE-ECDSA-AES128-SHA",
                                    "DHE-RSA-AES128-GCM-SHA256",
                                    "NULL-SHA256"])
def test_rfc9325_4_weak_ciphers_are_refused(server, cipher):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(cipher + ":@SECLEVEL=0")
    with pytest.raises((ssl.SSLError, OSError)):
        connect(server, context).close()


def test_rfc8446_4_6_1_sessions_resume(server):
    context = tls_context(server)
    with connect(server, context) as sock:
        sock.sendall(b"GET /directory HTTP/1.1\r\nHost: localhost\r\n\r\n")
        sock.recv(65536)
        session = sock.session
    plain = socket.create_connection(("127.0.0.1", server.port), 5)
    with context.wrap_socket(plain, server_hostname="localhost", session=session) as sock:
        assert sock.session_reused


def shake_hands(server, sizes, protocols=()):
    """The ClientHello in pieces of these sizes, a moment between them. Returns its length when a request is answered."""
    context = tls_context(server)
    if protocols:
        context.set_alpn_protocols(protocols)
    inwards, outwards = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(inwards, outwards, server_hostname="localhost")
    with pytest.raises(ssl.SSLWantReadError):
        tls.do_handshake()
    hello, sent = outwards.read(), 0
    with socket.create_connection(("127.0.0.1", server.port), 5) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for size in [*sizes, len(hello)]:
            sock.sendall(hello[sent:sent + size])
            sent += size
            time.sleep(0.02)

        def until_done(step):
            while True:
                try:
                    return step()
                except ssl.SSLWantReadError:
                    sock.sendall(outwards.read())
                    inwards.write(sock.recv(65536))
        until_done(tls.do_handshake)
        tls.write(b"GET /directory HTTP/1.1\r\nHost: localhost\r\n\r\n")
        sock.sendall(outwards.read())
        assert until_done(lambda: tls.read(65536)).startswith(b"HTTP/1.1 200 ")
    return len(hello)


@pytest.mark.parametrize("sizes", [[1] * 12, [5], [3, 100, 100], [6, 1]])
def test_rfc8446_5_1_a_hello_in_pieces(server, sizes):
    shake_hands(server, sizes)


@pytest.mark.parametrize("sizes", [[], [4], [2000], [2048], [2049, 1]])
def test_rfc8446_5_1_a_hello_that_is_longer_than_what_is_gathered(server, sizes):
    assert shake_hands(server, sizes, [f"protocol-{n:03}" for n in range(200)]) > 2800


@pytest.mark.parametrize("first", [b"GET /", b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", b"\x15\x03\x01\x00\x02\x01\x00",
                                   b"\x80\x2e\x01\x00\x02" + bytes(43), b"\x17\x03\x03\x00\x20" + bytes(32)])
def test_rfc8446_5_1_what_is_no_hello_is_hung_up_on(server, first):
    """What can't begin a handshake isn't waited for to its end."""
    with socket.create_connection(("127.0.0.1", server.port), 5) as sock:
        sock.sendall(first)
        while sock.recv(100):
            pass


def test_rfc8446_6_1_one_that_leaves_amid_its_hello_is_let_go(server):
    with socket.create_connection(("127.0.0.1", server.port), 5) as sock:
        sock.sendall(b"\x16\x03\x01\x02\x00\x01\x00")
        sock.shutdown(socket.SHUT_WR)
        assert sock.recv(100) == b""


def test_plain_index_tells_how_to_trust(server):
    page = requests.get(server.plain_url + "/", timeout=10)
    assert page.status_code == 200 and page.headers["Content-Type"] == "text/html; charset=utf-8"
    with open(server.root, "rb") as f:
        root = x509.load_pem_x509_certificate(f.read())
    der = root.public_bytes(serialization.Encoding.DER)
    fingerprint = hashlib.sha256(der).hexdigest().upper()
    assert ":".join(fingerprint[i:i + 2] for i in range(0, 64, 2)) in page.text
    assert server.directory_url in page.text and "Test CA" in page.text
    assert "update-ca-certificates" in page.text
    pem = requests.get(server.plain_url + "/root.pem", timeout=10)
    assert x509.load_pem_x509_certificate(pem.content) == root
    crt = requests.get(server.plain_url + "/root.crt", timeout=10)
    assert crt.content == der and crt.headers["Content-Type"] == "application/pkix-cert"
    for path in ("/keys/root.pem", "/signet.yaml", "/data/signet.db", "/pki/../keys/root.pem", "/issuer/"):
        assert requests.get(server.plain_url + path, timeout=10).status_code == 404, path


def test_name_is_escaped_on_the_page(make_server):
    server = make_server({"name": "<script>alert('1')</script> & Co"})
    page = requests.get(server.plain_url + "/", timeout=10).text
    assert "<script>" not in page and "&lt;script&gt;" in page


def test_tls_from_files(make_server):
    """A certificate of one's own, which SIGHUP takes into use."""
    server = make_server()

    def install(name):
        """The test CA itself makes the certificate that the server then has from files."""
        issued = Client(server).issue([name])
        with open(f"{server.home}/tls.pem", "w", encoding="ascii") as f:
            f.write(issued.pem)
        with open(f"{server.home}/tls.key", "wb") as f:
            f.write(issued.key.pem())
        return issued.leaf.serial_number

    def serial():
        context = tls_context(server)
        context.check_hostname = False
        with connect(server, context) as sock:
            return x509.load_der_x509_certificate(sock.getpeercert(True)).serial_number

    def reload():
        offset = len(server.log())
        server.signal(signal.SIGHUP)
        server.wait_log(r" ready url=", since=offset)

    made = install("files.test")
    server.configure({"wfe": {"tls": {"certificate": "tls.pem", "key": "tls.key"}}})
    assert serial() != made
    reload()
    assert serial() == made


def test_tls_off_behind_a_proxy(make_server):
    server = make_server(start=False)
    server.configure({"wfe": {"tls": "off"}})
    server.start()
    reply = requests.get(f"http://127.0.0.1:{server.port}/directory", timeout=10)
    assert reply.json()["newOrder"].startswith(server.url)      # the URLs are the proxy's


@pytest.mark.long
def test_certificate_renews_itself(renewing):
    """No restart, no dropped connection: 60 s after the start there is another certificate."""
    pids = renewing.roles()
    log = renewing.wait_log(r"(?s)own certificate is installed.*own certificate is installed", timeout=90)
    assert log and time.monotonic() - renewing.started > 50
    assert renewing.roles() == pids
    # notBefore is five minutes before the moment of signing
    age = datetime.datetime.utcnow() - datetime.timedelta(minutes=5) - certificate_of(renewing).not_valid_before
    assert age.total_seconds() < time.monotonic() - renewing.started - 50
    assert Client(renewing).kid
