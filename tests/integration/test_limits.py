"""Rate limits and pauses on the real server (RFC 8555, 6.6), and `signet limit`. The arithmetic over weeks is shown by
tests/unit/test_ra_limits.c."""
import concurrent.futures
import json
import socket
import time

import pytest
from cryptography import x509
from harness.acme import Client, check_problem
from harness.keys import Key, b64, csr
from harness.server import Server

LIMITS = {"accounts_per_address": "1000/1h", "orders_per_account": "6/3h", "certificates_per_domain": "20/7d",
          "certificates_per_set": "2/7d", "failures": "2/1h", "pause_after": 3}


@pytest.fixture(scope="module")
def limited(names, responder):
    server = Server(names, responder, config={"ra": {"limits": LIMITS}})
    yield server
    server.close()


def admin(server, *args, check=True):
    done = server.run("limit", *args, "--json", "--dir", server.home, check=check)
    return [json.loads(line) for line in done.stdout.splitlines()] if check else done


def account_id(client):
    return client.kid.rsplit("/", 1)[1]


def new_order(client, names, **more):
    kinds = ["ip" if name[0].isdigit() else "dns" for name in names]
    return client.post(client.directory["newOrder"],
                       {"identifiers": [{"type": kind, "value": name} for kind, name in zip(kinds, names)], **more})


def check_limited(reply, limit, subject=None):
    check_problem(reply, "rateLimited", 429, f"ra.limits.{limit}")
    if subject:
        assert subject in reply.json()["detail"]
    assert 'rel="help"' in reply.headers["Link"]
    return int(reply.headers["Retry-After"])


def spent(server, limit, subject):
    return next((row["used"] for row in admin(server, "list", "--kind", limit) if row["subject"] == subject), 0)


def fail(client, name):
    """An order whose validation fails; the reply to newOrder, or to the challenge, when that is refused."""
    order = new_order(client, [name])
    if order.status_code != 201:
        return order
    url = order.json()["authorizations"][0]
    authorization = client.get(url).json()
    found = next(c for c in authorization["challenges"] if c["type"] == "http-01")     # nothing answers there
    reply = client.post(found["url"], {})
    if reply.status_code == 200:
        assert client.poll(url, ("valid", "invalid")).json()["status"] == "invalid"
    return reply


# --- many at once ------------------------------------------------------------------------------------

def test_fifty_accounts_at_once(limited):
    """Each has its order ready before the first is finalized: exactly twenty get a certificate of the domain, and the
    others are told until when to wait; nothing is spent by the refusals, nor is another domain touched."""
    with concurrent.futures.ThreadPoolExecutor(10) as pool:
        clients = list(pool.map(lambda _: Client(limited), range(50)))
        ready = list(pool.map(lambda i: clients[i].ready([f"h{i}.crowd.test"]), range(50)))
    with concurrent.futures.ThreadPoolExecutor(50) as pool:
        replies = list(pool.map(lambda i: clients[i].finalize(ready[i][0], csr([f"h{i}.crowd.test"], Key())), range(50)))
    refused = [reply for reply in replies if reply.status_code == 429]
    assert len(refused) == 30 and all(reply.status_code == 200 for reply in replies if reply not in refused)
    waits = {check_limited(reply, "certificates_per_domain", "crowd.test") for reply in refused}
    step = 7 * 86400 / 20
    assert max(waits) <= step + 1 and min(waits) > step - 60
    assert refused[0].json()["subproblems"][0]["identifier"]["value"].endswith(".crowd.test")
    assert spent(limited, "certificates_per_domain", "crowd.test") == 20
    for i, reply in enumerate(replies):
        if reply.status_code == 200:
            assert clients[i].poll(ready[i][1], ("valid", "invalid")).json()["status"] == "valid"
        else:       # the order stays ready for when there is one again
            assert clients[i].get(ready[i][1]).json()["status"] == "ready"
    check_limited(new_order(clients[0], ["another.crowd.test"]), "certificates_per_domain", "crowd.test")
    assert new_order(clients[0], ["h0.elsewhere.test"]).status_code == 201
    # a subject that is lifted by command
    admin(limited, "reset", "certificates_per_domain", "crowd.test")
    i = next(i for i, reply in enumerate(replies) if reply.status_code == 429)
    assert clients[i].finalize(ready[i][0], csr([f"h{i}.crowd.test"], Key())).status_code == 200


def test_one_account_many_orders_at_once(limited):
    client = Client(limited)
    bodies = [client.jws(client.directory["newOrder"], {"identifiers": [{"type": "dns", "value": f"o{i}.many.test"}]})
              for i in range(30)]
    with concurrent.futures.ThreadPoolExecutor(15) as pool:
        replies = list(pool.map(lambda body: client.send(client.directory["newOrder"], body), bodies))
    assert sorted(reply.status_code for reply in replies) == [201] * 6 + [429] * 24
    wait = check_limited(next(reply for reply in replies if reply.status_code == 429), "orders_per_account",
                         account_id(client))
    assert 0 < wait <= 1800
    assert spent(limited, "orders_per_account", account_id(client)) == 6


def test_accounts_per_address(make_server):
    server = make_server(config={"ra": {"limits": {"accounts_per_address": "5/1h"}}})
    with concurrent.futures.ThreadPoolExecutor(10) as pool:
        replies = list(pool.map(lambda _: Client(server, register=False).register(), range(20)))
    assert sorted(reply.status_code for reply in replies) == [201] * 5 + [429] * 15
    refused = next(reply for reply in replies if reply.status_code == 429)
    with socket.create_connection(("localhost", server.port), 5) as connection:
        address = connection.getsockname()[0]       # localhost may be ::1
    assert 700 < check_limited(refused, "accounts_per_address", address) <= 720
    # 7.3.1: who has an account is no new one; and the limit is the address's alone
    assert server.run("account", "list", "--json", "--dir", server.home).stdout.count("\n") == 5
    admin(server, "override", "accounts_per_address", address, "none")
    assert Client(server, register=False).register().status_code == 201


def test_rfc8555_6_6_retry_after_is_when_all_limits_allow_it(limited):
    """Two limits refuse the order: one lets go in three hours, the other in a week."""
    client = Client(limited)
    admin(limited, "override", "orders_per_account", account_id(client), "1/3h")
    admin(limited, "override", "certificates_per_domain", "both.test", "1/7d")
    client.issue(["a.both.test"])
    reply = new_order(client, ["b.both.test"])
    wait = check_limited(reply, "orders_per_account", account_id(client))
    assert 7 * 86400 - 60 < wait <= 7 * 86400
    assert "and 1 limits more" in reply.json()["detail"]
    assert "both.test" in reply.json()["subproblems"][0]["detail"]
    assert 3 * 3600 - 60 < check_limited(new_order(client, ["c.another.test"]), "orders_per_account") <= 3 * 3600


# --- renewals ------------------------------------------------------------------------------------------

def certid(issued):
    aki = issued.leaf.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
    serial = issued.leaf.serial_number
    return f"{b64(aki)}.{b64(serial.to_bytes(serial.bit_length() // 8 + 1, 'big'))}"


def test_renewals(limited):
    """The same names again take no order and no certificate of the domain, but one of the set's; what says which
    certificate it replaces takes nothing at all (RFC 9773)."""
    client = Client(limited)
    issued = client.issue(["a.renewed.test", "b.renewed.test"])
    before = [spent(limited, "orders_per_account", account_id(client)),
              spent(limited, "certificates_per_domain", "renewed.test")]
    assert before == [1, 1]
    client.issue(["b.renewed.test", "a.renewed.test"])          # in whatever order
    check_limited(new_order(client, ["a.renewed.test", "b.renewed.test"]), "certificates_per_set")
    last = issued
    for _ in range(8):      # more than any limit has
        last = client.issue(["a.renewed.test", "b.renewed.test"], replaces=certid(last))
    assert [spent(limited, "orders_per_account", account_id(client)),
            spent(limited, "certificates_per_domain", "renewed.test")] == before
    admin(limited, "reset", "certificates_per_set", "b.renewed.test,a.renewed.test")
    assert new_order(client, ["a.renewed.test", "b.renewed.test"]).status_code == 201


def test_nothing_is_spent_by_a_bad_csr(limited):
    """ca refuses: the order is ready again, and the certificate can still be had."""
    client = Client(limited)
    order, url = client.ready(["again.badcsr.test"])
    request = csr(["again.badcsr.test"], Key())
    broken = request[:-4] + bytes([request[-4] ^ 1]) + request[-3:]         # its self-signature, which ca alone checks
    check_problem(client.finalize(order, broken), "badCSR", 400)
    assert spent(limited, "certificates_per_domain", "badcsr.test") == 0
    assert client.finalize(order, csr(["again.badcsr.test"], Key())).status_code == 200
    assert client.poll(url, ("valid", "invalid")).json()["status"] == "valid"
    assert spent(limited, "certificates_per_domain", "badcsr.test") == 1


# --- failures and pauses -------------------------------------------------------------------------------

def test_failures_and_pause(limited, names):
    client, stranger = Client(limited), Client(limited)
    admin(limited, "override", "orders_per_account", account_id(client), "none")
    for _ in range(2):
        assert fail(client, "stuck.test").status_code == 200
    check_limited(fail(client, "stuck.test"), "failures", "stuck.test")
    # an order that it had before doesn't get round it either
    admin(limited, "reset", "failures", f"{account_id(client)}/stuck.test")
    pending = new_order(client, ["stuck.test"]).json()["authorizations"][0]
    check = client.get(pending).json()["challenges"][0]["url"]
    assert fail(client, "stuck.test").status_code == 200                    # the third, one after the other
    reply = new_order(client, ["www.stuck.test", "stuck.test"])
    check_problem(reply, "rateLimited", 429, "paused")
    assert [sub["identifier"]["value"] for sub in reply.json()["subproblems"]] == ["stuck.test"]
    assert f"signet limit unpause {account_id(client)}" in reply.json()["subproblems"][0]["detail"]
    assert client.get(check).status_code == 200
    reply = client.post(client.directory["newAuthz"], {"identifier": {"type": "dns", "value": "stuck.test"}})
    check_problem(reply, "rateLimited", 429, "paused")
    # another name, another account
    assert new_order(client, ["www.stuck.test"]).status_code == 201
    assert new_order(stranger, ["stuck.test"]).status_code == 201
    row, = admin(limited, "paused", "--account", account_id(client))
    assert (row["name"], row["failures"]) == ("stuck.test", 3)
    done = admin(limited, "unpause", account_id(client), "--name", "other.test", check=False)
    assert done.returncode == 1 and "nothing is paused" in done.stderr
    admin(limited, "unpause", account_id(client), "--name", "stuck.test")
    assert admin(limited, "paused", "--account", account_id(client)) == []
    assert new_order(client, ["stuck.test"]).status_code == 201
    assert client.issue(["stuck.test"]).names == ["stuck.test"]


def test_challenge_is_refused_after_failures(limited):
    client = Client(limited)
    pending = [new_order(client, ["pending.stuck2.test"]).json()["authorizations"][0] for _ in range(1)]
    for _ in range(2):
        assert fail(client, "pending.stuck2.test").status_code == 200
    url = client.get(pending[0]).json()["challenges"][0]["url"]
    check_limited(client.post(url, {}), "failures", "pending.stuck2.test")
    assert client.get(pending[0]).json()["status"] == "pending"             # nothing has become of it


def test_pause_holds_for_authorizations_that_are_there_already(limited):
    """newAuthz gives as many as are asked for; none of them is proved or tried any more."""
    client, name = Client(limited), "hoarded.test"
    admin(limited, "override", "pause_after", account_id(client), "1")
    hoard = [client.post(client.directory["newAuthz"], {"identifier": {"type": "dns", "value": name}}).headers["Location"]
             for _ in range(2)]
    assert fail(client, name).status_code == 200            # an order takes one of them
    left, = [url for url in hoard if client.get(url).json()["status"] == "pending"]
    challenge = client.challenge(left)
    reply = client.post(challenge["url"], {})
    check_problem(reply, "rateLimited", 429, "paused")
    assert reply.json()["subproblems"][0]["identifier"]["value"] == name
    assert client.get(left).json()["status"] == "pending"
    admin(limited, "unpause", account_id(client))
    assert client.post(challenge["url"], {}).status_code == 200
    assert client.poll(left, ("valid", "invalid")).json()["status"] == "valid"


def test_new_authz_is_no_way_around_the_limit_on_orders(limited):
    client = Client(limited)
    for i in range(6):
        reply = client.post(client.directory["newAuthz"], {"identifier": {"type": "dns", "value": f"a{i}.around.test"}})
        assert reply.status_code == 201
    reply = client.post(client.directory["newAuthz"], {"identifier": {"type": "dns", "value": "a6.around.test"}})
    assert 1780 < check_limited(reply, "orders_per_account", account_id(client)) <= 1800
    check_limited(new_order(client, ["a0.around.test"]), "orders_per_account")
    assert spent(limited, "orders_per_account", account_id(client)) == 6


# --- overrides and the commands ------------------------------------------------------------------------

def test_overrides(limited):
    client, plain = Client(limited), Client(limited)
    admin(limited, "override", "orders_per_account", account_id(client), "8/1h")
    codes = [new_order(client, [f"o{i}.override.test"]).status_code for i in range(9)]
    assert codes == [201] * 8 + [429]
    assert {"limit": "orders_per_account", "rate": "8/1h", "subject": account_id(client)} in admin(limited, "rates")
    admin(limited, "override", "orders_per_account", account_id(client), "default")
    assert account_id(client) not in [row.get("subject") for row in admin(limited, "rates")]
    assert next(row["of"] for row in admin(limited, "list") if row["subject"] == account_id(client)) == 6
    admin(limited, "override", "certificates_per_domain", "Override.test", "1/7d")
    assert plain.issue(["a.override.test"]).names == ["a.override.test"]
    assert new_order(plain, ["b.override.test"]).status_code == 429
    # it stays over a restart
    limited.stop()
    limited.start()
    plain = Client(limited, plain.key)
    assert new_order(plain, ["b.override.test"]).status_code == 429
    admin(limited, "override", "certificates_per_domain", account_id(plain), "none")
    assert new_order(plain, ["b.override.test"]).status_code == 201


@pytest.mark.parametrize("kind, subject, normal", [
    ("accounts_per_address", "2001:DB8:0:0::1", "2001:db8::1"), ("accounts_per_network", "2001:db8:0:1::/48", "2001:db8::/48"),
    ("accounts_per_address", "::ffff:10.0.0.7", "10.0.0.7"), ("failures", "::ffff:a00:7", "10.0.0.7"),
    ("certificates_per_domain", "Example.CO.uk", "example.co.uk"), ("certificates_per_domain", "2001:DB8::7/64", "2001:db8::/64"),
    ("certificates_per_domain", "10.0.0.7", "10.0.0.7"), ("failures", "NAS.Example.org", "nas.example.org"),
    ("pause_after", "2001:DB8::7", "2001:db8::7")])
def test_subjects_are_written_as_the_limits_write_them(limited, kind, subject, normal):
    """Or else no request would ever find the override."""
    rate = "3" if kind == "pause_after" else "5/1h"
    assert admin(limited, "override", kind, subject, rate) == [{"limit": kind, "rate": rate, "subject": normal}]
    assert {"limit": kind, "rate": rate, "subject": normal} in admin(limited, "rates")
    admin(limited, "override", kind, subject, "default")
    assert normal not in [row.get("subject") for row in admin(limited, "rates")]


def test_reset_and_unpause_take_any_way_of_writing(limited):
    client, name = Client(limited), "written.test"
    client.issue([f"a.{name}"])
    assert spent(limited, "certificates_per_domain", name) == 1
    admin(limited, "reset", "certificates_per_domain", "Written.TEST")
    assert spent(limited, "certificates_per_domain", name) == 0
    admin(limited, "override", "pause_after", account_id(client), "1")
    assert fail(client, name).status_code == 200
    admin(limited, "reset", "failures", f"{account_id(client)}/Written.TEST")
    assert spent(limited, "failures", f"{account_id(client)}/{name}") == 0
    admin(limited, "unpause", account_id(client), "--name", "*.Written.TEST")
    assert new_order(client, [name]).status_code == 201


@pytest.mark.parametrize("args, words", [
    (["override", "orders_per_account", "nobody", "5/1h"], "has to be an account"),
    (["override", "accounts_per_address", "x", "5/1h"], "has to be an address"),
    (["override", "accounts_per_network", "10.0.0.0/8", "5/1h"], "has to be a /48 of IPv6"),
    (["override", "certificates_per_domain", "a b", "5/1h"], "a registered domain"),
    (["override", "certificates_per_domain", "a.test", "often"], "as in 50/7d, or none"),
    (["override", "pause_after", "a.test", "5/1h"], "a number from 1 to 1000000"),
    (["override", "certificates_per_domain", "unknown.test", "default"], "has no override"),
    (["override", "nonsense", "a.test", "5/1h"], '"kind" has to be'),
    (["override", "certificates_per_domain", "www.example.co.uk", "5/1h"],
     "certificates for www.example.co.uk are counted by example.co.uk; name that instead"),
    (["override", "certificates_per_domain", "2001:db8::7", "5/1h"], "are counted by 2001:db8::/64; name that instead"),
    (["override", "certificates_per_domain", "10.0.0.0/8", "5/1h"], "an IPv4 address or a /64 of IPv6"),
    (["override", "failures", "*.a.test", "5/1h"], "a name or address"),
    (["override", "orders_per_account", "a.test", "5/1h"], "has to be an account"),
    (["override", "orders_per_account", "AAAAAAAAAAAAAAAAAAAAAA", "5/1h"], "there is no account AAAAAAAAAAAAAAAAAAAAAA"),
    (["reset", "certificates_per_domain", "unspent.test"], "nothing is spent"),
    (["reset", "certificates_per_domain", "www.example.co.uk"], "counted by example.co.uk; name that instead"),
    (["reset", "accounts_per_address", "nonsense"], "has to be an address"),
    (["reset", "failures", "a.test"], "has to be an account, a slash and a name"),
    (["reset", "failures", "AAAAAAAAAAAAAAAAAAAAAA/a b"], "has to be an account, a slash and a name"),
    (["reset", "orders_per_account", "a.test"], "has to be an account"),
    (["reset", "certificates_per_set", "a..test"], "no certificates_per_set"),
    (["reset", "pause_after", "a.test"], "unpause"),
    (["unpause", "AAAAAAAAAAAAAAAAAAAAAA"], "nothing is paused"),
], ids=" ".join)
def test_wrong_commands(limited, args, words):
    done = admin(limited, *args, check=False)
    assert done.returncode == 1 and words in done.stderr, done.stderr


def test_for_people(limited):
    Client(limited).order(["people.test"])
    for verb, head in (("rates", "LIMIT"), ("list", "SPENT")):
        assert head in limited.run("limit", verb, "--dir", limited.home).stdout.splitlines()[0]


@pytest.mark.parametrize("preset, rates", [
    ("private", ["none"] * 7), ("pebble", ["none"] * 7),
    ("webpki", ["10/3h", "500/3h", "300/3h", "50/7d", "5/7d", "5/1h", "1152"])])
def test_presets(make_server, preset, rates):
    server = make_server(init=("--preset", preset))
    assert [row["rate"] for row in admin(server, "rates")] == rates
    if preset == "private":
        client = Client(server)
        for i in range(12):
            client.order([f"{i}.free.test"])
        assert admin(server, "list") == []


def test_buckets_go_when_they_are_full_again(make_server):
    """Housekeeping, which runs at the start and each minute."""
    server = make_server(config={"ra": {"limits": {"orders_per_account": "5/1s", "certificates_per_domain": "9/7d"}}})
    client = Client(server)
    client.issue(["kept.test"])
    time.sleep(1.1)         # the second is what is waited for
    server.stop()
    server.start()
    server.wait_log("expired objects deleted count=1")
    assert [row["limit"] for row in admin(server, "list")] == ["certificates_per_domain"]
