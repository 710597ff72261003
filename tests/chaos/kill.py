#!/usr/bin/python3
"""Certificates are issued while each role in turn is killed; then what the clients were told is compared with
the database and the ledger.

First without any killing: 500 issuances by 50 accounts, none may fail. Then the same load goes on for a while
and outlives its server's processes, one of which dies by SIGKILL every two seconds."""
import argparse
import base64
import hashlib
import json
import os
import signal
import sqlite3
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../bench"))

from signet import Signet, finish  # noqa: E402
from harness.server import ROLES, SLOW, signet  # noqa: E402

RESTART_MAX = 1.0 * SLOW    # seconds; sanitizer builds start slowly
PROCESSING = 2              # acme/status.h, both for orders and authorizations
VALID = 3


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--issuances", type=int, default=500, help="at least so many, in each half")
    parser.add_argument("--accounts", type=int, default=50, help="and clients")
    parser.add_argument("--seconds", type=int, default=20 if SLOW == 1 else 60, help="how long roles are killed")
    parser.add_argument("--every", type=float, default=2.0, help="seconds between kills")
    parser.add_argument("--keep", action="store_true", help="leave the server's folder, and name it")
    return parser.parse_args()


class Killer(threading.Thread):
    """Kills role after role until it is stopped; restarts: [(role, seconds until all serve again)]."""

    def __init__(self, server, every, seconds):
        super().__init__()
        self.server, self.every, self.seconds = server, every, seconds
        self.restarts, self.wrong = [], None

    def run(self):
        try:
            end, turn = time.monotonic() + self.seconds, 0
            while time.monotonic() + self.every < end:
                time.sleep(self.every)
                self.kill(ROLES[turn % len(ROLES)])
                turn += 1
        except (AssertionError, KeyError, OSError) as wrong:
            self.wrong = wrong

    def kill(self, role):
        before, pid = len(self.server.log()), self.server.roles()[role]
        start = time.monotonic()
        os.kill(pid, signal.SIGKILL)
        self.server.wait_log(r" ready url=", since=before, timeout=30 * SLOW)
        self.restarts.append((role, time.monotonic() - start))


class Told:
    """What the load generator wrote down."""

    def __init__(self, path):
        with open(path, encoding="utf-8") as f:
            lines = [json.loads(line) for line in f]
        self.accounts = {object_id(r["account"]) for r in lines if r["event"] == "account"}
        self.orders = {object_id(r["order"]) for r in lines if r["event"] == "order"}
        self.valid = {object_id(r["order"]) for r in lines if r["event"] == "order" and r["status"] == "valid"}
        self.certificates = [(int(r["serial"], 16), object_id(r["order"]), r["sha256"]) for r in lines
                             if r["event"] == "certificate"]


def object_id(url):
    """The 16 bytes of an object's id from its URL (lib/id.h)."""
    text = url.rstrip("/").rsplit("/", 1)[1]
    return base64.urlsafe_b64decode(text + "==")


class Database:
    def __init__(self, home):
        self.db = sqlite3.connect(f"file:{home}/data/signet.db?mode=ro", uri=True, timeout=30)

    def all(self, sql, *values):
        return self.db.execute(sql, values).fetchall()

    def processing(self):
        return {table: self.all(f"SELECT count(*) FROM {table} WHERE state = ?", PROCESSING)[0][0]
                for table in ("orders", "authorizations")}


def settle(database, timeout=30):
    """What clients left behind in processing must come to its end by itself."""
    end = time.monotonic() + timeout * SLOW
    while any(database.processing().values()) and time.monotonic() < end:
        time.sleep(0.1)
    return database.processing()


def read_ledger(home):
    """[(order id, serial)] in the order in which they were signed, without the server's own certificates."""
    signet("ledger", "verify", "--dir", home)
    rows = [line.split() for line in signet("ledger", "list", "--dir", home).stdout.splitlines()]
    return [(base64.urlsafe_b64decode(row[1] + "=="), int(row[2], 16)) for row in rows
            if len(row) == 3 and row[1] != "server"]


def check(told, database, ledger, complain):
    """The comparison: complain(what) for each thing that is wrong."""
    stored = {int(serial.hex(), 16): (order, hashlib.sha256(der).hexdigest())
              for order, serial, der in database.all("SELECT order_id, serial, der FROM certificates "
                                                     "WHERE order_id IS NOT NULL")}
    signed = {serial: order for order, serial in ledger}
    accounts = {row[0] for row in database.all("SELECT id FROM accounts")}
    orders = {row[0]: row[1] for row in database.all("SELECT id, state FROM orders")}

    for table, count in database.processing().items():
        if count:
            complain(f"{count} {table} are stuck in processing")
    for serial, order, digest in told.certificates:
        if stored.get(serial) != (order, digest):
            complain(f"certificate {serial:x}: handed out, but the database has {stored.get(serial)}")
        if signed.get(serial) != order:
            complain(f"certificate {serial:x}: handed out, but not in the ledger for its order")
    for what, seen in (("ledger", [order for order, _ in ledger]),
                       ("database", [order for order, _ in stored.values()])):
        if len(seen) != len(set(seen)):
            complain(f"{len(seen) - len(set(seen))} orders have more than one certificate in the {what}")
    if len(signed) != len(ledger):
        complain("a serial stands in the ledger twice")
    if set(signed) != set(stored):
        complain(f"{len(set(signed) ^ set(stored))} serials are in only one of ledger and database")
    if told.accounts - accounts:
        complain(f"{len(told.accounts - accounts)} accounts are gone that clients were told of")
    if told.orders - set(orders):
        complain(f"{len(told.orders - set(orders))} orders are gone that clients were told of")
    lost = [order for order in told.valid if orders.get(order) != VALID]
    if lost:
        complain(f"{len(lost)} orders that clients saw valid are not")


def describe(title, code, summary):
    steps = summary.get("steps_ms", {}).get("issuance", {})
    print(f"{title}: exit {code}, {summary.get('issued')} issued, {summary.get('failed')} failed, "
          f"{summary.get('seconds', 0):.1f} s, {summary.get('retries')} retries, slowest {steps.get('max', 0):.0f} ms",
          flush=True)
    for failure in summary.get("failures", []):
        print(f"  {failure['count']} times {failure['kind']}: {failure['first']}", flush=True)


def chaos(target, options, records, complain):
    killer = Killer(target.server, options.every, options.seconds)
    load = target.start("--clients", options.accounts, "--issuances", options.issuances, "--duration",
                        options.seconds, "--retry", "--timeout", 60 * SLOW, "--records", records)
    with load:
        killer.start()
        code, summary = finish(load)
        killer.join()
    describe("while roles are killed", code, summary)
    if code != 0:
        complain("an issuance failed while roles were killed")
    if killer.wrong:
        complain(f"the server did not come back: {killer.wrong}")
    for role in ROLES:
        times = [seconds for name, seconds in killer.restarts if name == role]
        print(f"  {role} killed {len(times)} times; all served again after "
              + ", ".join(f"{seconds * 1000:.0f}" for seconds in times) + " ms", flush=True)
        if not times:
            complain(f"{role} was never killed")
        if times and max(times) > RESTART_MAX:
            complain(f"{role}: a restart took {max(times):.2f} s, more than {RESTART_MAX} s")


def main():
    options, wrong = parse(), []
    with tempfile.TemporaryDirectory(prefix="signet-chaos-") as folder:
        records = os.path.join(folder, "records")
        target = Signet({"ra": {"policy": {"allow": ["*.load.test"]}}})
        try:
            code, summary = target.run("--clients", options.accounts, "--issuances", options.issuances,
                                       "--records", records)
            describe("in peace", code, summary)
            if code != 0:
                wrong.append("an issuance failed in peace")
            chaos(target, options, records, wrong.append)
            database, told = Database(target.server.home), Told(records)
            settle(database)
            ledger = read_ledger(target.server.home)
            check(told, database, ledger, wrong.append)
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
