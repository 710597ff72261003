"""A challenge test server: ours, or Debian's pebble-challtestsrv, on ports of its own."""
import ipaddress
import os
import shutil
import socket
import ssl
import subprocess
import tempfile
import time

import requests
from dnslib import DNSRecord

from .ports import free_port
from .server import PROGRAM, SLOW

ORACLE = shutil.which("pebble-challtestsrv", path="/usr/bin:/bin")
LISTENERS = ("http01", "https01", "tlsalpn01", "dns01", "management")


class Challtestsrv:
    """program: a command line. listeners: those that are not the usual one on 127.0.0.1, by the flags' names; ""
    switches off. more: further arguments. names: flags that are called otherwise."""

    def __init__(self, program, more=(), names=None, **listeners):
        self.dir = tempfile.mkdtemp(prefix="signet-challtestsrv-")
        self.ports = {name: free_port() for name in LISTENERS}
        given = {name: f"127.0.0.1:{self.ports[name]}" for name in LISTENERS}
        given.update(listeners)
        self.ports.update({name: int(text.rsplit(":", 1)[1]) for name, text in listeners.items()
                           if text.rsplit(":", 1)[-1].isdigit()})
        self.log_file = os.path.join(self.dir, "log")
        with open(self.log_file, "wb") as log:
            self.process = subprocess.Popen(
                [*program, *(word for name, value in given.items() for word in (f"-{(names or {}).get(name, name)}", value)),
                 *more],
                stdout=log, stderr=subprocess.STDOUT)
        self.http = requests.Session()
        self.http.trust_env = False
        self.wait_for("Starting management server on")
        self.wait_until_open(self.ports["management"])

    @property
    def log(self):
        with open(self.log_file, encoding="utf-8") as f:
            return f.read()

    def wait_for(self, text, timeout=10 * SLOW):
        end = time.monotonic() + timeout
        while text not in self.log:
            assert self.process.poll() is None, self.log
            assert time.monotonic() < end, self.log
            time.sleep(0.01)

    def wait_until_open(self, port, timeout=10):
        """The older one says so before it is."""
        end = time.monotonic() + timeout
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 5).close()
                return
            except OSError:
                assert time.monotonic() < end, self.log
                time.sleep(0.01)

    def close(self):
        self.http.close()
        if self.process.poll() is None:
            self.process.terminate()
        status = self.process.wait(20)
        shutil.rmtree(self.dir, ignore_errors=True)
        return status

    def url(self, path, listener="management"):
        return f"{'https' if listener == 'https01' else 'http'}://127.0.0.1:{self.ports[listener]}{path}"

    def post(self, path, body=None, /, method="POST", **members):
        """To the management interface: body as it is, or the members as JSON."""
        if body is not None:
            return self.http.request(method, self.url(path), data=body, timeout=10)
        return self.http.request(method, self.url(path), json=members, timeout=10)

    def tell(self, path, /, **members):
        """The same, and it must go well, with an empty answer."""
        reply = self.post(path, **members)
        assert (reply.status_code, reply.text) == (200, ""), (path, reply.status_code, reply.text)

    def history(self, kind, host):
        reply = self.post(f"/{kind}-request-history", host=host)
        assert reply.status_code == 200, reply.text
        return reply.json()

    def get(self, path, listener="http01", **kw):
        """One request on a connection of its own."""
        kw = dict(timeout=10, verify=False, allow_redirects=False, **kw)
        return requests.request(kw.pop("method", "GET"), self.url(path, listener), **kw)

    def exchange(self, packet, tcp=False, host="127.0.0.1", timeout=10):
        """A DNS message there and back, as bytes; b"" when the connection was closed."""
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with socket.socket(family, socket.SOCK_STREAM if tcp else socket.SOCK_DGRAM) as sock:
            sock.settimeout(timeout)
            sock.connect((host, self.ports["dns01"]))
            if not tcp:
                sock.send(packet)
                return sock.recv(65535)
            sock.sendall(len(packet).to_bytes(2, "big") + packet)
            head = sock.recv(2, socket.MSG_WAITALL)
            return sock.recv(int.from_bytes(head, "big"), socket.MSG_WAITALL)

    def ask(self, name, kind, tcp=False):
        """The answer to a question, which must have its id, the flags of such answers, and the SOA record."""
        query = DNSRecord.question(name, kind)
        reply = DNSRecord.parse(self.exchange(query.pack(), tcp))
        assert reply.header.id == query.header.id
        assert (reply.header.bitmap & ~0xF) == 0x8100, hex(reply.header.bitmap)
        assert [str(q) for q in reply.questions] == [str(q) for q in query.questions]
        assert [str(r) for r in reply.auth] == [
            "challtestsrv.invalid.   0       IN      SOA     ns.challtestsrv.invalid. master.challtestsrv.invalid. "
            "1 1 1 1 1"]
        assert all(r.ttl == 0 for r in reply.rr) and not reply.ar
        return reply

    def answers(self, name, kind, tcp=False):
        """[(owner, type, data as text)] of an answer without error."""
        reply = self.ask(name, kind, tcp)
        assert reply.header.rcode == 0
        return [(str(r.rname), {1: "A", 5: "CNAME", 16: "TXT", 28: "AAAA", 257: "CAA"}[r.rtype], str(r.rdata))
                for r in reply.rr]

    def handshake(self, name, protocols=("acme-tls/1",), highest=ssl.TLSVersion.TLSv1_3):
        """The certificate in DER, or the ssl.SSLError."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode, context.maximum_version = False, ssl.CERT_NONE, highest
        if protocols:
            context.set_alpn_protocols(list(protocols))
        with socket.create_connection(("127.0.0.1", self.ports["tlsalpn01"]), 10) as sock:
            try:
                with context.wrap_socket(sock, server_hostname=name) as tls:
                    assert tls.selected_alpn_protocol() == "acme-tls/1"
                    assert tls.version() == {ssl.TLSVersion.TLSv1_2: "TLSv1.2"}.get(highest, "TLSv1.3")
                    assert tls.recv(1) == b"", "it says something after the handshake"
                    return tls.getpeercert(True)
            except ssl.SSLError as error:
                return error


def ours(as_link=None):
    """The command line; as_link: a folder, where a link by the other program's name is made."""
    if as_link is None:
        return [PROGRAM, "challtestsrv"]
    link = os.path.join(as_link, "pebble-challtestsrv")
    if not os.path.islink(link):
        os.symlink(PROGRAM, link)
    return [link]


def reverse(address):
    return ipaddress.ip_address(address).reverse_pointer
