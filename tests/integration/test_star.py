"""RFC 8739 beneath the protocol: each certificate once whatever dies, what operators do, and what is configured."""
import contextlib
import datetime
import json
import os
import signal
import sqlite3
import time

import pytest
import requests
from cryptography import x509
from harness import keys
from harness.acme import Client, check_problem
from harness.keys import Key
from harness.server import Server

ON = {"ca": {"auto_renewal": {"max_duration": "30d", "min_lifetime": "10s"}}}


@pytest.fixture
def make_server(names, responder):
    made = []

    def go(config, **kw):
        made.append(Server(names, responder, config, **kw))
        return made[-1]
    yield go
    for server in made:
        server.close()


def moment(seconds):
    return (datetime.datetime.utcnow() + datetime.timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


class Star:
    def __init__(self, server, name, seconds, lifetime=10, key=None, **more):
        self.server, self.client, self.key = server, Client(server), key or Key()
        order, self.url = self.client.ready([name], **{"auto-renewal": {
            "end-date": moment(seconds), "lifetime": lifetime, "allow-certificate-get": True, **more}})
        self.client.finalize(order, keys.csr([name], self.key))
        self.order = self.client.poll(self.url, ("valid", "invalid")).json()
        assert self.order["status"] == "valid", self.order
        self.place = self.order["star-certificate"]

    def get(self):
        return requests.get(self.place, verify=self.server.root, timeout=10)

    def serial(self):
        """None: there is none at this time."""
        try:
            reply = self.get()
        except requests.ConnectionError:                        # the roles start again
            return None
        return x509.load_pem_x509_certificate(reply.content).serial_number if reply.status_code == 200 else None

    def row(self):
        """(number, asked)"""
        with contextlib.closing(sqlite3.connect(f"file:{self.server.home}/data/signet.db?mode=ro", uri=True)) as db:
            return db.execute("SELECT number, asked FROM stars").fetchone()


def wait(until, seconds=20):
    end = time.monotonic() + seconds
    while not (found := until()):
        assert time.monotonic() < end
        time.sleep(0.05)
    return found


def ledger(server):
    """Serials of what was signed for orders, by the name that the ledger gives each."""
    lines = [line.split() for line in server.run("ledger", "list", "--dir", server.home).stdout.splitlines()]
    found = {}
    for line in lines:
        if len(line) == 3 and line[1] != "server" and line[0].endswith("Z"):
            assert line[1] not in found, line                   # never two of one name
            found[line[1]] = int(line[2], 16)
    return found


def listed(server):
    text = server.run("cert", "list", "--dir", server.home, "--json").stdout
    return [int(json.loads(line)["serial"], 16) for line in text.splitlines()]


def signed_without_ra(server, star, first):
    """ca signs the second certificate, and ra is stopped before it has it: its serial, and the roles."""
    roles = server.roles()
    os.kill(roles["ca"], signal.SIGSTOP)
    wait(lambda: star.row() == (1, 2))                          # due, and ca is asked
    time.sleep(0.3)
    os.kill(roles["ra"], signal.SIGSTOP)
    os.kill(roles["ca"], signal.SIGCONT)
    serial, = wait(lambda: set(ledger(server).values()) - {first})
    return serial, roles


def test_what_ca_signed_when_ra_died_is_not_signed_again(make_server):
    server = make_server(ON)
    star = Star(server, "killed.test", 600, **{"lifetime-adjust": 8})
    first = star.serial()
    serial, roles = signed_without_ra(server, star, first)
    os.kill(roles["ra"], signal.SIGKILL)                        # and all roles start again
    assert wait(lambda: (now := star.serial()) != first and now) == serial
    assert len(ledger(server)) == 2


def test_what_ca_signed_is_known_even_when_it_is_over(make_server):
    """Nobody was there until it had ended: it is asked for all the same, so that no certificate is in the world that the
    database doesn't know; and then the one of now is made."""
    server = make_server(ON)
    star = Star(server, "over.test", 600, **{"lifetime-adjust": 8})
    first = star.serial()
    end = time.monotonic() + 21                                 # out at 2 s, the second ends at 20 s
    serial, roles = signed_without_ra(server, star, first)
    for pid in (server.process.pid, *roles.values()):
        os.kill(pid, signal.SIGKILL)
    server.process.wait()
    time.sleep(max(0, end - time.monotonic()))
    server.start()
    newest = wait(lambda: (now := star.serial()) not in (None, serial) and now)
    assert {first, serial, newest} <= set(listed(server))
    assert len(set(ledger(server).values())) == len(ledger(server)) and star.row()[0] >= 3


def test_what_ca_signed_is_known_even_when_it_was_canceled(make_server):
    """Canceled before anybody asked for it again: nobody gets it, but an operator sees it."""
    server = make_server(ON)
    star = Star(server, "canceled.test", 3600, lifetime=320, **{"lifetime-adjust": 317})
    first = star.serial()
    serial, roles = signed_without_ra(server, star, first)
    since = len(server.log())
    os.kill(roles["ra"], signal.SIGKILL)
    server.wait_log("supervisor ready", since)                  # ca is asked again after ten seconds
    star.client.nonces.clear()
    assert star.client.post(star.url, {"status": "canceled"}).status_code == 200
    assert serial not in listed(server)
    wait(lambda: serial in listed(server))
    check_problem(star.get(), "autoRenewalCanceled", 403, "canceled")
    assert len(ledger(server)) == 2


def processing(server, name, **more):
    """An order whose finalize request waits for ca, which is stopped: (client, URL, roles)."""
    client, roles = Client(server), server.roles()
    order, url = client.ready([name], **{"auto-renewal": {"end-date": moment(600), "lifetime": 10, **more}})
    os.kill(roles["ca"], signal.SIGSTOP)
    assert client.finalize(order, keys.csr([name], Key())).json()["status"] == "processing"
    return client, url, roles


def test_killed_before_the_first_certificate(make_server):
    server = make_server(ON)
    client, url, roles = processing(server, "first.test")
    os.kill(roles["ra"], signal.SIGKILL)
    os.kill(roles["ca"], signal.SIGKILL)
    server.wait_log("taken up again")
    client.nonces.clear()                                       # they were the dead one's
    assert client.poll(url, ("valid", "invalid")).json()["status"] == "valid"
    assert len(ledger(server)) == 1


def test_the_first_certificate_would_be_over(make_server):
    """ca was away for longer than it would have lived: the order gets the one of now."""
    server = make_server(ON)
    client, url, roles = processing(server, "late.test", **{"lifetime-adjust": 8})
    time.sleep(10.5)
    os.kill(roles["ca"], signal.SIGCONT)
    order = client.poll(url, ("valid", "invalid")).json()
    assert order["status"] == "valid" and client.get(order["star-certificate"]).status_code == 200, order


def test_revoked_by_an_operator(make_server):
    """`signet cert revoke` takes this certificate back, and there is no further one."""
    server = make_server(ON)
    star = Star(server, "operator.test", 86400 * 20, lifetime=86400)
    serial = f"{star.serial():x}"
    listed_before = json.loads(server.run("cert", "list", "--serial", serial, "--dir", server.home, "--json").stdout)
    assert listed_before["renewedUntil"] == star.order["auto-renewal"]["end-date"]
    shown = json.loads(server.run("cert", "revoke", serial, "--reason", "keyCompromise", "--dir", server.home,
                                  "--json").stdout)
    assert shown["state"] == "revoked" and "renewedUntil" not in shown
    check_problem(star.get(), "autoRenewalCanceled", 403, "canceled")
    assert star.client.get(star.url).json()["status"] == "canceled"
    # and of the key there is no other certificate either
    order, _ = star.client.ready(["operator.test"])
    check_problem(star.client.finalize(order, keys.csr(["operator.test"], star.key)), "badCSR", 400, "compromised")


def test_a_compromised_key_is_not_renewed(make_server):
    """Where another certificate of the key was revoked for that."""
    server = make_server(ON)
    star = Star(server, "known-key.test", 600)
    order, url = star.client.ready(["other.test"])
    star.client.finalize(order, keys.csr(["other.test"], star.key))
    pem = star.client.get(star.client.poll(url, ("valid",)).json()["certificate"]).content
    leaf = x509.load_pem_x509_certificate(pem)
    server.run("cert", "revoke", f"{leaf.serial_number:x}", "--reason", "keyCompromise", "--dir", server.home)
    error = wait(lambda: star.client.get(star.url).json().get("error"))
    assert error["type"].endswith(":badCSR") and "compromised" in error["detail"]
    assert star.row()[0] == 1


def test_an_account_that_an_operator_ended(make_server):
    server = make_server(ON)
    star = Star(server, "ended.test", 86400 * 20, lifetime=86400)
    server.run("account", "deactivate", star.client.kid.rsplit("/", 1)[1], "--dir", server.home)
    check_problem(star.get(), "autoRenewalCanceled", 403, "canceled")


def test_off_unless_configured(make_server):
    server = make_server({})
    client = Client(server)
    assert "auto-renewal" not in client.directory["meta"]
    reply = client.post(client.directory["newOrder"], {
        "identifiers": [{"type": "dns", "value": "off.test"}],
        "auto-renewal": {"end-date": moment(86400 * 9), "lifetime": 86400}})
    check_problem(reply, "malformed", 400, "doesn't renew certificates by itself")


def test_no_get_where_it_is_configured_so(make_server):
    server = make_server({"ca": {"auto_renewal": {"max_duration": "30d", "certificate_get": False}}})
    star = Star(server, "no-get.test", 86400 * 9, lifetime=86400)
    assert star.client.directory["meta"]["auto-renewal"] == {"min-lifetime": 86400, "max-duration": 30 * 86400}
    assert "allow-certificate-get" not in star.order["auto-renewal"]
    check_problem(star.get(), "unauthorized", 403, "POST-as-GET")
    assert star.client.get(star.place).status_code == 200


@pytest.mark.parametrize("bad, word", [
    ({"max_duration": "1h"}, "max_duration: is less than min_lifetime"),
    ({"max_duration": "300d", "min_lifetime": "60d"}, "min_lifetime: and the 9/16 of it"),
    ({"max_duration": "30d", "told": False}, "told")])
def test_what_can_not_be(make_server, bad, word):
    server = make_server({"ca": {"auto_renewal": bad}}, start=False)
    done = server.run("check", "--dir", server.home, check=False)
    assert done.returncode == 1 and word in done.stdout + done.stderr, done.stdout + done.stderr


def test_switched_off_meanwhile(make_server):
    """Then nothing is renewed any more, and what there is stays until it ends."""
    server = make_server(ON)
    star = Star(server, "switched.test", 600)
    server.configure({"ca": {"auto_renewal": {"max_duration": "0s"}}})
    since = len(server.log())
    server.signal(signal.SIGHUP)
    server.wait_log("ready", since)
    first = star.serial()
    time.sleep(6)
    assert star.serial() == first and star.row() == (1, 1)
