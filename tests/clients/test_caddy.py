"""Caddy (Debian): a web server that gets its certificates by itself, by http-01 and tls-alpn-01."""
import os
import socket
import ssl
import subprocess
import time

import pytest
from cryptography import x509
from matrix import row
from shell import find_program, key_name

ONLY = {"http-01": "disable_tlsalpn_challenge", "tls-alpn-01": "disable_http_challenge"}


class Caddy:
    """Listens where the CA asks, on an address of its own."""

    def __init__(self, shell):
        self.shell, self.process = shell, None

    def start(self, address, options, sites):
        """Global options, and the rest of the Caddyfile."""
        shell, ports = self.shell, self.shell.server.responder
        self.at = (address, ports.tls.port)
        file = shell.write("Caddyfile", f"{{\nadmin off\nhttp_port {ports.port}\nhttps_port {ports.tls.port}\n"
                           f"default_bind {address}\n{options}\n}}\n{sites}\n")
        with open(shell.path("log"), "ab") as log:
            self.process = subprocess.Popen(
                [find_program("caddy"), "run", "--config", file], stdout=log, stderr=log, cwd=shell.home,
                env={**shell.env, "XDG_DATA_HOME": shell.path("data"), "XDG_CONFIG_HOME": shell.path("config")})

    def certificate(self, name, timeout=30):
        """The leaf that it serves for that name, proven with the CA's root; waits until it has one."""
        end = time.monotonic() + timeout
        while True:
            try:
                return self._certificate(name)
            except (OSError, ssl.SSLError) as error:
                if time.monotonic() > end or self.process.poll() is not None:
                    with open(self.shell.path("log"), encoding="utf-8") as f:
                        raise AssertionError(f"{error}\n{f.read()[-4000:]}") from error
                time.sleep(0.05)

    def _certificate(self, name):
        context = ssl.create_default_context(cafile=self.shell.ca_file)
        with socket.create_connection(self.at, 5) as sock, context.wrap_socket(sock, server_hostname=name) as tls:
            return x509.load_der_x509_certificate(tls.getpeercert(True))

    def stop(self):
        if self.process:
            self.process.terminate()
            self.process.wait(10)
            self.process = None


@pytest.fixture
def caddy(shell):
    made = Caddy(shell)
    yield made
    made.stop()


def options(shell, *more):
    return "\n".join([f"acme_ca {shell.server.directory_url}", f"acme_ca_root {shell.server.root}", *more])


@pytest.mark.parametrize("challenge, kind", [
    pytest.param(challenge, kind, marks=row("Caddy", challenge, "two names, one internationalised", "P-256", kind))
    for challenge, kind in (("http-01", "P-256"), ("http-01", "RSA-2048"), ("tls-alpn-01", "P-384"),
                            ("tls-alpn-01", "Ed25519"))])
def test_caddy(caddy, challenge, kind):
    """It takes one certificate per name."""
    names = ["caddy.test", "xn--bcher-kva.caddy.test"]
    shell, address = caddy.shell, caddy.shell.address(*names)
    caddy.start(address, options(shell, f"key_type {kind.replace('-', '').lower()}"),
                f"caddy.test, bücher.caddy.test {{\nrespond hello\ntls {{\nissuer acme {{\n{ONLY[challenge]}\n}}\n}}\n}}")
    for name in names:
        leaf = caddy.certificate(name)
        san = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        assert san.get_values_for_type(x509.DNSName) == [name] and key_name(leaf.public_key()) == kind
