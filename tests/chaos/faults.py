#!/usr/bin/python3
"""Certificates are issued while calls fail: for one whole issuance, every sync and every write of ra and ca in turn, and
in every role each place that asks for memory, then or at the start; the disk is full for a while, and the clock steps.
Whatever failed, the client gets its certificate in the end by trying again, and what it was told holds (checker.py).

A place is a call of malloc(), calloc() or realloc(), in our code or a library's, by one way to get there: the return
addresses on the stack."""
import argparse
import ctypes
import errno
import os
import random
import re
import shutil
import signal
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../bench"))

from shim import FOR_EVER, Shim  # noqa: E402

HOUR = 3600
FULL_SECONDS = 3
ROLES = ("wfe", "ra", "va", "ca")
WRITERS = ("ra", "ca")
ADDR_NO_RANDOMIZE = 0x0040000   # personality(2), for all that we start: a place has the same address in each process
TRACED = 3                      # turns in which places are looked for


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program", help="the signet that tests/chaos/faults.c is linked into")
    parser.add_argument("--seed", type=int, default=None, help="which allocations fail; printed, else drawn")
    parser.add_argument("--allocations", type=int, default=25, help="so many places of each role; 0: every one")
    parser.add_argument("--minutes", type=float, default=60, help="for all places; what isn't reached is told")
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
        if ctypes.CDLL(None).personality(ADDR_NO_RANDOMIZE) < 0:
            raise OSError("personality")
        from signet import Signet   # it reads SIGNET_PROGRAM
        self.options, self.records = options, os.path.join(folder, "records")
        self.shim = Shim(folder)
        # Where va's memory was out it tries again, as by default.
        self.target = Signet({"ra": {"policy": {"allow": ["*.load.test"]}}, "va": {"retries": 3}})
        # Each is looked at by itself.
        self.target.server.tolerated = ("forbidden system call",)
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

    def restart(self, role, what):
        """The role dies, and all start again."""
        server = self.target.server
        before, victim = len(server.log()), server.roles()[role]
        os.kill(victim, signal.SIGKILL)
        try:
            server.wait_log(r" ready url=", since=before, timeout=30)
        except AssertionError:
            self.wrong.append(f"{what}: the server did not come back")

    def library_crashed(self, role, what, log):
        """Want of memory ends a role in good order, by _exit(1). Some libraries go on with NULL, abort, or try what their
        role may not (libcurl to look up a name): that ends it as well, and is not ours to mend. Where it was our code
        that got no memory it is a mistake."""
        ends = re.findall(rf'which={role} how="(killed (?!by signal 9\b)[^"]*)"', log)
        trace = [line for line in log.splitlines() if "[0x" in line]
        # the shim, malloc() or one of its kind, and who called it
        if ends and (len(trace) < 3 or trace[2].startswith("signet(")):
            self.wrong.append("\n".join([f"{what}: {ends}", *trace]))
        return bool(ends)

    def allocations(self, role, until, when, drive):
        """Each place of the role fails, once. One that isn't met again is no place of every turn: a cache that was
        filled, a thread that was faster. drive(what) makes a turn."""
        drive(f"{role}, before anything fails")     # what is made once, is made
        self.shim.trace(role)
        for _ in range(TRACED):
            drive(f"{role}, nothing fails")
        sites, some = self.shim.sites(), self.options.allocations
        picked = random.sample(sites, len(sites) if some == 0 else min(some, len(sites)))
        failed = done = crashed = 0
        for site in picked:
            if time.monotonic() > until:
                break
            what, before = f"{role}, memory is out at {site:x}", len(self.target.server.log())
            self.shim.fail_site(role, site)
            drive(what)
            failed += self.shim.failed()
            done += 1
            crashed += self.library_crashed(role, what, self.target.server.log()[before:])
        self.shim.count("")
        print(f"{role}: {len(sites)} places ask for memory {when}, {done} tried, {failed} failed, {crashed} crashed a library",
              flush=True)
        if not failed:
            self.wrong.append(f"{role}: no allocation failed, so nothing was shown")
        if done < len(picked):
            print(f"{role}: no time was left for {len(picked) - done} of them", flush=True)

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

    def clock_under_load(self):
        """What is under way while the clock steps may fail, since it is too old or not yet true; nothing gets stuck, and
        whoever begins anew afterwards is served."""
        with self.target.start("--clients", 8, "--issuances", 8, "--duration", 5, "--retry", "--timeout", 60,
                               "--records", self.records) as load:
            for seconds in (-HOUR, HOUR, 0):
                time.sleep(1)
                self.shim.clock(seconds)
            from signet import finish
            summary = finish(load)[1]
        print(f"the clock stepped under load: {summary.get('issued')} issued, {summary.get('failed')} failed", flush=True)
        if not summary.get("issued"):
            self.wrong.append("nothing was issued while the clock stepped")

    def clock(self, seconds):
        """After a step, whoever begins anew is served. (The clients look at their own clocks, which stand at 0.)"""
        self.shim.clock(seconds)
        summary = self.issue(f"the clock stepped to {seconds:+} s", clients=4, issuances=20)
        print(f"clock at {seconds:+} s: {summary.get('issued')} issued, {summary.get('failed')} failed", flush=True)

    def run(self):
        every = lambda count: range(1, count + 1)  # noqa: E731
        end = time.monotonic() + 60 * self.options.minutes
        for role in WRITERS:
            self.sweep(role, "sync", errno.EIO, every)
            self.sweep(role, "write", errno.EIO, every)
            self.sweep(role, "write", errno.ENOSPC, every)
            self.disk_full(role)
        for left, role in zip((4, 3, 2, 1), ROLES):
            now = time.monotonic()
            share = (end - now) / left
            self.allocations(role, now + share / 2, "in an issuance", self.issue)
            self.allocations(role, now + share, "at the start", lambda what: self.restart(role, what))
        self.clock_under_load()
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
