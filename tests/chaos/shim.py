"""The file by which tests/chaos/faults.c is told what shall fail: struct faults of faults.h."""
import mmap
import os
import struct

SYNC, WRITE = range(2)
CALLS = {"sync": SYNC, "write": WRITE}
SITES_MAX = 32768
LAYOUT = f"<8sIIQQ2QQqIIQ{SITES_MAX}Q"
ROLE, CALL, ERROR, FROM, TO, COUNTS, FAILED, CLOCK, TRACE, SITE, SITES = 0, 8, 12, 16, 24, 32, 48, 56, 64, 72, 80
FOR_EVER = 2 ** 63


class Shim:
    def __init__(self, folder):
        path = os.path.join(folder, "faults")
        with open(path, "wb") as f:
            f.write(bytes(struct.calcsize(LAYOUT)))
        with open(path, "r+b") as f:
            self.map = mmap.mmap(f.fileno(), struct.calcsize(LAYOUT))

    def _put(self, at, form, value):
        struct.pack_into("<" + form, self.map, at, value)

    def _get(self, at):
        return struct.unpack_from("<Q", self.map, at)[0]

    def count(self, role):
        """From now on the role's calls are counted, and none fails."""
        self._put(ERROR, "I", 0)
        self._put(TRACE, "I", 0)
        self._put(SITE, "Q", 0)
        self._put(ROLE, "8s", role.encode())
        for call in CALLS.values():
            self._put(COUNTS + 8 * call, "Q", 0)
        self._put(FAILED, "Q", 0)

    def counts(self, call):
        return self._get(COUNTS + 8 * CALLS[call])

    def fail(self, role, call, error, first, last=None):
        """The calls first to last of the role fail with error, the next one being 1."""
        self.count("")
        self._put(CALL, "I", CALLS[call])
        self._put(FROM, "Q", first)
        self._put(TO, "Q", first if last is None else last)
        self._put(ROLE, "8s", role.encode())
        self._put(ERROR, "I", error)

    def failed(self):
        return self._get(FAILED)

    def clock(self, seconds):
        """CLOCK_REALTIME of all roles is that much ahead."""
        self._put(CLOCK, "q", seconds)

    def trace(self, role):
        """From now on the places are noted from which the role asks for memory."""
        self.count("")
        self.map[SITES:SITES + 8 * SITES_MAX] = bytes(8 * SITES_MAX)
        self._put(TRACE, "I", 1)
        self._put(ROLE, "8s", role.encode())

    def sites(self):
        """Those that were noted."""
        return sorted(set(struct.unpack_from(f"<{SITES_MAX}Q", self.map, SITES)) - {0})

    def fail_site(self, role, site):
        """The role's next allocation there fails."""
        self.count("")
        self._put(SITE, "Q", site)
        self._put(ROLE, "8s", role.encode())
