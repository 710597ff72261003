"""TCP and UDP ports for servers under test, which no other test process on this machine is given meanwhile."""
import random
import socket

FIRST = 10000

_held = []      # a reservation lasts as long as its process


def _last():
    """Ports from there on may go to anybody's outgoing connection at any moment."""
    with open("/proc/sys/net/ipv4/ip_local_port_range", encoding="ascii") as f:
        return max(FIRST + 1000, int(f.read().split()[0]) - 1)


def _reserve(port):
    """The kernel keeps names in the abstract namespace apart, and forgets them when their process ends."""
    name = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        name.bind(f"\0signet-test-port-{port}")
    except OSError:
        name.close()
        return False
    _held.append(name)
    return True


def _is_free(port):
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        with socket.socket(socket.AF_INET, kind) as sock:
            try:
                sock.bind(("0.0.0.0", port))
            except OSError:
                return False
    return True


def free_port():
    """A port that nothing has, and that no call has given out, in this process or another that still runs."""
    while True:
        port = random.randint(FIRST, _last())
        if _reserve(port) and _is_free(port):
            return port
