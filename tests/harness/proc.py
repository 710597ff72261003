"""What the kernel says about a process."""
import os


def status(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        return dict(line.rstrip("\n").split(":\t", 1) for line in f if ":\t" in line)


def descriptors(pid):
    """{number: target} of the open ones."""
    found = {}
    for name in os.listdir(f"/proc/{pid}/fd"):
        try:
            found[int(name)] = os.readlink(f"/proc/{pid}/fd/{name}")
        except FileNotFoundError:
            pass
    return found


def internet_inodes():
    """The socket inodes of all TCP, UDP and raw sockets."""
    found = set()
    for table in ("tcp", "tcp6", "udp", "udp6", "raw", "raw6"):
        try:
            with open(f"/proc/net/{table}", encoding="ascii") as f:
                found.update(line.split()[9] for line in f.readlines()[1:])
        except FileNotFoundError:
            pass
    return found


def internet_sockets(pid):
    inodes = internet_inodes()
    return [number for number, target in descriptors(pid).items()
            if target.startswith("socket:[") and target[8:-1] in inodes]


def named_sockets(pid):
    """The names of its Unix sockets that have one, as they were given to bind()."""
    with open("/proc/net/unix", encoding="utf-8") as f:
        names = {line.split()[6]: line.split()[7] for line in f.readlines()[1:] if len(line.split()) > 7}
    return [names[target[8:-1]] for target in descriptors(pid).values()
            if target.startswith("socket:[") and target[8:-1] in names]


def tasks(pid):
    return [int(name) for name in os.listdir(f"/proc/{pid}/task")]
