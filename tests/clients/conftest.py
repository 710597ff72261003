"""What the client tests share: running a package's client as it is, and judging what it brought."""
import functools
import ipaddress
import os
import shutil
import subprocess
import time
import types

import harness.pebble
import matrix
import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from harness.server import Server

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

    def __init__(self, names, responder, refused=20):
        ports = types.SimpleNamespace(ports={"http01": responder.port, "tlsalpn01": responder.tls.port,
                                             "dns01": names.port})
        super().__init__("signet", types.SimpleNamespace(server=ports), env={
            "PEBBLE_WFE_NONCEREJECT": str(refused), "PEBBLE_AUTHZREUSE": "50", "PEBBLE_VA_NOSLEEP": "0",
            "PEBBLE_VA_SLEEPTIME": "3", "PEBBLE_CHAIN_LENGTH": "3", "PEBBLE_ALTERNATE_ROOTS": "2"})
        self.names, self.responder = names, responder
        self.ca_file = self.file("ca.pem", self.manage("/roots/0").content)


class PebbleShell(Shell):
    """The same against signet pebble. A client that gives up at the second or third refused nonce in a row is run
    again, as its user would: certbot's longest runs fail in four cases of ten."""

    RUNS = 12

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


@pytest.fixture(scope="session", params=[*matrix.MODES, "pebble, all nonces good"])
def mode(request):
    return request.param


@pytest.fixture(scope="session")
def server(mode, names, responder):
    """One for all tests, in each mode."""
    made = {"private": Server, "pebble": Pebble}.get(mode, functools.partial(Pebble, refused=0))(names, responder)
    yield made
    code, log = made.stop(), made.log if isinstance(made, Pebble) else made.log()
    made.close()
    assert code == 0
    assert "role died" not in log, log[-6000:]


@pytest.fixture
def shell(server, tmp_path):
    made = (PebbleShell if isinstance(server, Pebble) else Shell)(server, tmp_path)
    server.responder.webroot = made.webroot
    yield made
    server.responder.webroot = None


# name and value: certbot by its environment; lego "present NAME. VALUE"; dehydrated "deploy_challenge NAME FILE VALUE";
# uacme "begin TYPE NAME TOKEN VALUE", which asks the hook whether it takes the type.
HOOK = """#!/bin/sh
cd {folder} || exit 1
case "$1" in
"") [ -n "$CERTBOT_DOMAIN" ] && echo "$CERTBOT_VALIDATION" >> "_acme-challenge.$CERTBOT_DOMAIN" ;;
present) echo "$3" >> "${{2%.}}" ;;
deploy_challenge) echo "$4" >> "_acme-challenge.$2" ;;
begin) [ "$2" = dns-01 ] && echo "$5" >> "_acme-challenge.$3" ;;
esac
"""


@pytest.fixture
def hook(names, shell):
    """A dns-01 hook for every client: it appends a line to a file of the name server."""
    names.folder = shell.path("zone")
    os.mkdir(names.folder)
    yield shell.write("hook", HOOK.format(folder=names.folder), 0o755)
    names.folder = None


# --- the table -------------------------------------------------------------------------------------


def pytest_addoption(parser):
    parser.addoption("--clients-table", metavar="FILE", help="with --collect-only: writes the table of clients there")


def pytest_configure(config):
    config.addinivalue_line("markers", "client(...): the test's row in the table of clients")
    config.addinivalue_line("markers", "private: not against signet pebble, for the client's own fault")


def mode_of(item):
    return item.callspec.params.get("mode", "private") if hasattr(item, "callspec") else "private"


def is_for(mode, found, item):
    """Whether the row is run in that mode; a test without a row is about the CA's own words."""
    if mode == "private":
        return True
    if found is None or found[0] in matrix.WANTS_TOKEN or item.get_closest_marker("private"):
        return False
    return (found[0] in matrix.GIVES_UP) == (mode not in matrix.MODES)


def pytest_collection_modifyitems(config, items):
    """Against signet pebble, each way of a client to get a certificate is gone once, with one kind of key."""
    seen, dropped = set(), []
    for item in items:
        found = matrix.row_of(item)
        way = found and mode_of(item) != "private" and (*found[:3], found[5])
        if not is_for(mode_of(item), found, item) or way in seen:
            dropped.append(item)
        elif way:
            seen.add(way)
        # the row travels with the test's reports, so that it arrives whichever process ran the test
        if found:
            item.user_properties.append(("client", (mode_of(item).split(",")[0], *found)))
    items[:] = [item for item in items if item not in dropped]
    config.hook.pytest_deselected(items=dropped)


def pytest_collection_finish(session):
    file = session.config.getoption("--clients-table")
    if file:
        matrix.document([(mode_of(item).split(",")[0], matrix.row_of(item)) for item in session.items if matrix.row_of(item)], file)


def pytest_terminal_summary(terminalreporter):
    results = {}
    for outcome, result in (("passed", "ok"), ("failed", "FAILED"), ("error", "FAILED")):
        for report in terminalreporter.stats.get(outcome, []):
            found = dict(getattr(report, "user_properties", [])).get("client")
            if found:
                results.setdefault(tuple(found[1:]), {})[found[0]] = result
    if not results:
        return
    versions = {client: matrix.version(client) for client in {row[0] for row in results}}
    lines = [(matrix.HEAD[0], "version", *matrix.HEAD[1:], *matrix.MODES)]
    lines += sorted((row[0], versions[row[0]], *row[1:], *(of.get(mode, "-") for mode in matrix.MODES))
                    for row, of in results.items())
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    terminalreporter.section("clients")
    for line in lines:
        terminalreporter.write_line("  ".join(text.ljust(width) for text, width in zip(line, widths)).rstrip())
