"""Running a package's client as it is, and judging what it brought."""
import ipaddress
import os
import shutil
import subprocess
import time
import types

import harness.pebble
import matrix
import requests
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

CURVES = {"secp256r1": "P-256", "secp384r1": "P-384", "secp521r1": "P-521"}


def key_name(key):
    if isinstance(key, ec.EllipticCurvePublicKey):
        return CURVES[key.curve.name]
    if isinstance(key, ed25519.Ed25519PublicKey):
        return "Ed25519"
    assert isinstance(key, rsa.RSAPublicKey)
    return f"RSA-{key.key_size}"


def load(certificate):
    with open(certificate, "rb") as f:
        return x509.load_pem_x509_certificate(f.read())


def program_path():
    unpacked = os.path.join(matrix.BUILD, "debian/usr")
    return f"/usr/sbin:/usr/bin:/sbin:/bin:{unpacked}/sbin:{unpacked}/bin"


def find_program(name):
    """A missing client is a failure: the packages are part of what the tests need."""
    found = shutil.which(name, path=program_path())
    assert found, f"{name} is missing: make test-deps installs it"
    return found


class Shell:
    """Runs one client in a home of its own, trusting the test CA in every way clients know."""

    def __init__(self, server, home):
        self.server, self.home = server, str(home)
        self.webroot = self.path("webroot")
        self.challenges = self.path("webroot/.well-known/acme-challenge")
        os.makedirs(self.challenges)
        self.addresses = 0
        root = server.root
        self.ca_file = root
        self.env = {"PATH": program_path(), "NODE_PATH": os.path.join(matrix.BUILD, "npm/node_modules"), "HOME": self.home, "LANG": "C.UTF-8",
                    "REQUESTS_CA_BUNDLE": root, "LEGO_CA_CERTIFICATES": root, "CURL_CA_BUNDLE": root,
                    "SSL_CERT_FILE": root, "NODE_EXTRA_CA_CERTS": root, "SSL_CERT_DIR": "/nonexistent"}

    def path(self, *parts):
        return os.path.join(self.home, *parts)

    def write(self, name, text, mode=0o644):
        with open(self.path(name), "w", encoding="utf-8") as f:
            f.write(text)
        os.chmod(self.path(name), mode)
        return self.path(name)

    def copy(self, file, name):
        return shutil.copy(file, self.path(name))

    def log(self):
        return self.server.log()

    def run(self, program, *args, check=True, **kw):
        done = self.once(program, *args, **kw)
        if check:
            assert done.returncode == 0, f"{program} {args}: {done.returncode}\n{done.stdout}\n{done.stderr}\n" \
                + self.log()[-2000:]
        return done

    def once(self, program, *args, env=None, stdin="", timeout=60):
        return subprocess.run([find_program(program), *map(str, args)], env={**self.env, **(env or {})}, cwd=self.home,
                              capture_output=True, input=stdin, text=True, timeout=timeout)

    def address(self, *names):
        """Names at an address of their own, where the client itself listens: va asks one port everywhere."""
        self.addresses += 1
        address = f"127.0.8.{self.addresses}"
        for name in names:
            self.server.names.set(name, a=[address])
        return address

    def openssl(self, *args):
        return self.run("openssl", *args).stdout

    def request(self, file, names, key):
        """A key file.key of openssl's kind of that name, and a request for it, file.csr."""
        make = {"Ed25519": ["ed25519"], "RSA": ["rsa:" + key.removeprefix("RSA-")]}.get(key.split("-")[0]) \
            or ["ec", "-pkeyopt", f"ec_paramgen_curve:{key}"]
        self.openssl("req", "-new", "-newkey", *make, "-nodes", "-keyout", self.path(file + ".key"), "-out",
                     self.path(file + ".csr"), "-subj", "/", "-addext",
                     "subjectAltName=" + ",".join(f"DNS:{name}" for name in names))
        return self.path(file + ".csr")

    def verify(self, certificate, names, kind=None, chain=None):
        """openssl's verdict on the file, its names or addresses, and its key; the serial."""
        leaf = load(certificate)
        addresses = [name for name in names if is_address(name)]
        for name in names:
            self.run("openssl", "verify", "-x509_strict", "-purpose", "sslserver",
                     "-verify_ip" if name in addresses else "-verify_hostname", name,
                     "-CAfile", self.ca_file, "-untrusted", chain or certificate, certificate)
        san = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        assert sorted(san.get_values_for_type(x509.DNSName)) == sorted(set(names) - set(addresses))
        assert sorted(map(str, san.get_values_for_type(x509.IPAddress))) == sorted(addresses)
        if kind:
            assert kind == key_name(leaf.public_key())
        return leaf.serial_number

    def revoked(self, certificate):
        """The reason in the CRL that the certificate names, None if it is not there; it lists within a second."""
        leaf = load(certificate)
        points = leaf.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
        end = time.monotonic() + 2
        while True:
            crl = x509.load_der_x509_crl(requests.get(points[0].full_name[0].value, timeout=10).content)
            entry = crl.get_revoked_certificate_by_serial_number(leaf.serial_number)
            if entry:
                reasons = [extension.value.reason.value for extension in entry.extensions]
                return reasons[0] if reasons else "unspecified"
            if time.monotonic() > end:
                return None
            time.sleep(0.05)


def is_address(name):
    try:
        return bool(ipaddress.ip_address(name))
    except ValueError:
        return False


class Pebble(harness.pebble.Pebble):
    """signet pebble as its users turn it up: it takes back so many good nonces of a hundred, sleeps before it validates,
    reuses half of the authorizations, and has chains of three with two alternate roots."""

    def __init__(self, names, responder, env):
        ports = types.SimpleNamespace(ports={"http01": responder.port, "tlsalpn01": responder.tls.port,
                                             "dns01": names.port})
        super().__init__("signet", types.SimpleNamespace(server=ports), host="0.0.0.0", env={
            "PEBBLE_WFE_NONCEREJECT": "20", "PEBBLE_AUTHZREUSE": "50", "PEBBLE_VA_NOSLEEP": "0",
            "PEBBLE_VA_SLEEPTIME": "3", "PEBBLE_CHAIN_LENGTH": "3", "PEBBLE_ALTERNATE_ROOTS": "2", **env})
        self.names, self.responder = names, responder
        self.ca_file = self.file("ca.pem", self.manage("/roots/0").content)


class PebbleShell(Shell):
    """The same against signet pebble. A client that gives up at the first, second or third refused nonce in a row is run
    again, as its user would: certbot's longest runs fail in four cases of ten, dehydrated's in four of five."""

    RUNS = 80

    def __init__(self, server, home):
        super().__init__(server, home)
        self.ca_file = server.ca_file

    def log(self):
        return self.server.log

    def once(self, program, *args, **kw):
        for _ in range(self.RUNS):
            before = len(self.log())
            done = super().once(program, *args, **kw)
            if done.returncode == 0 or "problem=badNonce" not in self.log()[before:]:
                break
        return done

    def revoked(self, certificate):
        status = self.server.manage(f"/cert-status-by-serial/{load(certificate).serial_number:x}").json()
        reasons = {0: "unspecified", 1: "keyCompromise", 4: "superseded"}
        return reasons[status.get("Reason", 0)] if status["Status"] == "Revoked" else None
