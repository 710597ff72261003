"""What the client tests share: running a Debian package's client as it is, and judging what it brought."""
import os
import shutil
import subprocess

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa

class Shell:
    """Runs one client in a home of its own, trusting the test CA's root in every way clients know."""

    def __init__(self, server, home):
        self.server, self.home = server, str(home)
        self.webroot = os.path.join(self.home, "webroot")
        self.challenges = os.path.join(self.webroot, ".well-known/acme-challenge")
        os.makedirs(self.challenges)
        root = server.root
        self.env = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": self.home, "LANG": "C.UTF-8",
                    "REQUESTS_CA_BUNDLE": root, "LEGO_CA_CERTIFICATES": root, "CURL_CA_BUNDLE": root,
                    "SSL_CERT_FILE": root, "SSL_CERT_DIR": "/nonexistent"}

    def path(self, *parts):
        return os.path.join(self.home, *parts)

    def run(self, program, *args, check=True, env=None):
        """A missing client is a failure: the packages are part of what the tests need."""
        assert shutil.which(program, path=self.env["PATH"]), f"{program} is missing: apt install it"
        done = subprocess.run([program, *map(str, args)], env={**self.env, **(env or {})}, cwd=self.home,
                              capture_output=True, text=True, timeout=60)
        if check:
            assert done.returncode == 0, f"{program} {args}: {done.returncode}\n{done.stdout}\n{done.stderr}\n" \
                + self.server.log()[-2000:]
        return done

    def openssl(self, *args):
        return self.run("openssl", *args).stdout

    def verify(self, certificate, names, kind=None, chain=None):
        """openssl's verdict on the file, its names and its key; the serial."""
        with open(certificate, "rb") as f:
            leaf = x509.load_pem_x509_certificate(f.read())
        for name in names:
            self.run("openssl", "verify", "-x509_strict", "-purpose", "sslserver", "-verify_hostname", name,
                     "-CAfile", self.server.root, "-untrusted", chain or certificate, certificate)
        san = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        assert sorted(san.get_values_for_type(x509.DNSName)) == sorted(names)
        if kind:
            assert kind == key_name(leaf.public_key())
        return leaf.serial_number


def key_name(key):
    if isinstance(key, ec.EllipticCurvePublicKey):
        return {"secp256r1": "P-256", "secp384r1": "P-384"}[key.curve.name]
    assert isinstance(key, rsa.RSAPublicKey)
    return f"RSA-{key.key_size}"


@pytest.fixture
def shell(server, tmp_path):
    made = Shell(server, tmp_path)
    server.responder.webroot = made.webroot
    yield made
    server.responder.webroot = None


@pytest.fixture
def record(record_property):
    """record(client, version, account key, certificate key, what): a row of the table at the end. It travels with the
    test's report, so that it comes from whichever process ran the test."""
    def add(*row):
        record_property("client", row)
    return add


def pytest_terminal_summary(terminalreporter):
    head = ("client", "version", "account key", "certificate key", "what", "result")
    rows = []
    for outcome in ("passed", "failed"):
        for report in terminalreporter.stats.get(outcome, []):
            rows += [(*row, "ok" if outcome == "passed" else "FAILED")
                     for name, row in report.user_properties if name == "client" and report.when == "call"]
    if not rows:
        return
    rows = [head] + sorted(rows)
    widths = [max(len(row[i]) for row in rows) for i in range(len(head))]
    terminalreporter.section("clients")
    for row in rows:
        terminalreporter.write_line("  ".join(text.ljust(width) for text, width in zip(row, widths)).rstrip())
