#!/usr/bin/python3
"""Clients that mean harm, of one kind, from addresses of their own, until they are stopped (SIGTERM): then they say in
JSON how often the server answered what. They run at the lowest priority, so that they take only what the server and its
good clients leave of the processor, as on machines of their own: what is measured beside them is what the server does for
them. That is enough to fill it: before addresses took turns (wfe/turns.h) a flood had ten times as many answers."""
import argparse
import asyncio
import base64
import collections
import contextlib
import gzip
import itertools
import json
import os
import resource
import signal
import socket
import ssl
import struct
import sys
import time

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils

GATHER_SECONDS = 15     # until most have been in: handshakes by the thousand are an attack of another kind
SYN_SECONDS = 120       # a bound only: 100,000 packets take two, on a machine that has nothing else to do
JOSE = "application/jose+json"
HEADERS_1_MIB = b"".join(b"X-%04d: %s\r\n" % (i, b"a" * 1012) for i in range(1024))
CLIENT_HELLO_HALF = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(120)


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Key:
    def __init__(self):
        self.key = ec.generate_private_key(ec.SECP256R1())
        point = self.key.public_key().public_numbers()
        self.jwk = {"kty": "EC", "crv": "P-256", "x": b64(point.x.to_bytes(32, "big")),
                    "y": b64(point.y.to_bytes(32, "big"))}
        self.kid = None

    def sign(self, url, nonce, payload):
        head = {"alg": "ES256", "nonce": nonce, "url": url}
        head.update({"kid": self.kid} if self.kid else {"jwk": self.jwk})
        protected, body = b64(json.dumps(head).encode()), b64(json.dumps(payload).encode())
        r, s = utils.decode_dss_signature(self.key.sign(f"{protected}.{body}".encode(), ec.ECDSA(hashes.SHA256())))
        return {"protected": protected, "payload": body,
                "signature": b64(r.to_bytes(32, "big") + s.to_bytes(32, "big"))}


class World:
    """Whom they attack, from where, and what came of it."""

    def __init__(self, options):
        self.from_one = options.source
        self.port, self.url = options.port, f"https://localhost:{options.port}"
        self.context = ssl.create_default_context(cafile=options.cacert)
        self.seen = collections.Counter()
        self.number = 0
        self.there = set()

    def source(self):
        """Another address of 127.1.0.0/16 each time, unless they are to share one: they are many."""
        if self.from_one:
            return self.from_one
        self.number += 1
        return f"127.1.{self.number // 250 % 250}.{self.number % 250 + 1}"


class Connection:
    """Kept open; a new one when the server has closed it."""

    def __init__(self, world, source):
        self.world, self.source, self.nonce, self.writer = world, source, None, None

    async def open(self, tls=True):
        self.reader, self.writer = await asyncio.open_connection(
            "127.0.0.1", self.world.port, local_addr=(self.source, 0), limit=1 << 20,
            **({"ssl": self.world.context, "server_hostname": "localhost"} if tls else {}))
        self.world.there.add(id(self))

    def close(self):
        if self.writer is not None:
            self.writer.transport.abort()
        self.writer = None

    async def exchange(self, data):
        """(status, headers, body)"""
        if self.writer is None:
            await self.open()
        self.writer.write(data)
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
        body = b"" if data.startswith(b"HEAD") else await self.reader.readexactly(int(headers.get("content-length", 0)))
        self.nonce = headers.get("replay-nonce", self.nonce)
        status = head[0].split()[1]
        self.world.seen[status] += 1
        if headers.get("connection") == "close":
            self.close()
        return int(status), headers, body

    async def get_nonce(self):
        if self.nonce is None:
            await self.exchange(request("HEAD", "/new-nonce"))
        nonce, self.nonce = self.nonce, None
        return nonce

    async def post(self, path, body, headers=""):
        return await self.exchange(request("POST", path, body if isinstance(body, bytes) else json.dumps(body).encode(),
                                           headers))

    async def signed(self, key, path, payload):
        return await self.post(path, key.sign(self.world.url + path, await self.get_nonce(), payload))

    async def account(self):
        key = Key()
        status, headers, _ = await self.signed(key, "/new-account", {})
        if status == 201:
            key.kid = headers["location"]
        return key


def request(method, path, body=b"", headers=""):
    framing = f"Content-Type: {JOSE}\r\nContent-Length: {len(body)}\r\n" if method == "POST" else ""
    return f"{method} {path} HTTP/1.1\r\nHost: localhost\r\n{framing}{headers}\r\n".encode() + body


# --- connections that are a burden ----------------------------------------------------------------------

async def slow_loris(c):
    """A request that never ends, a byte now and then."""
    await c.open()
    c.writer.write(b"POST /new-order HTTP/1.1\r\nHost: localhost\r\nX: ")
    while not c.reader.at_eof():
        c.writer.write(b"a")
        await c.writer.drain()
        c.world.seen["bytes"] += 1
        await asyncio.sleep(0.5)
    c.close()


async def slow_body(c):
    await c.open()
    c.writer.write(f"POST /new-order HTTP/1.1\r\nHost: localhost\r\nContent-Type: {JOSE}\r\n"
                   "Content-Length: 60000\r\n\r\n".encode())
    while not c.reader.at_eof():
        c.writer.write(b"a")
        await c.writer.drain()
        c.world.seen["bytes"] += 1
        await asyncio.sleep(0.5)
    c.close()


async def silent(c, data=b""):
    """TCP, and then no word of TLS; or half a word."""
    await c.open(tls=False)
    c.world.seen["opened"] += 1
    c.writer.write(data)
    await c.reader.read(1)
    c.world.seen["closed by the server"] += 1
    c.close()


async def half_hello(c):
    await silent(c, CLIENT_HELLO_HALF)


async def big_headers(c):
    """1 MiB of them."""
    await c.open()
    c.writer.write(b"GET /directory HTTP/1.1\r\nHost: localhost\r\n" + HEADERS_1_MIB + b"\r\n")
    answer = await c.reader.read(100)
    c.world.seen[answer.split()[1].decode() if answer.startswith(b"HTTP/") else "closed without a word"] += 1
    c.close()


# --- floods of requests ---------------------------------------------------------------------------------

async def new_nonce(c):
    await c.exchange(request("HEAD", "/new-nonce"))


async def new_account(c):
    await c.account()


async def new_order(c):
    if getattr(c, "key", None) is None:
        c.key = await c.account()
    c.world.number += 1
    await c.signed(c.key, "/new-order", {"identifiers": [{"type": "dns", "value": f"flood{c.world.number}.load.test"}]})


async def bad_signature(c):
    if getattr(c, "key", None) is None:
        c.key = await c.account()
    jws = c.key.sign(c.world.url + "/new-order", await c.get_nonce(), {"identifiers": []})
    await c.post("/new-order", {**jws, "payload": b64(b'{"identifiers":[{"type":"dns","value":"evil.test"}]}')})


async def replayed_nonce(c):
    """The same bytes again and again."""
    if getattr(c, "again", None) is None:
        key = await c.account()
        c.again = key.sign(c.world.url + "/new-order", await c.get_nonce(),
                           {"identifiers": [{"type": "dns", "value": "again.load.test"}]})
    await c.post("/new-order", c.again)


async def giant_json(c):
    """A signed request as long as is allowed, of very many members; and one that is too long."""
    if getattr(c, "key", None) is None:
        c.key = await c.account()
    many = {"identifiers": [{"type": "dns", "value": ""}] * 1300}
    await c.signed(c.key, "/new-order", many)
    await c.post("/new-order", b"[" + b"1," * (1 << 18) + b"1]")


NESTED = b"[" * 30000 + b"]" * 30000


async def deep_nesting(c):
    await c.post("/new-order", NESTED)
    await c.post("/new-order", {"protected": b64(NESTED[8000:-8000]), "payload": "", "signature": "AA"})


GZIP_BOMB = gzip.compress(bytes(20 << 20))     # 20 KiB on the wire


async def compressed(c):
    await c.post("/new-order", GZIP_BOMB, "Content-Encoding: gzip\r\n")


# --- half-open connections ------------------------------------------------------------------------------

SYN = bytes.fromhex("5002ffff00000000")       # five words of header, SYN, a window; checksum and urgent pointer follow


def ones_sum(data):
    return sum(struct.unpack(f"!{len(data) // 2}H", data))


def syn_packets(address, port):
    """TCP's first packet, each time from another of 2^16 addresses of the target's network, which nobody has: the
    answers get nowhere."""
    target = socket.inet_aton(address)
    for n in itertools.count():
        source = target[:2] + struct.pack("!H", 256 + n % 65000)
        tcp = struct.pack("!HHII", 1024 + n // 65000 % 60000, port, n * 7919 % (1 << 32), 0) + SYN
        total = ones_sum(source + target + struct.pack("!HH", socket.IPPROTO_TCP, len(tcp)) + tcp)
        while total >> 16:
            total = (total & 0xffff) + (total >> 16)
        ip = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(tcp), 0, 0, 64, socket.IPPROTO_TCP, 0) + source + target
        yield ip + tcp[:16] + struct.pack("!H", total ^ 0xffff) + tcp[18:]


async def half_open(world, address):
    """100,000 within some two seconds, and as many again and again."""
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as raw:
        for n, packet in enumerate(syn_packets(address, world.port)):
            try:
                raw.sendto(packet, (address, 0))
                world.seen["SYN"] += 1
            except OSError as error:
                world.seen[type(error).__name__] += 1
            if n % 1000 == 999:
                await asyncio.sleep(0.015)


# kind -> (what each connection does again and again, how many there are, what it may see)
CUT = {"OSError", "IncompleteReadError", "ConnectionResetError", "BrokenPipeError", "SSLError", "SSLZeroReturnError",
       "SSLEOFError", "ConnectionAbortedError"}
KINDS = {
    "slow-loris": (slow_loris, 1000, {"bytes", *CUT}),
    "slow-body": (slow_body, 1000, {"bytes", *CUT}),
    "silent": (silent, 6000, {"opened", "closed by the server", *CUT}),
    "half-hello": (half_hello, 6000, {"opened", "closed by the server", *CUT}),
    "big-headers": (big_headers, 16, {"431", "closed without a word", *CUT}),
    "new-nonce": (new_nonce, 64, {"200"}),
    "new-account": (new_account, 64, {"200", "201"}),
    "new-order": (new_order, 64, {"200", "201"}),
    "bad-signature": (bad_signature, 64, {"200", "201", "400"}),
    "replayed-nonce": (replayed_nonce, 64, {"200", "201", "400"}),
    "giant-json": (giant_json, 32, {"200", "201", "400", "413", *CUT}),
    "deep-nesting": (deep_nesting, 32, {"400"}),
    "compressed": (compressed, 32, {"415"}),
    "half-open": (half_open, 1, {"SYN"}),
}


async def one(world, work):
    connection = Connection(world, world.source())
    while True:
        try:
            await work(connection)
        except (OSError, ssl.SSLError, asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
            world.seen[type(error).__name__] += 1
            connection.close()
            connection.nonce = None
            await asyncio.sleep(0.05)


async def run(options):
    world, (work, count, _) = World(options), KINDS[options.kind]
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    if work is half_open:
        tasks, enough = [asyncio.create_task(half_open(world, options.address))], lambda: world.seen["SYN"] >= 100000
    else:
        tasks, enough = [asyncio.create_task(one(world, work)) for _ in range(count)], lambda: len(world.there) >= count
    until = time.monotonic() + (SYN_SECONDS if work is half_open else GATHER_SECONDS)
    while not enough() and time.monotonic() < until:
        await asyncio.sleep(0.05)
    print("attacking", flush=True)
    await stop.wait()
    print(json.dumps(world.seen), flush=True)
    for task in tasks:
        task.cancel()
    os._exit(0)     # thousands of connections end fastest with their process


def lowest_priority():
    """Where Linux shares the processor out among sessions first, theirs is one of its own."""
    os.setsid()
    os.nice(19)
    with contextlib.suppress(OSError), open("/proc/self/autogroup", "w", encoding="ascii") as group:
        group.write("19")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=KINDS)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--cacert", required=True)
    parser.add_argument("--source", help="the address of all of them")
    parser.add_argument("--address", default="127.0.0.1", help="of the server, for half-open connections")
    options = parser.parse_args()
    lowest_priority()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    asyncio.run(run(options))


if __name__ == "__main__":
    sys.exit(main())
