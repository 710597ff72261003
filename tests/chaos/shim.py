"""The file by which tests/chaos/faults.c is told what shall fail: struct faults of faults.h."""
import mmap
import os
import struct

SYNC, WRITE, ALLOC = range(3)
CALLS = {"sync": SYNC, "write": WRITE, "alloc": ALLOC}
LAYOUT = "<8sIIQQ3QQq"
ROLE, CALL, ERROR, FROM, TO, COUNTS, FAILED, CLOCK = 0, 8, 12, 16, 24, 32, 56, 64
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
