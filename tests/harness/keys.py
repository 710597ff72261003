"""Keys as JOSE writes them (RFC 7517, 7518, 7638, 8037), and certificate signing requests."""
import base64
import hashlib
import hmac
import ipaddress
import json

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.x509.oid import NameOID

CURVES = {"P-256": (ec.SECP256R1, "ES256", hashes.SHA256, 32),
          "P-384": (ec.SECP384R1, "ES384", hashes.SHA384, 48),
          "P-521": (ec.SECP521R1, "ES512", hashes.SHA512, 66)}


def b64(data):
    data = data.encode() if isinstance(data, str) else data
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def mac_jws(header, payload, key, digest="sha256"):
    """A flattened JWS under a shared secret, as external account bindings are (RFC 8555, 7.3.4)."""
    protected, payload = b64(json.dumps(header)), b64(payload)
    mac = hmac.new(key, f"{protected}.{payload}".encode(), digest).digest()
    return {"protected": protected, "payload": payload, "signature": b64(mac)}


def address(name):
    """The address that a name is, or None."""
    try:
        return ipaddress.ip_address(name)
    except ValueError:
        return None


def identifier_type(name):
    return "ip" if address(name) else "dns"


class Key:
    """kind: P-256, P-384, P-521, RSA (with bits), Ed25519 or Ed448."""

    def __init__(self, kind="P-256", bits=2048):
        self.kind = kind
        if kind in CURVES:
            curve, self.alg, self._hash, self.size = CURVES[kind]
            self.private = ec.generate_private_key(curve())
        elif kind == "RSA":
            self.alg = "RS256"
            self.private = rsa.generate_private_key(65537, bits)
        else:
            self.alg = "EdDSA"
            made = {"Ed25519": ed25519.Ed25519PrivateKey, "Ed448": ed448.Ed448PrivateKey}[kind]
            self.private = made.generate()

    @property
    def jwk(self):
        public = self.private.public_key()
        if self.kind in CURVES:
            numbers = public.public_numbers()
            return {"kty": "EC", "crv": self.kind, "x": b64(numbers.x.to_bytes(self.size, "big")),
                    "y": b64(numbers.y.to_bytes(self.size, "big"))}
        if self.kind == "RSA":
            numbers = public.public_numbers()
            return {"kty": "RSA", "e": b64(numbers.e.to_bytes(3, "big")),
                    "n": b64(numbers.n.to_bytes((numbers.n.bit_length() + 7) // 8, "big"))}
        raw = public.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        return {"kty": "OKP", "crv": self.kind, "x": b64(raw)}

    def sign(self, data):
        if self.kind in CURVES:
            r, s = decode_dss_signature(self.sign_der(data))
            return r.to_bytes(self.size, "big") + s.to_bytes(self.size, "big")
        return self.sign_der(data)

    def sign_der(self, data):
        """As other formats than JOSE have it: for EC keys DER instead of r||s."""
        if self.kind in CURVES:
            return self.private.sign(data, ec.ECDSA(self._hash()))
        if self.kind == "RSA":
            return self.private.sign(data, padding.PKCS1v15(), hashes.SHA256())
        return self.private.sign(data)

    @property
    def thumbprint(self):
        text = json.dumps(self.jwk, sort_keys=True, separators=(",", ":"))
        return b64(hashlib.sha256(text.encode()).digest())

    def pem(self, traditional=False):
        form = serialization.PrivateFormat.TraditionalOpenSSL if traditional else serialization.PrivateFormat.PKCS8
        return self.private.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())


def csr(names, key, common_name=None, extensions=(), sans=None, hash_=None):
    """DER. sans: x509 names instead of names; extensions: (extension, critical) pairs added."""
    subject = [x509.NameAttribute(NameOID.COMMON_NAME, common_name)] if common_name else []
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name(subject))
    sans = [x509.IPAddress(address(name)) if address(name) else x509.DNSName(name) for name in names] \
        if sans is None else sans
    if sans:
        builder = builder.add_extension(x509.SubjectAlternativeName(sans), False)
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    digest = None if key.kind.startswith("Ed") else hash_ or hashes.SHA256()
    return builder.sign(key.private, digest).public_bytes(serialization.Encoding.DER)
