"""Rate limits over simulated weeks, on the real server with the test clock, with fifty accounts at once."""
import concurrent.futures

import pytest
import requests
from harness.acme import Client, check_problem
from harness.keys import Key, csr
from harness.ports import free_port
from harness.server import Server

WEEK = 7 * 86400
STEP = WEEK // 10
ACCOUNTS = 50


class Timed:
    """A server whose clock the test moves."""

    def __init__(self, names, responder):
        self.management = free_port()
        self.server = Server(names, responder, init=("--preset", "pebble"), config={"surface": "native",
            "ra": {"limits": {"certificates_per_domain": "10/7d", "orders_per_account": "2/3h", "failures": "2/1h"},
                   "nonce_rejection": 0, "reuse_authorizations": False,
                   "terms_of_service": "", "lifetimes": {"order": "30d", "valid_authorization": "30d"}},
            "va": {"sleep": 0, "always_valid": True},
            "wfe": {"management_listen": [f"127.0.0.1:{self.management}"]}})

    def manage(self, call, body):
        reply = requests.post(f"https://127.0.0.1:{self.management}/{call}", json=body, verify=False)
        assert reply.status_code == 200, reply.text

    def forward(self, seconds):
        self.manage("clock", {"forward": seconds})


@pytest.fixture
def timed(names, responder):
    made = Timed(names, responder)
    yield made
    made.server.close()


def at_once(what, items):
    with concurrent.futures.ThreadPoolExecutor(ACCOUNTS) as pool:
        return list(pool.map(what, items))


def refused(reply, limit):
    check_problem(reply, "rateLimited", 429, f"ra.limits.{limit}")
    return int(reply.headers["Retry-After"])


@pytest.mark.filterwarnings("ignore:Unverified")
def test_orders_come_back_as_retry_after_says(timed):
    client = Client(timed.server)
    names = (f"o{i}.orders.example" for i in range(99))

    def order():
        return client.post(client.directory["newOrder"], {"identifiers": [{"type": "dns", "value": next(names)}]})

    assert [order().status_code for _ in range(2)] == [201, 201]
    wait = refused(order(), "orders_per_account")
    assert 5400 - 60 < wait <= 5400
    timed.forward(wait - 20)        # what the test itself needs is less than that
    assert order().status_code == 429
    timed.forward(20)
    assert order().status_code == 201 and order().status_code == 429


@pytest.mark.filterwarnings("ignore:Unverified")
@pytest.mark.parametrize("problem, counts", [("connection", True), ("dns", True), ("caa", True),
                                             ("serverInternal", False), ("rateLimited", False)])
def test_what_counts_as_a_failed_validation(timed, problem, counts):
    """What the client can mend; not what the CA itself was at a loss for."""
    client = Client(timed.server)

    def fail():
        timed.manage("faults", {"faults": [{"endpoint": "challenge", "validationError": problem}]})
        url = client.post(client.directory["newOrder"], {"identifiers": [{"type": "dns", "value": "hit.test"}]})
        if url.status_code != 201:
            return url
        url = url.json()["authorizations"][0]
        client.post(client.get(url).json()["challenges"][0]["url"], {})
        done = client.poll(url, ("valid", "invalid")).json()
        assert done["status"] == "invalid" and done["challenges"][0]["error"]["type"].endswith(problem)
        return None

    timed.server.run("limit", "override", "orders_per_account", client.kid.rsplit("/", 1)[1], "none", "--dir",
                     timed.server.home)
    assert [fail() for _ in range(2)] == [None, None]
    last = fail()
    if counts:
        check_problem(last, "rateLimited", 429, "ra.limits.failures")
    else:
        assert last is None


@pytest.mark.long
@pytest.mark.filterwarnings("ignore:Unverified")
def test_four_weeks_with_fifty_accounts_at_once(timed):
    """Each week all fifty have an order ready and finalize it at the same moment: ten certificates, never more; in the
    week between, one for each tenth of it, exactly when Retry-After said so."""
    clients = at_once(lambda _: Client(timed.server), range(ACCOUNTS))
    for week in range(4):
        ready = at_once(lambda i: clients[i].ready([f"w{week}-{i}.weeks.test"]), range(ACCOUNTS))

        def finalize(i, ready=ready, week=week):
            return clients[i].finalize(ready[i][0], csr([f"w{week}-{i}.weeks.test"], Key()))

        replies = at_once(finalize, range(ACCOUNTS))
        waiting = [i for i, reply in enumerate(replies) if reply.status_code != 200]
        assert len(waiting) == ACCOUNTS - 10, week
        waits = [refused(replies[i], "certificates_per_domain") for i in waiting]
        assert STEP - 60 < min(waits) and max(waits) <= STEP
        for _ in range(2):          # a certificate more for each wait, and for nobody else
            timed.forward(refused(finalize(waiting[0]), "certificates_per_domain"))
            again = at_once(finalize, waiting)
            good = [i for i, reply in zip(waiting, again) if reply.status_code == 200]
            assert len(good) == 1, (week, [reply.status_code for reply in again])
            waiting.remove(good[0])
        timed.forward(WEEK)         # full again, however long it was left alone
