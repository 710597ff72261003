"""More issuers for a server's CA, made by its root."""
import datetime
import os
import subprocess

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import NameOID

from .keys import Key

PEM = serialization.Encoding.PEM


def read_pem(path):
    with open(path, "rb") as f:
        return x509.load_pem_x509_certificate(f.read())


def write(path, data, mode=0o644):
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "wb") as f:
        f.write(data)


class Authority:
    """A CA certificate with its key. constraints: a NameConstraints extension."""

    def __init__(self, name, key=None, above=None, days=365, path_length=None, constraints=None):
        self.key = key or Key()
        above = above or self
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        public = self.key.private.public_key()
        now = datetime.datetime.utcnow().replace(microsecond=0)
        made = x509.CertificateBuilder(subject if above is self else above.certificate.subject, subject, public,
                                       x509.random_serial_number(), now - datetime.timedelta(days=1),
                                       now + datetime.timedelta(days=days))
        extensions = [(x509.BasicConstraints(True, path_length), True),
                      (x509.KeyUsage(True, False, False, False, False, True, True, False, False), True),
                      (x509.SubjectKeyIdentifier.from_public_key(public), False)]
        if above is not self:
            ski = above.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
            extensions.append((x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(ski), False))
        if constraints is not None:
            extensions.append((constraints, True))
        for value, critical in extensions:
            made = made.add_extension(value, critical)
        digest = None if above.key.kind.startswith("Ed") else hashes.SHA256()
        self.certificate = made.sign(above.key.private, digest)

    @property
    def pem(self):
        return self.certificate.public_bytes(PEM)


def root_of(server):
    """The server's own root, which init left beside it."""
    root = Authority.__new__(Authority)
    root.certificate = read_pem(server.root)
    with open(f"{server.home}/keys/root.pem", "rb") as f:
        private = serialization.load_pem_private_key(f.read(), None)
    root.key = Key.__new__(Key)
    root.key.private, root.key.kind = private, "P-256"
    return root


def install(server, stem, authority, *above, **more):
    """Writes the issuer's files; what ca.issuers says of it."""
    write(f"{server.home}/pki/{stem}.pem", b"".join(one.pem for one in (authority, *above)))
    write(f"{server.home}/keys/{stem}.pem", authority.key.pem(), 0o600)
    return dict(certificate=f"pki/{stem}.pem", key=f"keys/{stem}.pem", **more)


def set_ca(server, issuers, profiles=None):
    """Server.configure() merges; here what was there goes."""
    import yaml
    with open(server.yaml, encoding="utf-8") as f:
        config = yaml.safe_load(f)
    config.setdefault("ca", {})["issuers"] = issuers
    if profiles is not None:
        config["ca"]["profiles"] = profiles
    with open(server.yaml, "w", encoding="utf-8") as f:
        yaml.safe_dump(config, f, sort_keys=False)


def verify(server, issued, folder, *more):
    """openssl verify, with what the server gave out and the root alone."""
    chain, leaf = folder / "chain.pem", folder / "leaf.pem"
    leaf.write_bytes(issued.leaf.public_bytes(PEM))
    chain.write_bytes(b"".join(one.public_bytes(PEM) for one in issued.chain[1:]))
    return subprocess.run(["openssl", "verify", "-x509_strict", "-purpose", "sslserver", *map(str, more), "-CAfile",
                           server.root, "-untrusted", str(chain), str(leaf)], capture_output=True, text=True,
                          timeout=30, check=False)
