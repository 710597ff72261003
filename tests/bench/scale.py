#!/usr/bin/python3
"""Whether a database of millions of certificates is as fast as one of a thousand: issuance and look-ups on both in turn,
the start, and a CRL of many entries beside issuances."""
import argparse
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import memory  # noqa: E402
import page  # noqa: E402
import populate  # noqa: E402
from signet import Signet  # noqa: E402
from cryptography import x509  # noqa: E402
from harness.acme import Client  # noqa: E402
from harness.keys import Key, b64, unb64  # noqa: E402
from harness.server import signet  # noqa: E402

import requests  # noqa: E402

SMALL = 1000
OWN = 1000              # certificates of the account that asks for them
BYTES_EACH = 4000       # on disk, all told
STARTS = 5
WORSE_MAX, START_MAX, CRL_MAX = 1.15, 300, 2.0


def parse():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--certificates", type=int, default=5000000)
    parser.add_argument("--revoked", type=int, default=100000)
    parser.add_argument("--issuances", type=int, default=600, help="of each round")
    parser.add_argument("--lookups", type=int, default=600, help="of each kind in each round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--dir", help="where the databases are made (a folder for temporary files)")
    parser.add_argument("--keep", metavar="FILE", help="put the tables between the marks in this page")
    return parser.parse_args()


def cpu_ms(pid):
    """What all threads of the process and of all below it have run, to the nanosecond; none of them ends meanwhile."""
    total = 0
    for one in memory.tree(pid):
        for task in os.listdir(f"/proc/{one}/task"):
            with open(f"/proc/{one}/task/{task}/schedstat", encoding="ascii") as f:
                total += int(f.read().split()[0])
    return total / 1e6


class World:
    """A server whose database holds count certificates, and an account that has OWN of them."""

    def __init__(self, count, revoked):
        self.target = Signet({"ra": {"policy": {"allow": ["*.load.test"]}}})
        self.server, self.count = self.target.server, count
        try:
            self._fill(count, revoked)
            # The one start that sums up the ledger's segments: a server does so as it fills them.
            self.start()
        except BaseException:
            self.close()
            raise

    def _fill(self, count, revoked):
        self.client = Client(self.server)
        code, summary = self.target.run("--issuances", 2)
        if code != 0:
            sys.exit(f"the first issuances failed: {summary.get('failures')}")
        self.issuer = x509.load_pem_x509_certificate(self._read("pki/intermediate.pem"))
        start = time.monotonic()
        self.server.stop()
        own = self._account_id()
        self.sample = populate.fill(self.server.home, count, revoked, own, max(1, count // OWN))
        os.sync()       # else the server's own syncs would write all of that
        self.filled = time.monotonic() - start
        self.size = sum(os.path.getsize(os.path.join(at, name)) for at, _, names in os.walk(self.server.home)
                        for name in names)

    def _read(self, name):
        with open(os.path.join(self.server.home, name), "rb") as f:
            return f.read()

    def _account_id(self):
        return unb64(self.client.kid.rsplit("/", 1)[1])

    def start(self):
        """Stops it if need be. The milliseconds until it was ready, as its log says."""
        if self.server.process.poll() is None:
            self.server.stop()
        since = len(self.server.log())
        self.server.start()
        self.target.pid = self.server.process.pid
        self.client = Client(self.server, key=self.client.key)
        return int(re.search(r" ready url=\S+ ms=(\d+)", self.server.log()[since:]).group(1))

    def renewal_url(self, serial):
        key_id = self.issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
        return f"{self.client.directory['renewalInfo']}/{b64(key_id)}.{b64(serial)}"

    def look_up(self, kind, n, fresh):
        """One request of that kind about the n-th of the sample."""
        serial, order = self.sample[n % len(self.sample)]
        if kind == "renewal information":
            reply, want = self.client.http.get(self.renewal_url(serial), timeout=30), 200
        elif kind == "certificate":
            reply, want = self.client.get(f"{self.server.url}/certificate/{b64(order)}"), 200
        else:
            # A key that nobody has: its thumbprint would stand anywhere in the index.
            self.client.key, kept = fresh[n % len(fresh)], self.client.key
            reply, want = self.client.post(self.client.directory["newAccount"], {"onlyReturnExisting": True},
                                           use_jwk=True), 400
            self.client.key = kept
        if reply.status_code != want:
            sys.exit(f"{kind}: {reply.status_code} {reply.text}")

    def close(self):
        self.target.close()


KINDS = ("renewal information", "certificate", "account by key")


def measure_round(world, options, turn, fresh, seen):
    """Adds (ms of server CPU, ms until the answer) to seen for an issuance and each kind of look-up."""
    code, summary = world.target.run("--clients", 8, "--issuances", options.issuances, "--timeout", 60)
    if code != 0:
        sys.exit(f"the load failed: {summary.get('failures')}")
    seen.setdefault("issuance", []).append((summary["server"]["cpu_ms"], summary["steps_ms"]["issuance"]["p50"]))
    for kind in KINDS:
        before, times = cpu_ms(world.target.pid), []
        for n in range(options.lookups):
            start = time.monotonic()
            world.look_up(kind, (turn * options.lookups + n) * 7919, fresh)
            times.append((time.monotonic() - start) * 1000)
        seen.setdefault(kind, []).append(((cpu_ms(world.target.pid) - before) / options.lookups,
                                          statistics.median(times)))


def compare(small, large, options):
    fresh, seen = [Key() for _ in range(200)], ({}, {})
    # What is looked up is read from the disk once: its speed is not the question here.
    for world in (small, large):
        for kind, count in zip(KINDS, (len(world.sample), len(world.sample), len(fresh))):
            for n in range(count):
                world.look_up(kind, n, fresh)
    for turn in range(options.rounds):
        for world, list_ in zip((small, large), seen):
            measure_round(world, options, turn, fresh, list_)
    rows = []
    for what in ("issuance", *KINDS):
        values = [[statistics.median(one[place] for one in list_[what]) for list_ in seen] for place in (0, 1)]
        ratios = [statistics.median(two[place] / one[place] for one, two in zip(seen[0][what], seen[1][what]))
                  for place in (0, 1)]
        rows.append([what, *(f"{v:.3f}" for v in values[0]), f"{ratios[0]:.2f}", *(f"{v:.2f}" for v in values[1]),
                     f"{ratios[1]:.2f}"])
    return rows


def crl_length(url):
    reply = requests.head(url, timeout=30)
    return int(reply.headers["Content-Length"]) if reply.status_code == 200 else 0


def crl_url(world):
    points = x509.load_pem_x509_certificate(world.client.get(
        f"{world.server.url}/certificate/{b64(world.sample[0][1])}").content).extensions.get_extension_for_class(
            x509.CRLDistributionPoints).value
    path = points[0].full_name[0].value.split("/crl/", 1)[1]
    return f"{world.server.plain_url}/crl/{path}"


def measure_crl(world, options):
    """Seconds from a revocation until a longer list is served, and the load's p99 without and beside five of them."""
    url = crl_url(world)
    while crl_length(url) < options.revoked * 20:       # made at the start
        time.sleep(0.05)
    load = ("--clients", 8, "--issuances", options.issuances * 4, "--timeout", 60)
    quiet = world.target.run(*load)[1]["steps_ms"]["issuance"]
    time.sleep(3)
    result = {}
    thread = threading.Thread(target=lambda: result.update(world.target.run(*load)[1]))
    thread.start()
    times = []
    middle = len(world.sample) // 2     # the newest are revoked already
    for serial, _ in world.sample[middle:middle + 5]:
        before, start = crl_length(url), time.monotonic()
        signet("cert", "revoke", "--dir", world.server.home, serial.hex())
        while crl_length(url) <= before:
            time.sleep(0.01)
        times.append(time.monotonic() - start)
        time.sleep(0.5)
    thread.join()
    return crl_length(url), times, quiet, result["steps_ms"]["issuance"]


def main():
    options, before = parse(), page.machine()
    tempfile.tempdir = options.dir
    if shutil.disk_usage(tempfile.gettempdir()).free < 2 * options.certificates * BYTES_EACH:
        sys.exit(f"{tempfile.gettempdir()} has too little room: {options.certificates} certificates take "
                 f"{options.certificates * BYTES_EACH >> 30} GiB; --dir names another folder")
    worlds = []
    try:
        worlds.append(World(SMALL, 0))
        worlds.append(World(options.certificates, min(options.revoked, options.certificates)))
        small, large = worlds
        print(f"filled in {large.filled:.0f} s: {large.size / 2**30:.1f} GiB", flush=True)
        rows = compare(small, large, options)
        size, times, quiet, beside = measure_crl(large, options)
        starts = [statistics.median(world.start() for _ in range(STARTS)) for world in worlds]
    finally:
        for world in worlds:
            world.close()
    columns = ["", *(f"{what} {count}" for what in ("CPU ms", "ms until answered") for count in
                     (SMALL, options.certificates, "ratio"))]
    page.show(columns, rows)
    words = (f"{before}. The larger database and its ledger have {large.size / 2**30:.1f} GiB. Ready after "
             f"{starts[1]} ms (the small one: {starts[0]}; medians of {STARTS} starts). A CRL of "
             f"{options.revoked} entries ({size / 2**20:.1f} MiB) is served {statistics.median(times):.2f} s after a "
             f"revocation, {max(times):.2f} s at most; issuance beside that p50 {beside['p50']:.0f} ms, p99 "
             f"{beside['p99']:.0f} ms, without p50 {quiet['p50']:.0f} ms, p99 {quiet['p99']:.0f} ms.")
    print(words)
    if options.keep:
        page.keep(options.keep, "scale", words, page.table(columns, rows))
    good = (all(float(row[3]) <= WORSE_MAX and float(row[6]) <= WORSE_MAX for row in rows)
            and starts[1] < START_MAX and max(times) < CRL_MAX)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
