"""dns-01 by RFC 2136: certbot and lego change a zone of a real name server (Debian's Knot DNS), which signet asks."""
import base64
import os
import socket
import subprocess
import time

import pytest
from harness.ports import free_port
from matrix import row
from shell import find_program
from test_certbot import Certbot, key_flags
from test_lego import Lego

ZONE = "corp.test"
SECRET = base64.b64encode(os.urandom(32)).decode()


class Knot:
    def __init__(self, folder, program):
        self.port = free_port()
        self.address = f"127.0.0.1:{self.port}"
        os.mkdir(folder)
        with open(os.path.join(folder, f"{ZONE}.zone"), "w", encoding="ascii") as f:
            f.write(f"$ORIGIN {ZONE}.\n@ 60 SOA ns admin 1 60 60 60 60\n@ 60 NS ns\nns 60 A 127.0.0.1\n")
        config = os.path.join(folder, "knot.conf")
        with open(config, "w", encoding="ascii") as f:
            f.write(f"""
server:
  listen: 127.0.0.1@{self.port}
  rundir: {folder}
database:
  storage: {folder}
key:
  - id: update-key
    algorithm: hmac-sha256
    secret: {SECRET}
acl:
  - id: update
    key: update-key
    action: update
zone:
  - domain: {ZONE}
    storage: {folder}
    acl: update
""")
        self.process = subprocess.Popen([program, "-c", config], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        end = time.monotonic() + 10
        while not self._answers():
            assert self.process.poll() is None and time.monotonic() < end
            time.sleep(0.02)

    def _answers(self):
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
            return True
        except OSError:
            return False

    def close(self):
        self.process.terminate()
        self.process.wait(10)


@pytest.fixture
def knot(tmp_path):
    made = Knot(str(tmp_path / "knot"), find_program("knotd"))
    yield made
    made.close()


@pytest.fixture
def server(knot, make_server):
    """A CA that asks that name server about the zone."""
    return make_server({"va": {"zones": {ZONE: [knot.address]}}})


NAMES = [ZONE, f"*.{ZONE}", f"a.b.{ZONE}"]


@row("certbot", "dns-01", "three names, one a wildcard", "RSA-2048", "P-256", "by RFC 2136 (certbot-dns-rfc2136, Knot DNS)")
def test_certbot_rfc2136(shell, knot):
    certbot = Certbot(shell)
    credentials = shell.write("rfc2136.ini", f"dns_rfc2136_server = 127.0.0.1\ndns_rfc2136_port = {knot.port}\n"
                              f"dns_rfc2136_name = update-key\ndns_rfc2136_secret = {SECRET}\n"
                              "dns_rfc2136_algorithm = HMAC-SHA256\n", 0o600)
    certbot.certonly(*NAMES, how=["--dns-rfc2136", "--dns-rfc2136-credentials", credentials,
                                  "--dns-rfc2136-propagation-seconds", 0, *key_flags("P-256")])
    certbot.verify(NAMES, "P-256")


@row("lego", "dns-01", "three names, one a wildcard", also="by RFC 2136 (Knot DNS)")
def test_lego_rfc2136(shell, knot):
    lego = Lego(shell)
    lego("run", names=NAMES, how=["--dns", "rfc2136", "--dns.disable-cp", "--dns.resolvers", knot.address], env={
        "RFC2136_NAMESERVER": knot.address, "RFC2136_TSIG_ALGORITHM": "hmac-sha256.", "RFC2136_TSIG_KEY": "update-key",
        "RFC2136_TSIG_SECRET": SECRET, "RFC2136_TTL": "1", "RFC2136_POLLING_INTERVAL": "1",
        "RFC2136_SEQUENCE_INTERVAL": "1"})
    shell.verify(lego.file(ZONE), NAMES, "P-256")
