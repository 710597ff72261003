"""Wires that can break: TCP and UDP from one port of loopback to another."""
import asyncio
import contextlib
import random
import socket
import struct
import threading

PIECE = 1 << 14
NOW = struct.pack("ii", 1, 0)       # SO_LINGER: closing is a reset


class Wires:
    """The event loop that all of them live in, in a thread of its own. A context manager."""

    def __init__(self):
        self.loop, self.made = asyncio.new_event_loop(), []
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.wait(self._end())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()

    async def _end(self):
        for wire in self.made:
            await wire.cut()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def wait(self, work):
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(30)

    def tcp(self, port, to, fate=lambda: (None, 0)):
        """From port to the port that to names. fate(): what happens to a new connection: (None, _), or ("reset" or
        "freeze", after so many bytes)."""
        return self._made(Tcp(port, to, fate))

    def udp(self, port, to):
        return self._made(Udp(port, to))

    def _made(self, wire):
        self.made.append(wire)
        self.wait(wire.mend())
        return wire

    @contextlib.contextmanager
    def broken(self, *wires, silent):
        """Nobody is there: what comes gets no answer, or a refusal."""
        for wire in wires:
            wire.silent = silent
            if not silent:
                self.wait(wire.cut())
        try:
            yield
        finally:
            for wire in wires:
                wire.silent = False
                if not silent:
                    self.wait(wire.mend())


class Tcp:
    def __init__(self, port, to, fate):
        self.port, self.to, self.fate = port, to, fate
        self.silent, self.server, self.open = False, None, set()
        self.met = {"reset": 0, "freeze": 0}

    async def mend(self):
        self.server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)

    async def cut(self):
        if self.server is not None:
            self.server.close()
        for writer in list(self.open):
            reset(writer)
        self.server = None

    async def _serve(self, reader, writer):
        if self.silent:
            await asyncio.sleep(3600)
        self.open.add(writer)
        other = None
        try:
            back, other = await asyncio.open_connection("127.0.0.1", self.to)
            left = Left(*self.fate())
            await asyncio.gather(self._copy(reader, other, left), self._copy(back, writer, left))
        except (OSError, Broken):
            pass
        finally:
            self.open.discard(writer)
            for one in (writer, other):
                if one is not None:
                    reset(one)

    async def _copy(self, reader, writer, left):
        while piece := await reader.read(PIECE):
            while self.silent:
                await asyncio.sleep(0.05)
            left.bytes -= len(piece)
            if left.bytes < 0 and left.end:
                self.met[left.end] += 1
                if left.end == "freeze":
                    await asyncio.sleep(3600)
                raise Broken
            writer.write(piece)
            await writer.drain()
        writer.write_eof() if writer.can_write_eof() else None


class Broken(Exception):
    pass


class Left:
    """What a connection has before it, both ways together."""

    def __init__(self, end, count):
        self.end, self.bytes = end, count


def reset(writer):
    with contextlib.suppress(OSError):
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NOW)
    writer.transport.abort()


class Udp(asyncio.DatagramProtocol):
    """Each question gets a socket of its own towards the other side."""

    def __init__(self, port, to):
        self.port, self.to, self.silent, self.transport = port, to, False, None

    async def mend(self):
        await asyncio.get_running_loop().create_datagram_endpoint(lambda: self, ("127.0.0.1", self.port))

    def connection_made(self, transport):
        self.transport = transport

    async def cut(self):
        if self.transport is not None:
            self.transport.abort()
        self.transport = None

    def datagram_received(self, data, address):
        if not self.silent:
            asyncio.get_running_loop().create_task(self._ask(data, address))

    async def _ask(self, data, address):
        loop = asyncio.get_running_loop()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.setblocking(False)
            sock.connect(("127.0.0.1", self.to))
            with contextlib.suppress(OSError, asyncio.TimeoutError):
                await loop.sock_sendall(sock, data)
                answer = await asyncio.wait_for(loop.sock_recv(sock, 65536), 5)
                if self.transport is not None and not self.silent:
                    self.transport.sendto(answer, address)


def fates(resets, freezes):
    """A fate(): of a thousand connections so many are reset, and so many stop half-way without a word."""
    def fate():
        n = random.randrange(1000)
        end = "reset" if n < resets else "freeze" if n < resets + freezes else None
        return end, random.randrange(12000)     # a handshake has 3 KiB, an issuance some 15
    return fate
