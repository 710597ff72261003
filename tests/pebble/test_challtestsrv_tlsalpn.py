"""pebble-challtestsrv: tls-alpn-01 (RFC 8737; RFC 8738, 6)."""
import hashlib
import ipaddress
import socket
import ssl

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtensionOID, ObjectIdentifier
from harness.challtestsrv import reverse

VERSIONS = (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)


def check(der, san, authorization):
    cert = x509.load_der_x509_certificate(der)
    names = cert.extensions.get_extension_for_oid(ExtensionOID.SUBJECT_ALTERNATIVE_NAME).value
    assert list(names) == [san]
    identifier = cert.extensions.get_extension_for_oid(ObjectIdentifier("1.3.6.1.5.5.7.1.31"))
    assert identifier.critical
    assert identifier.value.value == b"\x04\x20" + hashlib.sha256(authorization.encode()).digest()
    assert cert.subject.rfc4514_string() == cert.issuer.rfc4514_string() == ""
    assert cert.serial_number == 1729


@pytest.mark.parametrize("version", VERSIONS)
def test_challenge(srv_both, version):
    srv_both.tell("/add-tlsalpn01", host="alpn.test", content="token.thumb")
    check(srv_both.handshake("alpn.test", highest=version), x509.DNSName("alpn.test"), "token.thumb")
    srv_both.tell("/add-tlsalpn01", host="alpn.test", content="new")
    check(srv_both.handshake("alpn.test", highest=version), x509.DNSName("alpn.test"), "new")
    srv_both.tell("/del-tlsalpn01", host="alpn.test")
    assert "internal error" in str(srv_both.handshake("alpn.test", highest=version))


@pytest.mark.parametrize("address", ("192.0.2.7", "2001:db8::7"))
def test_address(srv, address):
    """2.4.0 has the reverse name in the certificate itself."""
    srv.tell("/add-tlsalpn01", host=reverse(address), content="x")
    check(srv.handshake(reverse(address)), x509.IPAddress(ipaddress.ip_address(address)), "x")


@pytest.mark.parametrize("address", ("192.0.2.8", "2001:db8::8"))
def test_address_by_itself(srv, address):
    """Not only by its reverse name."""
    srv.tell("/add-tlsalpn01", host=address, content="x")
    check(srv.handshake(reverse(address)), x509.IPAddress(ipaddress.ip_address(address)), "x")
    srv.tell("/del-tlsalpn01", host=address)
    assert "internal error" in str(srv.handshake(reverse(address)))


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("protocols", ((), ("http/1.1",), ("acme-tls/1", "h2"), ("h2", "acme-tls/1")))
def test_only_acme_tls_1(srv_both, protocols, version):
    srv_both.tell("/add-tlsalpn01", host="only.test", content="x")
    assert "internal error" in str(srv_both.handshake("only.test", protocols, version))


def test_no_server_name(srv_both):
    assert "internal error" in str(srv_both.handshake(None))


def test_case_does_not_matter(srv):
    srv.tell("/add-tlsalpn01", host="Case.test", content="x")
    check(srv.handshake("cASE.test"), x509.DNSName("cASE.test"), "x")


@pytest.mark.parametrize("data", (b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\xff\xff" + b"a" * 70000, b"\x80\x00"),
                         ids=("http", "oversized", "ssl2"))
def test_hostile_bytes(srv, data):
    with socket.create_connection(("127.0.0.1", srv.ports["tlsalpn01"]), 10) as sock:
        try:
            sock.sendall(data)
            sock.shutdown(socket.SHUT_WR)
            while sock.recv(4096):
                pass
        except OSError:
            pass
    srv.tell("/add-tlsalpn01", host="after.test", content="x")
    check(srv.handshake("after.test"), x509.DNSName("after.test"), "x")


def test_history(srv_both):
    srv_both.tell("/add-tlsalpn01", host="seen.test", content="x")
    lists = (("acme-tls/1",), (), ("h2", "http/1.1"))
    for protocols in lists:
        srv_both.handshake("seen.test", protocols)
    assert srv_both.history("tlsalpn01", "seen.test") == [
        {"ServerName": "seen.test", "SupportedProtos": list(p) or None} for p in lists]
    srv_both.tell("/clear-request-history", host="seen.test", type="tlsalpn")
    assert srv_both.history("tlsalpn01", "seen.test") == []
