#!/usr/bin/python3
"""Certificates are issued while calls of ra and ca fail: for one whole issuance, every sync and every write in turn,
and allocations; then the disk is full for a while, and the clock steps. Whatever failed, the client gets its
certificate in the end by trying again, and what it was told holds (checker.py)."""
import argparse
import errno
import os
import random
import shutil
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../bench"))

from shim import FOR_EVER, Shim  # noqa: E402

HOUR = 3600
FULL_SECONDS = 3
ROLES = ("ra", "ca")


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program", help="the signet that tests/chaos/faults.c is linked into")
    parser.add_argument("--seed", type=int, default=None, help="which allocations fail; printed, else drawn")
    parser.add_argument("--allocations", type=int, default=25, help="so many of each role; 0: every one")
    return parser.parse_args()


class Faults:
    def __init__(self, options, folder):
        """The program moves into folder, where the shim finds its file."""
        program = shutil.copy(options.program, os.path.join(folder, "signet"))
        os.makedirs(os.path.join(folder, "tests/bench"))
        shutil.copy(os.path.join(os.path.dirname(options.program), "../bench/load"),
                    os.path.join(folder, "tests/bench/load"))
        os.chmod(folder, 0o755)
        os.environ["SIGNET_PROGRAM"] = program
        from signet import Signet   # it reads SIGNET_PROGRAM
        self.options, self.records = options, os.path.join(folder, "records")
        self.shim = Shim(folder)
        self.target = Signet({"ra": {"policy": {"allow": ["*.load.test"]}}})
        self.wrong = []

    def issue(self, what, *options, clients=1, issuances=1):
        code, summary = self.target.run("--clients", clients, "--issuances", issuances, "--retry", "--timeout", 40,
                                        "--records", self.records, *options)
        if code != 0:
            failures = "; ".join(f"{f['kind']}: {f['first']}" for f in summary.get("failures", []))
            self.wrong.append(f"{what}: the client got no certificate in the end: {failures}")
        return summary

    def sweep(self, role, call, error, pick):
        """Each of the picked calls of one issuance fails in turn."""
        self.shim.count(role)
        self.issue(f"{role}, nothing fails")
        count, failed = self.shim.counts(call), 0
        for n in pick(count):
            self.shim.fail(role, call, error, n)
            self.issue(f"{role}, {call} {n} of {count}")
            failed += self.shim.failed()
        self.shim.count("")
        print(f"{role}: {count} calls of {call} in an issuance, {failed} failed", flush=True)
        if not failed:
            self.wrong.append(f"{role}: no {call} failed, so nothing was shown")

    def allocations(self, count):
        some = self.options.allocations
        return range(1, count + 1) if some == 0 else sorted(random.sample(range(1, count + 1), min(some, count)))

    def disk_full(self, role):
        """Clients go on asking while nothing can be written; they all get their certificates when there is room."""
        load = self.target.start("--clients", 8, "--issuances", 200, "--retry", "--timeout", 60, "--records",
                                 self.records)
        with load:
            time.sleep(0.3)
            self.shim.fail(role, "write", errno.ENOSPC, 1, FOR_EVER)
            time.sleep(FULL_SECONDS)
            failed = self.shim.failed()
            self.shim.count("")
            from signet import finish
            code, summary = finish(load)
        print(f"{role}: disk full for {FULL_SECONDS} s, {failed} writes failed, {summary.get('issued')} issued", flush=True)
        if code != 0:
            self.wrong.append(f"{role}, disk full: {summary.get('failures')}")
        if not failed:
            self.wrong.append(f"{role}, disk full: nothing was written meanwhile, so nothing was shown")

    def clock(self, seconds):
        """After a step, whoever begins anew is served. (The clients look at their own clocks, which stand at 0.)"""
        self.shim.clock(seconds)
        summary = self.issue(f"the clock stepped to {seconds:+} s", clients=4, issuances=20)
        print(f"clock at {seconds:+} s: {summary.get('issued')} issued, {summary.get('failed')} failed", flush=True)

    def run(self):
        every = lambda count: range(1, count + 1)  # noqa: E731
        for role in ROLES:
            self.sweep(role, "sync", errno.EIO, every)
            self.sweep(role, "write", errno.EIO, every)
            self.sweep(role, "write", errno.ENOSPC, every)
            self.sweep(role, "alloc", errno.ENOMEM, self.allocations)
            self.disk_full(role)
        for seconds in (-HOUR, 0):
            self.clock(seconds)

    def compare(self):
        from checker import Database, Told, check, read_ledger, settle
        database, told = Database(self.target.server.home), Told(self.records)
        settle(database)
        ledger = read_ledger(self.target.server.home)
        check(told, database, ledger, self.wrong.append)
        print(f"{len(told.certificates)} certificates handed out, {len(ledger)} in the ledger", flush=True)


def main():
    options = parse()
    seed = options.seed if options.seed is not None else random.randrange(1 << 32)
    print(f"seed {seed}", flush=True)
    random.seed(seed)
    with tempfile.TemporaryDirectory(prefix="signet-faults-") as folder:
        faults = Faults(options, folder)
        try:
            faults.run()
            faults.compare()
            if faults.target.server.stop() != 0:
                faults.wrong.append("the server's exit code is not 0")
        finally:
            if faults.wrong:
                print(faults.target.server.log()[-6000:])
            faults.target.close()
    for line in faults.wrong[:20]:
        print("WRONG:", line)
    return 1 if faults.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
