"""Pebble: ours, or Debian's 2.4.0, on ports of its own, beside a challenge test server of ours that it asks."""
import json
import os
import re
import shutil
import subprocess
import tempfile
import time

import requests

from .acme import URN, Client
from .challtestsrv import Challtestsrv, ours
from .keys import Key
from .ports import free_port
from .server import PROGRAM, SLOW
from .tlsalpn import certificate

ORACLE = shutil.which("pebble", path="/usr/bin:/bin")
# What makes it predictable: the tests of chance and sleep set their own.
CALM = {"PEBBLE_WFE_NONCEREJECT": "0", "PEBBLE_VA_NOSLEEP": "1", "PEBBLE_AUTHZREUSE": "0"}


def is_there():
    """Whether this build has the command."""
    return re.search(r"^  pebble\s", subprocess.run([PROGRAM, "--help"], capture_output=True, text=True).stdout, re.M)


def program(kind):
    return {"signet": [PROGRAM, "pebble"], "debian": [ORACLE],
            "newest": [os.path.join(os.environ.get("PEBBLE_NEWEST", ""), "pebble")]}[kind]


class Challenges:
    """The challenge test server, with the faces that acme.Client knows: responder, responder.tls and names."""

    def __init__(self):
        # Pebble asks for AAAA first, so at ::1 too.
        self.server = Challtestsrv(ours(), **{name: f":{free_port()}" for name in ("http01", "https01", "tlsalpn01")})
        self.tls = self

    def put(self, what, text):
        if "." in what or ":" in what:
            self.server.tell("/add-tlsalpn01", host=what, content=text)
        else:
            self.server.tell("/add-http01", token=what, content=text)

    def drop(self, token):
        """The token is served no longer."""
        self.server.tell("/del-http01", token=token)

    def txt(self, name, value):
        self.server.tell("/set-txt", host=name + ".", value=value)

    def close(self):
        self.server.close()


class Pebble:
    """host: what it listens at. config: what differs in the configuration's object; None takes a key out. env: beside
    CALM; args: further ones.
    text: the configuration file as it is, instead."""

    def __init__(self, kind, challenges, config=None, env=None, args=(), start=True, host="127.0.0.1"):
        self.kind, self.responder, self.names = kind, challenges, challenges
        self.dir = tempfile.mkdtemp(prefix="signet-pebble-")
        self.port, self.management_port = free_port(), free_port()
        self.directory_url = f"https://localhost:{self.port}/dir"
        self.root = self.file("cert.pem", certificate("localhost", "", key := Key(), identifier=False))
        self.file("key.pem", key.pem())
        ports = challenges.server.ports
        self.config = {
            "listenAddress": f"{host}:{self.port}", "managementListenAddress": f"127.0.0.1:{self.management_port}",
            "certificate": self.root, "privateKey": os.path.join(self.dir, "key.pem"),
            "httpPort": ports["http01"], "tlsPort": ports["tlsalpn01"], **(config or {})}
        self.config = {name: value for name, value in self.config.items() if value is not ...}
        self.env = {**{k: v for k, v in os.environ.items() if not k.startswith("PEBBLE_")}, **CALM, **(env or {})}
        self.args = ["-config", self.file("config.json", json.dumps({"pebble": self.config}).encode()),
                     "-dnsserver", f"127.0.0.1:{ports['dns01']}", *args]
        self.log_file = os.path.join(self.dir, "log")
        self.process = None
        self.http = requests.Session()
        self.http.trust_env, self.http.verify = False, self.root
        if start:
            self.start()

    def file(self, name, data):
        path = os.path.join(self.dir, name)
        with open(path, "wb") as f:
            f.write(data)
        return path

    def start(self, cwd=None, within=()):
        """within: words before the command line."""
        with open(self.log_file, "ab") as log:
            self.process = subprocess.Popen([*within, *program(self.kind), *self.args], env=self.env, cwd=cwd or self.dir,
                                            stdout=log, stderr=subprocess.STDOUT)
        self.wait_for("ACME directory available at:")
        end = time.monotonic() + 10 * SLOW
        while True:                                 # the older one says so before it listens
            try:
                return self.http.get(self.directory_url, timeout=10)
            except requests.ConnectionError:
                assert time.monotonic() < end, self.log
                time.sleep(0.01)

    @property
    def log(self):
        with open(self.log_file, encoding="utf-8", errors="replace") as f:
            return f.read()

    def wait_for(self, text, timeout=20 * SLOW):
        end = time.monotonic() + timeout
        while text not in self.log:
            assert self.process.poll() is None, self.log
            assert time.monotonic() < end, self.log
            time.sleep(0.01)

    def stop(self):
        self.process.terminate()
        return self.process.wait(20)

    def close(self):
        self.http.close()
        if self.process is not None and self.process.poll() is None:
            self.stop()
        shutil.rmtree(self.dir, ignore_errors=True)

    def url(self, path):
        return f"https://localhost:{self.port}{path}"

    def manage(self, path, method="GET", **kw):
        return self.http.request(method, f"https://localhost:{self.management_port}{path}", timeout=20, **kw)

    def account(self, _client):
        """What newAccount must say here besides what a test says."""
        return {}

    def client(self, key=None, **account):
        return Client(self, key, termsOfServiceAgreed=True, **account)

    def run(self, *args, cwd=None):
        """The program to its end: (status, output)."""
        done = subprocess.run([*program(self.kind), *args], env=self.env, cwd=cwd or self.dir, capture_output=True,
                              text=True, timeout=30)
        return done.returncode, done.stdout, done.stderr


def problem(reply, kind, status, detail=""):
    """That the answer is this problem document; the document."""
    assert reply.headers.get("Content-Type", "").startswith("application/problem+json"), (reply.status_code, reply.text)
    found = reply.json()
    assert (found["type"], reply.status_code, found["status"]) == (URN + kind, status, status), found
    assert detail in found.get("detail", ""), found
    return found
