"""A web server on loopback that answers http-01 as a test says (RFC 8555, 8.3)."""
import os
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from .ports import free_port
from .tlsalpn import TlsAlpn

PREFIX = "/.well-known/acme-challenge/"


class Responder:
    """put(token, text) is the ordinary case. by_host[name] and by_path[path] are dicts that override it:
    {status, body, headers, delay, raw, drip}; or a function from the handler to such a dict."""

    def __init__(self, port=None, hosts=("127.0.0.1", "::1"), tls_port=None):
        self.port = port or free_port()
        self.tokens, self.by_host, self.by_path = {}, {}, {}
        self.webroot = None
        self.asked = []
        self.tls = TlsAlpn(hosts, tls_port)
        self._servers = []
        for host in hosts:
            try:
                server = _server(host, self.port)
            except OSError:
                if host == "127.0.0.1":
                    raise
                continue
            server.responder = self
            self._servers.append(server)
            threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()

    def keep(self):
        return dict(self.tokens), dict(self.by_host), dict(self.by_path), self.webroot, dict(self.tls.contexts)

    def put_back(self, kept):
        self.tokens, self.by_host, self.by_path, self.webroot, self.tls.contexts = kept

    def put(self, token, text):
        self.tokens[token] = text

    def close(self):
        self.tls.close()
        for server in self._servers:
            server.shutdown()
            server.server_close()

    def what(self, handler):
        host = handler.headers.get("Host", "").rsplit(":", 1)[0].lower()
        self.asked.append((host, handler.path, handler.client_address[0]))
        found = self.by_path.get(handler.path) or self.by_host.get(host)
        if callable(found):
            found = found(handler)
        if found is not None:
            return found
        token = handler.path[len(PREFIX):] if handler.path.startswith(PREFIX) else None
        if token in self.tokens:
            return {"body": self.tokens[token]}
        if self.webroot and token and "/" not in token:
            try:
                with open(os.path.join(self.webroot + PREFIX, token), encoding="ascii") as f:
                    return {"body": f.read()}
            except OSError:
                pass
        return {"status": 404, "body": "no such challenge\n"}


def _server(host, port):
    class Server(ThreadingHTTPServer):
        address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        daemon_threads = True
        request_queue_size = 1024

        def handle_error(self, request, client_address):
            """The validator hangs up when it has seen enough."""

    return Server((host, port), _Handler)


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        what = self.server.responder.what(self)
        time.sleep(what.get("delay", 0))
        if "raw" in what:
            self.wfile.write(what["raw"])
            self.close_connection = True
            return
        body = what.get("body", "")
        body = body.encode() if isinstance(body, str) else body
        self.send_response(what.get("status", 200))
        for name, value in what.get("headers", {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        for i in range(0, len(body), 1) if what.get("drip") else [0]:
            self.wfile.write(body[i:i + 1] if what.get("drip") else body)
            time.sleep(what.get("drip", 0))

    def log_message(self, *args):
        """Tests look at Responder.asked."""
