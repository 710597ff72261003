"""A TLS server on loopback that answers tls-alpn-01 as a test says (RFC 8737; RFC 8738, 6)."""
import datetime
import hashlib
import ipaddress
import os
import socket
import ssl
import tempfile
import threading

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import NameOID, ObjectIdentifier

from .keys import Key
from .ports import free_port

OID = ObjectIdentifier("1.3.6.1.5.5.7.1.31")
ALPN = "acme-tls/1"


def sni_of(value):
    """The name in SNI: an address by its reverse mapping."""
    try:
        return ipaddress.ip_address(value).reverse_pointer
    except ValueError:
        return value


def san_of(value):
    try:
        return x509.IPAddress(ipaddress.ip_address(value))
    except ValueError:
        return x509.DNSName(value)


def certificate(value, authorization, key, sans=None, critical=True, digest=None, extension=None, issuer=None,
                signer=None, days=1, san=True, identifier=True, subject="ACME challenge", oid=OID):
    """What a client makes for tls-alpn-01; each argument bends one thing. PEM."""
    def name(text):
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)] if text else [])
    now = datetime.datetime.utcnow()
    builder = x509.CertificateBuilder(name(subject if issuer is None else issuer), name(subject),
                                      key.private.public_key(), x509.random_serial_number(),
                                      now - datetime.timedelta(days=10), now + datetime.timedelta(days=days))
    if san:
        builder = builder.add_extension(x509.SubjectAlternativeName([san_of(value)] if sans is None else sans), False)
    if identifier:
        if extension is None:
            extension = b"\x04\x20" + (digest or hashlib.sha256(authorization.encode()).digest())
        builder = builder.add_extension(x509.UnrecognizedExtension(oid, extension), critical)
    signer = signer or key
    made = builder.sign(signer.private, None if signer.kind.startswith("Ed") else hashes.SHA256())
    return made.public_bytes(serialization.Encoding.PEM)


class TlsAlpn:
    """put(value, authorization, **bends) makes the certificate for a name or address. Besides certificate()'s
    arguments: alpn (None: none), highest (an ssl.TLSVersion), alert (a TLS alert instead), key (its Key)."""

    def __init__(self, hosts=("127.0.0.1", "::1"), port=None):
        self.port = port or free_port()
        self.hosts = hosts
        self.contexts, self.seen, self.after, self.folder = {}, [], [], None
        self.key = Key()
        self.default = self.context(certificate("default.test", "", self.key, identifier=False), self.key, [ALPN])
        self._listeners = []
        for host in hosts:
            try:
                self.listen(host)
            except OSError:
                if host == "127.0.0.1":
                    raise

    def listen(self, host, context=None, raw=None):
        """Also there. context: an SSLContext for whatever name; raw: called with each connection instead of TLS."""
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listener = socket.create_server((host, self.port), family=family, backlog=1024)
        self._listeners.append(listener)
        threading.Thread(target=self._serve, args=(listener, raw or (lambda sock: self._shake(sock, context))), daemon=True).start()

    def put(self, value, authorization, alpn=(ALPN,), highest=None, alert=None, key=None, **bends):
        key = key or self.key
        pem = certificate(value, authorization, key, **bends)
        self.contexts[sni_of(value)] = alert or self.context(pem, key, alpn, highest)

    def close(self):
        for listener in self._listeners:
            listener.close()

    def context(self, pem, key, alpn, highest=None):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        if highest:
            context.set_ciphers("DEFAULT@SECLEVEL=0")
            context.minimum_version = ssl.TLSVersion.TLSv1
            context.maximum_version = highest
        with tempfile.NamedTemporaryFile() as file:
            file.write(pem + key.pem())
            file.flush()
            context.load_cert_chain(file.name)
        if alpn:
            context.set_alpn_protocols(list(alpn))
        context.sni_callback = self._choose
        return context

    def _choose(self, sock, name, _context):
        self.seen.append(name)
        found = self.contexts.get(name) or self._from_folder(name)
        if isinstance(found, int):
            return found
        if found is not None:
            sock.context = found
        return None

    def _from_folder(self, name):
        """NAME.crt.pem and NAME.key.pem, as dehydrated leaves them for a web server."""
        path = os.path.join(self.folder or "", f"{name}.crt.pem")
        if not self.folder or not os.path.exists(path):
            return None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path, path.replace(".crt.", ".key."))
        context.set_alpn_protocols([ALPN])
        return context

    def _serve(self, listener, handle):
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=handle, args=(sock,), daemon=True).start()

    def _shake(self, sock, context):
        sock.settimeout(10)
        try:
            with (context or self.default).wrap_socket(sock, server_side=True) as tls:
                self.after.append((tls.version(), tls.selected_alpn_protocol(), tls.recv(1)))
        except (OSError, ValueError):
            sock.close()
