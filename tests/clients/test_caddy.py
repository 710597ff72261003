"""Caddy (Debian): a web server that gets its certificates by itself, by http-01 and tls-alpn-01."""
import json
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

    def start(self, address, options, sites, **policy):
        """Global options, and the rest of the Caddyfile. policy: what that has no words for, in Caddy's JSON."""
        shell, ports = self.shell, self.shell.server.responder
        self.at = (address, ports.tls.port)
        file = shell.write("Caddyfile", f"{{\nadmin off\nhttp_port {ports.port}\nhttps_port {ports.tls.port}\n"
                           f"default_bind {address}\n{options}\n}}\n{sites}\n")
        if policy:
            config = json.loads(shell.run("caddy", "adapt", "--config", file).stdout)
            for one in config["apps"]["tls"]["automation"]["policies"]:
                one.update(policy)
            file = shell.write("caddy.json", json.dumps(config))
        with open(shell.path("log"), "ab") as log:
            self.process = subprocess.Popen(
                [find_program("caddy"), "run", "--config", file], stdout=log, stderr=log, cwd=shell.home,
                env={**shell.env, "XDG_DATA_HOME": shell.path("data"), "XDG_CONFIG_HOME": shell.path("config")})

    def certificate(self, name, timeout=150):
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

    @staticmethod
    def wait(condition, timeout=150):
        """It gives up at the third refused nonce in a row, and tries again after a minute, then after two."""
        end = time.monotonic() + timeout
        while not condition():
            assert time.monotonic() < end
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
    for challenge, kind in (("http-01", "P-256"), ("http-01", "RSA-2048"), ("http-01", "RSA-4096"),
                            ("tls-alpn-01", "P-384"), ("tls-alpn-01", "Ed25519"))])
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


@row("Caddy", "http-01", "one name", "P-256", "P-256", "renewal")
def test_caddy_renewal(caddy):
    """By itself, once the certificate is in its window: here its whole life but the first hundredth of a second. Caddy looks
    when it starts, and then after ten minutes."""
    name = "renewal.caddy.test"
    address, site = caddy.shell.address(name), f"{name} {{\nrespond hello\ntls {{\nissuer acme\n}}\n}}"
    caddy.start(address, options(caddy.shell), site)
    first = caddy.certificate(name)
    caddy.stop()
    caddy.start(address, options(caddy.shell), site, renewal_window_ratio=0.999999999)
    caddy.wait(lambda: caddy.certificate(name).serial_number != first.serial_number)


def start_at_address(caddy, challenge):
    address = caddy.shell.address()
    caddy.start(address, options(caddy.shell, f"default_sni {address}"),
                f"https://{address} {{\nrespond hello\ntls {{\nissuer acme {{\n{ONLY[challenge]}\n}}\n}}\n}}")
    return address


@row("Caddy", "http-01", "an IPv4 address")
def test_caddy_address(caddy):
    """RFC 8738."""
    address = start_at_address(caddy, "http-01")
    leaf = caddy.certificate(address)
    san = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [*map(str, san.get_values_for_type(x509.IPAddress))] == [address]


def test_caddy_tls_alpn_names_the_address(caddy):
    """As a dNSName; RFC 8738, 6 wants an iPAddress."""
    start_at_address(caddy, "tls-alpn-01")
    caddy.wait(lambda: "the certificate's SAN is not an iPAddress" in caddy.shell.log())
