"""What a server's clients were told, compared with its database and its ledger."""
import base64
import hashlib
import json
import sqlite3
import time

from harness.server import SLOW, signet

PROCESSING = 2              # acme/status.h, both for orders and authorizations
VALID = 3


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
