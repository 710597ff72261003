"""Apache's mod_md (Debian): a web server that gets its certificates by itself, and serves them after a reload."""
import os
import pwd
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import time

import pytest
from cryptography import x509
from matrix import row
from shell import find_program, key_name

MODULES = "/usr/lib/apache2/modules"
CONFIG = """
ServerRoot {home}
PidFile {home}/pid
Mutex file:{home}
DefaultRuntimeDir {home}
ErrorLog {home}/log
LogLevel warn md:debug
LoadModule mpm_event_module {modules}/mod_mpm_event.so
LoadModule authz_core_module {modules}/mod_authz_core.so
LoadModule ssl_module {modules}/mod_ssl.so
LoadModule md_module {modules}/mod_md.so
Listen {address}:{http}
Listen {address}:{https} https
ServerName {name}
DocumentRoot {home}
Protocols http/1.1 acme-tls/1
MDStoreDir {home}/md
MDCertificateAuthority {directory}
MDCACertificateFile {home}/root.pem
MDCertificateAgreement accepted
MDContactEmail admin@md.test
MDPortMap http:{http} https:{https}
MDRetryDelay 1s
MDPrivateKeys {key}
MDCAChallenges {challenge}
MDomain {names}
{more}
<VirtualHost {address}:{https}>
ServerName {name}
ServerAlias {aliases}
SSLEngine on
</VirtualHost>
"""
KEYS = {"P-256": "secp256r1", "P-384": "secp384r1", "P-521": "secp521r1", "RSA-2048": "RSA 2048", "RSA-3072": "RSA 3072", "RSA-4096": "RSA 4096"}


class Apache:
    """In the foreground, as a user without rights, in a folder that this user may reach."""

    def __init__(self, shell):
        self.shell, self.process = shell, None
        self.home = tempfile.mkdtemp(prefix="signet-apache-")
        self.become = []
        shutil.copy(shell.server.root, os.path.join(self.home, "root.pem"))
        if os.geteuid() == 0:
            user = pwd.getpwnam("www-data")
            os.chown(self.home, user.pw_uid, user.pw_gid)
            self.become = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]

    def configure(self, names, key, challenge, more=""):
        ports, address = self.shell.server.responder, self.at[0]
        file = os.path.join(self.home, "apache2.conf")
        with open(file, "w", encoding="utf-8") as f:
            f.write(CONFIG.format(
                home=self.home, modules=MODULES, address=address, http=ports.port, https=ports.tls.port, name=names[0],
                aliases=" ".join(names[1:]) or names[0], names=" ".join(names), key=KEYS[key], challenge=challenge,
                directory=self.shell.server.directory_url, more=more))
        return file

    def start(self, names, *args, **kw):
        self.at = (self.shell.address(*names), self.shell.server.responder.tls.port)
        file = self.configure(names, *args, **kw)
        self.process = subprocess.Popen([*self.become, find_program("apache2"), "-f", file, "-DFOREGROUND"],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, cwd=self.home)

    def log(self):
        try:
            with open(os.path.join(self.home, "log"), encoding="utf-8") as f:
                return f.read()
        except FileNotFoundError:
            return ""

    def wait(self, condition, timeout=150):
        end = time.monotonic() + timeout
        while not condition():
            assert self.process.poll() is None, self.process.stderr.read()
            assert time.monotonic() < end, self.log()[-4000:]
            time.sleep(0.05)

    def staged(self, name):
        """Whether a certificate waits for a reload."""
        folder = os.path.join(self.home, "md/staging", name)
        return os.path.isdir(folder) and any(file.startswith("pubcert") for file in os.listdir(folder)) and \
            "job.json" in os.listdir(folder) and '"finished": true' in open(os.path.join(folder, "job.json")).read()

    def activate(self, name, before=None):
        """Waits for a certificate, reloads, and waits until it is served in the place of before's."""
        self.wait(lambda: self.staged(name))
        self.reload()
        self.wait(lambda: self.certificate(name) not in (None, before))
        return self.certificate(name)

    def reload(self):
        self.process.send_signal(signal.SIGUSR1)

    def certificate(self, name):
        context = ssl.create_default_context(cafile=self.shell.ca_file)
        try:
            with socket.create_connection(self.at, 5) as sock, context.wrap_socket(sock, server_hostname=name) as tls:
                return x509.load_der_x509_certificate(tls.getpeercert(True))
        except OSError:
            return None

    def close(self):
        if self.process:
            self.process.terminate()
            self.process.communicate(timeout=20)
        shutil.rmtree(self.home)


@pytest.fixture
def apache(shell):
    made = Apache(shell)
    yield made
    made.close()


@pytest.mark.parametrize("challenge, kind", [
    pytest.param(challenge, kind, marks=row("mod_md", challenge, "three names, one internationalised", "RSA-3072", kind))
    for challenge, kind in (("http-01", "P-256"), ("http-01", "P-521"), ("http-01", "RSA-3072"), ("tls-alpn-01", "P-384"),
                            ("tls-alpn-01", "RSA-2048"), ("tls-alpn-01", "RSA-4096"))])
def test_mod_md(apache, challenge, kind):
    names = ["md.test", "www.md.test", "xn--bcher-kva.md.test"]
    apache.start(names, kind, challenge)
    apache.activate(names[0])
    leaf = apache.certificate(names[2])
    san = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert sorted(san.get_values_for_type(x509.DNSName)) == names and key_name(leaf.public_key()) == kind


@row("mod_md", "http-01", "one name", "RSA-3072", "P-256", "renewal")
def test_mod_md_renewal(apache):
    name = "renewal.md.test"
    apache.start([name], "P-256", "http-01")
    first = apache.activate(name)
    apache.configure([name], "P-256", "http-01", more="MDRenewWindow 365d")
    apache.reload()
    assert apache.activate(name, first).serial_number != first.serial_number


@row("mod_md", "dns-01", "two names, one a wildcard", "RSA-3072", "P-256", "by a hook")
def test_mod_md_dns(apache):
    """Its hook is told: setup NAME VALUE, teardown NAME."""
    names, shell = ["dns.md.test", "*.dns.md.test"], apache.shell
    shell.server.names.folder = apache.home
    hook = os.path.join(apache.home, "hook")
    with open(hook, "w", encoding="ascii") as f:
        f.write(f"""#!/bin/sh\n[ "$1" = setup ] && echo "$3" >> "{apache.home}/_acme-challenge.$2"\nexit 0\n""")
    os.chmod(hook, 0o755)
    try:
        apache.start(names, "P-256", "dns-01", more=f"MDChallengeDns01 {hook}")
        leaf = apache.activate(names[0])
    finally:
        shell.server.names.folder = None
    san = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert sorted(san.get_values_for_type(x509.DNSName)) == sorted(names)


def test_mod_md_takes_addresses_for_names(apache):
    """It orders a DNS name; what the CA says to that stands in its log."""
    apache.start([apache.shell.address()], "P-256", "http-01")
    apache.wait(lambda: "is an IP address, not a DNS name; use the identifier type" in apache.log())
