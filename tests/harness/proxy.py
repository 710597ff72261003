"""A small proxy: SOCKS5 (RFC 1928, RFC 1929) or HTTP's CONNECT, which takes addresses only.

    with host:
        proxy = Proxy("socks5", host="10.7.0.9", port=1080, user=("me", "secret"))
    proxy.asked                     # [("10.7.0.2", 80), ...]: whom it was asked to connect to, in the client's own words
    proxy.reply = b"..."            # said in the place of its answer to the request, for hostile ones; then it hangs up

It connects from the host where it was made. close() ends it.
"""
import base64
import ipaddress
import os
import select
import socket
import threading

from .network import enter
from .ports import free_port

_ERRORS = {111: 5, 113: 4, 101: 3}       # ECONNREFUSED, EHOSTUNREACH, ENETUNREACH as RFC 1928, 6 numbers them


class Refused(Exception):
    """The client said something that isn't in the protocol, or has no leave."""


class Proxy:
    def __init__(self, kind, host="127.0.0.1", port=None, user=None):
        self.kind, self.user, self.reply, self.asked = kind, user, None, []
        self._home = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        self._listener = socket.create_server((host, port or free_port()))
        self.host, self.port = self._listener.getsockname()[:2]
        self.url = f"{'socks5' if kind == 'socks5' else 'http'}://" + (":".join(user) + "@" if user else "") + \
            f"{self.host}:{self.port}"
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _serve(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._talk, args=(client,), daemon=True).start()

    def _talk(self, client):
        enter(self._home)
        with client:
            client.settimeout(20)
            try:
                target = (self._socks if self.kind == "socks5" else self._http)(client)
                if target:
                    with target:
                        _pass(client, target)
            except (Refused, OSError, EOFError):
                pass

    def _connect(self, address, port):
        ipaddress.ip_address(address)       # a name would be ours to look up
        self.asked.append((address, port))
        return socket.create_connection((address, port), timeout=8)

    def _socks(self, client):
        version, count = _read(client, 2)
        methods = _read(client, count)
        method = 2 if self.user else 0
        if version != 5 or method not in methods:
            client.sendall(b"\x05\xff")
            raise Refused
        client.sendall(bytes([5, method]))
        if self.user:
            user = _read(client, _read(client, 2)[1]).decode()
            password = _read(client, _read(client, 1)[0]).decode()
            good = (user, password) == self.user
            client.sendall(b"\x01\x00" if good else b"\x01\x01")
            if not good:
                raise Refused
        version, command, zero, kind = _read(client, 4)
        if (version, command, zero) != (5, 1, 0) or kind not in (1, 4):
            client.sendall(b"\x05\x08\0\x01\0\0\0\0\0\0")
            raise Refused
        address = str(ipaddress.ip_address(_read(client, 4 if kind == 1 else 16)))
        port = int.from_bytes(_read(client, 2), "big")
        if self.reply is not None:
            client.sendall(self.reply)
            raise Refused
        try:
            target = self._connect(address, port)
        except OSError as e:
            client.sendall(bytes([5, _ERRORS.get(e.errno, 1)]) + b"\0\x01\0\0\0\0\0\0")
            raise
        client.sendall(b"\x05\0\0\x01\0\0\0\0\0\0")
        return target

    def _http(self, client):
        head = b""
        while b"\r\n\r\n" not in head:
            head += _read(client, 1)
        line, *headers = head.decode().split("\r\n")
        method, authority, _ = line.split(" ")
        if method != "CONNECT":
            client.sendall(b"HTTP/1.1 405 Method Not Allowed\r\n\r\n")
            raise Refused
        wanted = f"Basic {base64.b64encode(':'.join(self.user).encode()).decode()}" if self.user else None
        if wanted and f"Proxy-Authorization: {wanted}" not in headers:
            client.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\n\r\n")
            raise Refused
        if self.reply is not None:
            client.sendall(self.reply)
            raise Refused
        address, port = authority.rsplit(":", 1)
        try:
            target = self._connect(address.strip("[]"), int(port))
        except (OSError, ValueError):
            client.sendall(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")
            raise Refused from None
        client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        return target


def _read(sock, count):
    data = b""
    while len(data) < count:
        piece = sock.recv(count - len(data))
        if not piece:
            raise EOFError
        data += piece
    return data


def _pass(one, other):
    while True:
        for sock in select.select([one, other], [], [], 20)[0]:
            data = sock.recv(65536)
            if not data:
                return
            (other if sock is one else one).sendall(data)
