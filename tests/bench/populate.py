"""Fills the database of a stopped server with certificates as if it had issued them over the last eighty days, past all
of its code: rows of accounts, authorizations, orders, finalize requests, certificates and revocations, and the ledger of
the days that the server reads at its start. What each row holds is copied from one that the server made itself."""
import glob
import hashlib
import os
import sqlite3
import struct
import time

DAY = 86400
ISSUED_OVER = 80 * DAY
LEDGER_DAYS = 9         # an order lives seven days; ca reads one more
LIFETIME = 90 * DAY
SEGMENT_MAX = 16 << 20
PER_ACCOUNT = 50
BATCH = 20000
ID_TAIL = 10            # random bytes of an id
TABLES = ("accounts", "authorizations", "orders", "finalize_requests", "certificates", "revocations")


class Template:
    """The newest row of each table, as a dict."""

    def __init__(self, db):
        self.rows = {}
        for table in TABLES[1:5]:
            cursor = db.execute(f"SELECT * FROM {table} ORDER BY 1 DESC LIMIT 1")
            self.rows[table] = dict(zip([column[0] for column in cursor.description], cursor.fetchone()))

    def __getitem__(self, table):
        return self.rows[table]


def row_maker(template, changes):
    """Column names, and a function from the changed columns' values to a whole row."""
    columns = list(template)
    places = [columns.index(change) for change in changes]

    def make(*values):
        row = list(template.values())
        for place, value in zip(places, values):
            row[place] = value
        return row
    return columns, make


class Ledger:
    """ca/ledger.h: a chain of records in segments."""

    def __init__(self, folder):
        self.folder, self.sequence, self.previous, self.file, self.number = folder, 1, bytes(32), None, 0
        self.left = 0
        for path in glob.glob(os.path.join(folder, "*.log")):
            os.remove(path)

    def _segment(self, ms):
        self.close()
        self.number += 1
        header = b"signet ledger 1\n" + struct.pack(">Q", self.sequence) + self.previous + struct.pack(">q", ms)
        self.file = open(os.path.join(self.folder, f"{self.number:08}.log"), "wb")
        self.file.write(header + hashlib.sha256(header).digest())
        self.left = SEGMENT_MAX

    def put(self, ms, order, issuer, serial, not_before, not_after, der):
        if self.left <= 0:
            self._segment(ms)

        def sized(data):
            return struct.pack(">I", len(data)) + data
        body = b"".join([struct.pack(">QQ", self.sequence, self.sequence - 1), sized(self.previous), b"\x01",
                         struct.pack(">q", ms), order, sized(issuer), sized(serial),
                         struct.pack(">qq", not_before, not_after), sized(der)])
        self.previous = hashlib.sha256(body).digest()
        self.file.write(struct.pack(">II", 0x53474c52, len(body)) + body + self.previous)
        self.left -= len(body) + 40
        self.sequence += 1

    def close(self):
        if self.file:
            self.file.close()


def insert(db, table, columns, rows):
    db.executemany(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})", rows)


def fill_accounts(db, count, now):
    cursor = db.execute("SELECT * FROM accounts LIMIT 1")
    template = dict(zip([column[0] for column in cursor.description], cursor.fetchone()))
    columns, make = row_maker(template, ("id", "thumbprint", "jwk", "created"))
    start, ids = (now - ISSUED_OVER - DAY) * 1000, []
    for n in range(count):
        ms = start + n * DAY * 1000 // count
        ids.append(ms.to_bytes(6, "big") + os.urandom(ID_TAIL))

    def rows():
        for n, one in enumerate(ids):
            x, y = os.urandom(24).hex()[:43], os.urandom(24).hex()[:43]
            yield make(one, f"{x[:33]}{n:010}", f'{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}', now - ISSUED_OVER)
    insert(db, "accounts", columns, rows())
    return ids


def fill(home, count, revoked, own_account, own_every, progress=lambda done: None):
    """Adds count certificates, of which own_account (its id) has every own_every-th, and the newest so many are revoked.
    Gives the serials, and the ids of own_account's, of a sample: [(serial, certificate id or None), ...]."""
    db = sqlite3.connect(os.path.join(home, "data/signet.db"), isolation_level=None)
    db.executescript("PRAGMA wal_checkpoint(TRUNCATE); PRAGMA journal_mode = DELETE; PRAGMA journal_mode = OFF;"
                     "PRAGMA synchronous = OFF; PRAGMA locking_mode = EXCLUSIVE; PRAGMA cache_size = -1000000;")
    now, template, sample = int(time.time()), Template(db), []
    accounts = fill_accounts(db, max(1, count // PER_ACCOUNT), now)
    ledger = Ledger(os.path.dirname(glob.glob(os.path.join(home, "**/00000001.log"), recursive=True)[0]))
    makers = {table: row_maker(template[table], changes) for table, changes in {
        "authorizations": ("id", "account_id", "identifier", "expires", "token", "validated", "caa_checked"),
        "orders": ("id", "account_id", "expires", "identifiers", "authorizations", "created", "certificate_id"),
        "finalize_requests": ("order_id",),
        "certificates": ("id", "order_id", "account_id", "serial", "not_before", "not_after", "der")}.items()}
    der, serial = template["certificates"]["der"], template["certificates"]["serial"]
    issuer, at = template["certificates"]["issuer"], der.index(serial)
    head, tail, first = der[:at], der[at + len(serial):], serial[:1]
    for start in range(0, count, BATCH):
        lists, random = {table: [] for table in (*makers, "revocations")}, os.urandom(BATCH * 64)
        for n in range(start, min(start + BATCH, count)):
            r = random[(n - start) * 64:(n - start + 1) * 64]
            ms = (now - ISSUED_OVER) * 1000 + n * (ISSUED_OVER - DAY) * 1000 // count
            at, order, authz = ms // 1000, ms.to_bytes(6, "big") + r[:10], ms.to_bytes(6, "big") + r[10:20]
            mine = first + r[20:20 + len(serial) - 1]
            name, own = f"dns:n{r[40:48].hex()}.load.test", n % own_every == 0
            account = own_account if own else accounts[n // PER_ACCOUNT % len(accounts)]
            whole = head + mine + tail
            lists["authorizations"].append(makers["authorizations"][1](
                authz, account, name, at + 30 * DAY, r.hex()[:43], at, at))
            lists["orders"].append(makers["orders"][1](order, account, at + 7 * DAY, name, authz, at, order))
            lists["finalize_requests"].append(makers["finalize_requests"][1](order))
            lists["certificates"].append(makers["certificates"][1](
                order, order, account, mine, at, at + LIFETIME, whole))
            if n >= count - revoked:
                lists["revocations"].append((mine, order, issuer, 0, now, 4, at + LIFETIME))
            if at > now - LEDGER_DAYS * DAY:
                ledger.put(ms, order, issuer, mine, at, at + LIFETIME, whole)
            if own:
                sample.append((mine, order))
        db.execute("BEGIN")
        for table, (columns, _) in makers.items():
            insert(db, table, columns, lists[table])
        insert(db, "revocations", ("serial", "certificate_id", "issuer", "shard", "revoked", "reason", "not_after"),
               lists["revocations"])
        db.execute("COMMIT")
        progress(min(start + BATCH, count))
    ledger.close()
    db.execute("PRAGMA journal_mode = WAL")
    db.close()
    return sample
