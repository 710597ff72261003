#!/usr/bin/python3
"""Certificates are issued while roles are killed; then what the clients were told is compared with the database and
the ledger.

First without any killing: 500 issuances by 50 accounts, none may fail. Then the same load goes on and outlives its
server's processes: at moments that a seed decides one of them, all at once, or the supervisor with them dies by SIGKILL.
Meanwhile somebody watches what must never happen (witness.py)."""
import argparse
import contextlib
import os
import random
import signal
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../bench"))

from signet import Signet  # noqa: E402
from checker import Database, Told, check, read_ledger, settle  # noqa: E402
from witness import Witness  # noqa: E402
from harness.server import ROLES, SLOW  # noqa: E402



def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--issuances", type=int, default=500, help="at least so many, in each half")
    parser.add_argument("--accounts", type=int, default=50, help="and clients")
    parser.add_argument("--kills", type=int, default=50 if SLOW == 1 else 12)
    parser.add_argument("--pause", type=float, default=0.6, help="seconds of service between kills, at the most")
    parser.add_argument("--restart", type=float, default=1.0 * SLOW,
                        help="seconds that one may take; sanitizer builds start slowly, and so does a busy machine")
    parser.add_argument("--seed", type=int, default=None, help="printed, else drawn")
    parser.add_argument("--keep", action="store_true", help="leave the server's folder, and name it")
    return parser.parse_args()


class Killer(threading.Thread):
    """Kills what the seed says; restarts: [(victims, seconds until all serve again)]."""

    def __init__(self, server, options):
        super().__init__()
        self.server, self.options = server, options
        self.restarts, self.wrong, self.done = [], None, False

    def run(self):
        try:
            for turn in range(self.options.kills):
                time.sleep(random.random() * self.options.pause)
                # Each role gets its turn; every fifth time all go at once, or the supervisor does and all with it.
                if turn % 10 == 9:
                    self.kill_supervisor()
                else:
                    self.kill(ROLES if turn % 5 == 4 else (random.choice(ROLES) if turn > 3 else ROLES[turn],))
        except (AssertionError, KeyError, OSError) as wrong:
            self.wrong = wrong
        self.done = True

    def kill_supervisor(self):
        """Somebody starts it again at once."""
        start = time.monotonic()
        self.server.process.kill()
        self.server.process.wait()
        self.server.start()
        self.restarts.append(("supervisor", time.monotonic() - start))

    def kill(self, victims):
        before, pids = len(self.server.log()), self.server.roles()
        start = time.monotonic()
        os.kill(pids[victims[0]], signal.SIGKILL)
        for role in victims[1:]:
            with contextlib.suppress(ProcessLookupError):   # the supervisor was faster
                os.kill(pids[role], signal.SIGKILL)
        self.server.wait_log(r" ready url=", since=before, timeout=30 * SLOW)
        self.restarts.append(("all" if len(victims) > 1 else victims[0], time.monotonic() - start))


def describe(title, code, summary):
    steps = summary.get("steps_ms", {}).get("issuance", {})
    print(f"{title}: exit {code}, {summary.get('issued')} issued, {summary.get('failed')} failed, "
          f"{summary.get('seconds', 0):.1f} s, {summary.get('retries')} retries, slowest {steps.get('max', 0):.0f} ms",
          flush=True)
    for failure in summary.get("failures", []):
        print(f"  {failure['count']} times {failure['kind']}: {failure['first']}", flush=True)


def chaos(target, options, records, complain):
    killer = Killer(target.server, options)
    loads, killed = [], False
    killer.start()
    # The load goes on, a few seconds at a time, until the last kill is over.
    while not killed:
        killed = killer.done
        loads.append(target.run("--clients", options.accounts, "--issuances", options.issuances, "--duration", 5,
                                "--retry", "--timeout", 60 * SLOW, "--records", records))
    killer.join()
    for code, summary in loads:
        describe("while roles are killed", code, summary)
        if code != 0:
            complain("an issuance failed while roles were killed")
    if killer.wrong:
        complain(f"the server did not come back: {killer.wrong}")
    for victim in (*ROLES, "all", "supervisor"):
        times = [seconds for name, seconds in killer.restarts if name == victim]
        if not times:
            complain(f"{victim}: never killed")
            continue
        print(f"  {victim} killed {len(times)} times; all served again after {min(times) * 1000:.0f} to "
              f"{max(times) * 1000:.0f} ms", flush=True)
        limit = options.restart * {"all": 2, "supervisor": 4}.get(victim, 1)    # this one waits for its ports, too
        if max(times) > limit:
            complain(f"{victim}: a restart took {max(times):.2f} s, more than {limit} s")


def main():
    options, wrong = parse(), []
    seed = options.seed if options.seed is not None else random.randrange(1 << 32)
    print(f"seed {seed}", flush=True)
    random.seed(seed)
    with tempfile.TemporaryDirectory(prefix="signet-chaos-") as folder:
        records = os.path.join(folder, "records")
        target = Signet({"ra": {"policy": {"allow": ["*.load.test"]}}})
        try:
            code, summary = target.run("--clients", options.accounts, "--issuances", options.issuances,
                                       "--records", records)
            describe("in peace", code, summary)
            if code != 0:
                wrong.append("an issuance failed in peace")
            with Witness(target.server, records, wrong.append) as witness:
                chaos(target, options, records, wrong.append)
            database, told = Database(target.server.home), Told(records)
            settle(database)
            ledger = read_ledger(target.server.home)
            check(told, database, ledger, wrong.append)
            witness.check(database)
            print(f"{len(told.certificates)} certificates handed out, {len(ledger)} in the ledger", flush=True)
            if target.server.stop() != 0:
                wrong.append("the server's exit code is not 0")
        finally:
            if options.keep or wrong:
                print(target.server.log()[-4000:])
            if options.keep:
                print(target.server.dir)
            else:
                target.close()
    for line in wrong[:20]:
        print("WRONG:", line)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
