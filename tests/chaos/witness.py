"""Somebody who watches while others break things: what it saw accepted it sends again, what it was told is revoked must
be so, and no list may go back."""
import json
import random
import re
import subprocess
import threading
import time

import requests
from cryptography import x509
from harness.acme import Client
from harness.keys import Key
from harness.server import signet

BEHIND = 1 << 16        # of the records' end: where young certificates are told of
AGAIN_MAX = 500         # requests that are kept


class Witness(threading.Thread):
    """A context: it watches in it. records: the load generator's. What a server that was just killed answers, or
    doesn't, is no complaint; the next turn begins anew."""

    def __init__(self, server, records, complain):
        super().__init__()
        self.server, self.records, self.complain = server, records, complain
        self.key, self.client = Key(), None
        self.accepted = []          # requests that were, byte for byte
        self.names = 0              # one in each request that was sent, accepted or not
        self.again = 0              # how often something was sent again, and refused
        self.revoked = set()        # serials whose revocation was told
        self.tried = set()
        self.listed, self.number, self.lists = set(), 0, 0
        self.url = None
        self.done = False

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.done = True
        self.join()

    def run(self):
        while not self.done:
            for step in (self.request, self.send_again, self.revoke, self.read_list):
                try:
                    step()
                except (requests.RequestException, AssertionError, LookupError, ValueError, OSError,
                        subprocess.TimeoutExpired):
                    self.client = None
                    time.sleep(0.05)

    def request(self):
        if self.client is None:
            self.client = Client(self.server, self.key)
        self.names += 1
        url = self.client.directory["newOrder"]
        body = json.dumps(self.client.jws(url, {"identifiers": [{"type": "dns", "value": self.own_name(self.names)}]}))
        if self.client.send(url, body).status_code == 201:
            self.accepted = [*self.accepted, body][-AGAIN_MAX:]

    @staticmethod
    def own_name(number):
        return f"witness{number}.load.test"

    def send_again(self):
        if self.client is None or not self.accepted:
            return
        for body in {self.accepted[-1], random.choice(self.accepted)}:
            reply = self.client.send(self.client.directory["newOrder"], body)
            if reply.status_code < 400:
                self.complain(f"a request was accepted twice, and so was its nonce: {reply.status_code}")
            elif reply.status_code == 400:
                self.again += 1

    def revoke(self):
        with open(self.records, "rb") as f:
            f.seek(0, 2)
            f.seek(max(0, f.tell() - BEHIND))
            serials = re.findall(rb'"serial": ?"([0-9a-f]+)"', f.read())
        fresh = sorted({serial.decode() for serial in serials} - self.tried)
        if not fresh:
            return
        serial = random.choice(fresh)
        done = signet("cert", "revoke", serial, "--dir", self.server.home, check=False, timeout=30)
        if done.returncode == 0 or "is revoked already" in done.stderr:
            self.revoked.add(int(serial, 16))
            self.tried.add(serial)

    def read_list(self):
        if self.url is None:
            self.url = self.list_url()
        crl = x509.load_der_x509_crl(requests.get(self.url, timeout=10).content)
        number = crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number
        serials = {entry.serial_number for entry in crl}
        if number < self.number:
            self.complain(f"the list's number went from {self.number} back to {number}")
        if self.listed - serials:
            self.complain(f"{len(self.listed - serials)} revocations are in the list no more")
        self.listed, self.number, self.lists = serials, number, self.lists + 1

    def list_url(self):
        """There is one list, and any certificate names it."""
        from checker import Database
        der = Database(self.server.home).all("SELECT der FROM certificates WHERE order_id IS NOT NULL LIMIT 1")[0][0]
        points = x509.load_der_x509_certificate(der).extensions.get_extension_for_class(x509.CRLDistributionPoints)
        return points.value[0].full_name[0].value

    def settle(self, timeout=10):
        """What was revoked last is listed soon."""
        end = time.monotonic() + timeout
        while not self.revoked <= self.listed and time.monotonic() < end:
            self.read_list()
            time.sleep(0.1)

    def check(self, database):
        """When all is over: the database, the list and what was told say the same."""
        self.settle()
        stored = {int.from_bytes(row[0], "big") for row in database.all("SELECT serial FROM revocations")}
        if self.revoked - stored:
            self.complain(f"{len(self.revoked - stored)} revocations are gone that were told")
        if stored != self.listed:
            self.complain(f"{len(stored ^ self.listed)} revocations are in only one of database and list")
        orders = database.all("SELECT identifiers FROM orders WHERE identifiers LIKE '%witness%'")
        names = [name for row in orders for name in re.findall(r"witness\d+\.load\.test", row[0])]
        if len(names) != len(set(names)):
            self.complain(f"{len(names) - len(set(names))} requests were acted on twice")
        print(f"{self.names} requests of the witness, {self.again} sent again and refused; {len(self.revoked)} "
              f"revocations, all in the list number {self.number} ({self.lists} looked at)", flush=True)
        if not (self.again and self.revoked and self.lists):
            self.complain("the witness saw nothing")
