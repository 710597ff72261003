"""A signet of its own for the load generator, which is its DNS and web server too."""
import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))

from harness.ports import free_port  # noqa: E402
from harness.server import PROGRAM, Server  # noqa: E402

LOAD = os.path.join(os.path.dirname(PROGRAM), "tests/bench/load")


class Place:
    """Where the load generator will listen: what harness.server asks of its Names and its Responder."""

    def __init__(self, tls=True):
        self.port = free_port()
        self.tls = Place(tls=False) if tls else None
        self.address = f"127.0.0.1:{self.port}"
        self._servers = [None]


class Target:
    """directory, cacert, and the ports where the server under load looks for DNS, http-01 and tls-alpn-01."""

    def __init__(self, directory, cacert, dns_port, http_port, tls_port, pid):
        self.directory, self.cacert, self.pid = directory, cacert, pid
        self.dns_port, self.http_port, self.tls_port = dns_port, http_port, tls_port

    def start(self, *options):
        """The load generator as a process; its summary is JSON on standard output."""
        return subprocess.Popen(
            [LOAD, "--directory", self.directory, "--cacert", self.cacert, "--dns-port", str(self.dns_port),
             "--http-port", str(self.http_port), "--tls-port", str(self.tls_port), "--tree", str(self.pid),
             "--json", *map(str, options)],
            stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)

    def run(self, *options):
        """(exit code, summary)"""
        with self.start(*options) as process:
            return finish(process)


def finish(process):
    output = process.communicate()[0]
    return process.returncode, json.loads(output) if output.strip() else {}


class Signet(Target):
    def __init__(self, config=None):
        names, responder = Place(), Place()
        self.server = Server(names, responder, config)
        super().__init__(self.server.directory_url, self.server.root, names.port, responder.port,
                         responder.tls.port, self.server.process.pid)

    def close(self):
        self.server.close()
