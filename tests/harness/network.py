"""Several hosts on one machine: network namespaces on one wire, made by a test and gone with it.

    with Network() as net:
        ca = net.host("ca", "10.7.0.1/24", "fd07::1/64")
        web = net.host("web", "10.7.0.2/24")
        with ca:                        # this thread is on that host: sockets, processes, Server(), Client()
            server = Server(names, responder, {...})
        with web:
            responder = Responder(80, hosts=["10.7.0.2"])
        net.cut(web)                    # the cable is out; net.mend(web) puts it back
        web.run("ip", "-4", "route")    # a command there; AssertionError with its output when it fails

What holds: a host has lo and eth0, with the given addresses and without any other route than to their networks (add
them by host.run("ip", "route", "add", ...)); nothing reaches the machine's own network; addresses can be used at once.
A socket stays on the host where it was made, whatever thread uses it later, so servers of tests/harness that are made
inside `with host:` answer there from threads that are elsewhere; but a thread that makes sockets itself (a client) must
enter the host, too. `with` nests, and is for each thread its own. Hosts live as long as this process at the most: a
holder process keeps each namespace, and ends when this one does, however it ends.

Needs root (CAP_SYS_ADMIN and CAP_NET_ADMIN): use the mark `needs_network`, which skips a test elsewhere.
"""
import ctypes
import os
import subprocess
import threading
import time

import pytest

CLONE_NEWNET = 0x40000000

_libc = ctypes.CDLL(None, use_errno=True)


def possible():
    """Whether namespaces can be made here."""
    return subprocess.run(["unshare", "--net", "ip", "link", "add", "dummy0", "type", "veth"], capture_output=True,
                          check=False).returncode == 0


needs_network = pytest.mark.skipif(not possible(), reason="needs root, to make network namespaces")


def enter(fd):
    """This thread is from now on where that namespace's file says."""
    if _libc.setns(fd, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


class Host:
    """One of Network.host(). name: what it is called, addresses: with their prefixes."""

    def __init__(self, name, addresses=()):
        self.name, self.addresses = name, addresses
        self._before = threading.local()
        # cat ends when its standard input does: at the latest with this process
        self._holder = subprocess.Popen(["unshare", "--net", "sh", "-c", "echo there; exec cat"],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self._holder.stdout.readline() == b"there\n"
        self.pid = self._holder.pid
        self._fd = os.open(f"/proc/{self.pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)

    def __enter__(self):
        stack = self._before.__dict__.setdefault("stack", [])
        stack.append(os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC))
        enter(self._fd)
        return self

    def __exit__(self, *_):
        fd = self._before.stack.pop()
        enter(fd)
        os.close(fd)

    def run(self, *args, check=True):
        """A command on this host, to its end: what it printed."""
        with self:
            done = subprocess.run(args, capture_output=True, text=True, timeout=60, check=False)
        if check and done.returncode != 0:
            raise AssertionError(f"{args} on {self.name}: {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done.stdout

    def popen(self, *args, **kw):
        """A process on this host, which the test ends."""
        with self:
            return subprocess.Popen(args, **kw)

    def close(self):
        os.close(self._fd)
        self._holder.stdin.close()
        self._holder.wait(10)
        self._holder.stdout.close()


class Network:
    """The wire, and all that hang on it. A context manager."""

    def __init__(self):
        self._wire = Host("wire")
        self._wire.run("ip", "link", "add", "br0", "type", "bridge", "forward_delay", "0")
        self._wire.run("ip", "link", "set", "br0", "up")
        self.hosts = []

    def host(self, name, *addresses):
        """Another one, on the wire at once. addresses: "10.7.0.2/24", "fd07::2/64"; of one network, or else it has
        no way to the others."""
        made, port = Host(name, addresses), f"p{len(self.hosts)}"
        self.hosts.append(made)
        self._wire.run("ip", "link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", str(made.pid))
        self._wire.run("ip", "link", "set", port, "master", "br0", "up")
        made.run("ip", "link", "set", "lo", "up")
        made.run("ip", "link", "set", "eth0", "up")
        for address in addresses:
            made.run("ip", "address", "add", address, "dev", "eth0", *(["nodad"] if ":" in address else []))
        return made

    def cut(self, host):
        self._wire.run("ip", "link", "set", f"p{self.hosts.index(host)}", "down")

    def mend(self, host):
        port = f"p{self.hosts.index(host)}"
        self._wire.run("ip", "link", "set", port, "up")
        while "forwarding" not in self._wire.run("ip", "-d", "link", "show", port):
            time.sleep(0.01)
        for other in self.hosts:        # who was not there is remembered for a second
            other.run("ip", "neighbour", "flush", "all")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """What runs there still loses its network's other end; end it before."""
        for host in self.hosts:
            host.close()
        self._wire.close()
