"""What signet pebble has beyond Pebble: faults on demand, a clock that moves, state away and back, a seed, a CA that stays,
ports that it chooses itself."""
import datetime
import json
import os
import subprocess
import time
from email.utils import parsedate_to_datetime

import pytest
import requests
from cryptography import x509
from harness import keys
from harness.keys import Key
from harness.pebble import Pebble, problem
from harness.server import PROGRAM

CALM = {"PEBBLE_WFE_NONCEREJECT": "0", "PEBBLE_AUTHZREUSE": "0", "PEBBLE_VA_NOSLEEP": "1"}


@pytest.fixture(scope="module")
def server(challenges):
    made = Pebble("signet", challenges, env=CALM)
    yield made
    made.close()


@pytest.fixture
def client(server):
    server.manage("/faults", "DELETE")
    yield server.client()
    server.manage("/faults", "DELETE")


def script(server, *rules):
    reply = server.manage("/faults", "POST", json={"faults": list(rules)})
    assert reply.status_code == 200, reply.text


def order(client, name="fault.test"):
    return client.post(client.directory["newOrder"], {"identifiers": [{"type": "dns", "value": name}]})


# --- faults --------------------------------------------------------------------------------------------


def test_status_and_problem(server, client):
    script(server, {"endpoint": "new-order", "status": 503, "type": "serverInternal", "detail": "down", "retryAfter": 7})
    reply = order(client)
    problem(reply, "serverInternal", 503, "down")
    assert reply.headers["Retry-After"] == "7" and reply.headers["Replay-Nonce"]
    assert client.get(client.kid).status_code == 200            # another endpoint
    assert server.manage("/faults", "DELETE").status_code == 200
    assert order(client).status_code == 201


def now(server):
    """By its clock, which other tests move."""
    return datetime.datetime.fromisoformat(server.manage("/clock").json()["now"].replace("Z", "+00:00")).timestamp()


def test_retry_after_as_a_date(server, client):
    script(server, {"endpoint": "new-order", "type": "rateLimited", "retryAfter": 60, "retryAfterForm": "date"})
    reply = order(client)
    problem(reply, "rateLimited", 429)
    assert 50 < parsedate_to_datetime(reply.headers["Retry-After"]).timestamp() - now(server) < 70


def test_nth_and_times(server, client):
    script(server, {"endpoint": "new-order", "status": 500, "nth": 2})
    assert [order(client).status_code for _ in range(4)] == [201, 500, 201, 201]
    script(server, {"endpoint": "new-order", "status": 500, "times": 2})
    assert [order(client).status_code for _ in range(4)] == [500, 500, 201, 201]
    shown = server.manage("/faults").json()["faults"]
    assert [(rule["met"], rule["done"]) for rule in shown] == [(2, 2)]


def test_percentage(server, client):
    script(server, {"endpoint": "new-order", "status": 500, "percent": 40})
    failed = sum(order(client).status_code == 500 for _ in range(100))
    assert 15 < failed < 70


def test_account(server, client):
    other = server.client()
    script(server, {"account": client.kid, "endpoint": "new-order", "status": 403, "type": "unauthorized"})
    assert (order(client).status_code, order(other).status_code) == (403, 201)


def test_delay(server, client):
    script(server, {"endpoint": "new-order", "delay": 600, "times": 1})
    begun = time.monotonic()
    assert order(client).status_code == 201
    assert 0.55 < time.monotonic() - begun < 5


@pytest.mark.parametrize("how", ("reset", "truncate"))
def test_connection(server, client, how):
    script(server, {"endpoint": "new-order", "connection": how, "times": 1})
    with pytest.raises(requests.RequestException):             # of half an answer some only see that it is no JSON
        order(client).json()
    assert order(client).status_code == 201


def test_nonces(server, client):
    script(server, {"endpoint": "new-order", "nonce": "missing", "times": 1})
    assert "Replay-Nonce" not in order(client).headers
    script(server, {"endpoint": "new-order", "nonce": "stale", "times": 1})
    stale = order(client).headers["Replay-Nonce"]
    problem(client.post(client.kid, None, nonce=stale), "badNonce", 400)


@pytest.mark.parametrize("kind,found", (("text/html", "text/html; charset=utf-8"), ("", None)))
def test_content_type(server, client, kind, found):
    script(server, {"endpoint": "new-order", "contentType": kind})
    reply = order(client)
    assert reply.headers.get("Content-Type") == found and reply.json()["status"] == "pending"


def test_what_is_read_by_get(server, client):
    """The directory, newNonce and renewal information, which nobody signs."""
    urls = {"directory": server.directory_url, "new-nonce": client.directory["newNonce"]}
    for endpoint, url in urls.items():
        before = client.http.get(url)
        script(server, {"endpoint": endpoint, "status": 503, "type": "serverInternal", "retryAfter": 3, "times": 1},
               {"endpoint": endpoint, "connection": "reset", "times": 1}, {"endpoint": endpoint, "delay": 300, "times": 1})
        reply = client.http.get(url)
        problem(reply, "serverInternal", 503)
        assert reply.headers["Retry-After"] == "3"
        with pytest.raises(requests.ConnectionError):
            client.http.get(url)
        begin = time.monotonic()
        after = client.http.get(url)
        assert time.monotonic() - begin > 0.25
        assert (after.status_code, after.content, sorted(after.headers)) == (
            before.status_code, before.content, sorted(before.headers))
    head = client.http.head(urls["new-nonce"])
    assert head.status_code == 200 and head.headers["Replay-Nonce"]
    assert client.http.get(urls["new-nonce"]).status_code == 204
    script(server, {"endpoint": "new-nonce", "nonce": "missing", "times": 1})
    assert "Replay-Nonce" not in client.http.head(urls["new-nonce"]).headers


def test_slow_issuance(server, client):
    script(server, {"endpoint": "finalize", "issuanceDelay": 700})
    ready, url = client.ready(["slow.test"])
    begun = time.monotonic()
    assert client.finalize(ready, keys.csr(["slow.test"], Key())).json()["status"] == "processing"
    assert client.get(url).json()["status"] == "processing"
    client.poll(url, ("valid",))
    assert 0.6 < time.monotonic() - begun < 5


def test_slow_validation(server, client):
    script(server, {"endpoint": "challenge", "validationDelay": 700})
    begun = time.monotonic()
    client.ready(["slow-validation.test"])
    assert 0.6 < time.monotonic() - begun < 5


def test_failing_validation(server, client):
    script(server, {"endpoint": "challenge", "validationError": "dns", "detail": "no such name, says the script"})
    made = order(client, "failing.test").json()
    url = made["authorizations"][0]
    client.post(client.challenge(url)["url"], {})
    failed = client.poll(url, ("invalid",)).json()["challenges"][0]["error"]
    assert failed["type"].endswith(":dns") and failed["detail"] == "no such name, says the script"


@pytest.mark.parametrize("rule,what", (
    ({"endpoint": "nix"}, "endpoint"), ({"account": "x"}, "account"), ({"nth": 0}, "nth"), ({"percent": 101}, "percent"),
    ({"status": 99}, "status"), ({"type": "nix"}, "type"), ({"delay": "1"}, "delay"), ({"connection": "slow"}, "connection"),
    ({"nonce": 1}, "nonce"), ({"contentType": "image/png"}, "contentType"), ({"retryAfterForm": "x"}, "retryAfterForm"),
    ({"validationError": "x"}, "validationError"), (7, "object")))
def test_bad_rules(server, client, rule, what):
    script(server, {"status": 418})
    reply = server.manage("/faults", "POST", json={"faults": [{}, rule]})
    assert reply.status_code == 400 and what in reply.text and "faults[1]" in reply.text
    assert server.manage("/faults").json()["faults"][0]["status"] == 418       # nothing has changed


def test_a_script_from_a_file(challenges, tmp_path):
    file = tmp_path / "faults.json"
    file.write_text(json.dumps({"faults": [{"endpoint": "new-order", "status": 500, "times": 1}],
                                "limits": {"orders_per_account": "1/1h"}}))
    made = Pebble("signet", challenges, env=CALM, args=("-faults", str(file)))
    try:
        client = made.client()
        assert [order(client).status_code for _ in range(3)] == [500, 201, 429]
    finally:
        made.close()


LETS_ENCRYPT = {"accounts_per_address": "10/3h", "orders_per_account": "300/3h", "certificates_per_domain": "50/7d",
                "certificates_per_set": "5/7d", "failures": "5/1h"}


def test_rate_limits(server, client):
    """Of Let's Encrypt's shape, as ra.limits has them: counted, with Retry-After, and gone when they are taken away."""
    reply = server.manage("/faults", "POST", json={"limits": {**LETS_ENCRYPT, "orders_per_account": "2/1h"}})
    assert reply.status_code == 200 and reply.json()["limits"]["orders_per_account"] == "2/3600s"
    assert [order(client, f"rate-{i}.test").status_code for i in range(2)] == [201, 201]
    reply = order(client, "rate-2.test")
    problem(reply, "rateLimited", 429, "2")
    assert 0 < int(reply.headers["Retry-After"]) <= 3600
    assert order(server.client(), "rate-3.test").status_code == 201         # another account's
    assert server.manage("/faults", "DELETE").status_code == 200
    assert order(client, "rate-2.test").status_code == 201
    assert set(server.manage("/faults").json()["limits"].values()) == {"none", 0}


def test_the_set_limit(server, client):
    server.manage("/faults", "POST", json={"limits": {"certificates_per_set": "1/7d"}})
    client.issue(["set.test"])
    problem(order(client, "set.test"), "rateLimited", 429, "exactly the names")
    assert server.manage("/clock", "POST", json={"forward": 8 * 86400}).status_code == 200
    client = server.client()                                # whatever expired meanwhile
    client.issue(["set.test"])


@pytest.mark.parametrize("limits, what", (
    ({"orders_per_account": "many"}, "orders_per_account"), ({"orders_per_account": 3}, "orders_per_account"),
    ({"orders": "3/1h"}, "there is no"), ({"pause_after": "x"}, "pause_after"), ([], "is an object")))
def test_bad_limits(server, client, limits, what):
    server.manage("/faults", "POST", json={"limits": {"orders_per_account": "7/1h"}})
    reply = server.manage("/faults", "POST", json={"limits": limits})
    assert reply.status_code == 400 and what in reply.text
    reply = server.manage("/faults", "POST", json={"limits": {"orders_per_account": "1/1h"}, "faults": [{"percent": 500}]})
    assert reply.status_code == 400
    assert server.manage("/faults").json()["limits"]["orders_per_account"] == "7/3600s"


def test_faults_are_not_held_against_the_client(server, client):
    server.manage("/conformance/reset", "POST")
    script(server, {"endpoint": "new-order", "type": "userActionRequired", "times": 1})
    order(client)
    assert all(one["broken"] == [] for one in server.manage("/conformance.json").json()["clients"])


# --- the clock -----------------------------------------------------------------------------------------


def test_clock(challenges):
    made = Pebble("signet", challenges, env=CALM)
    try:
        client = made.client()
        pending = client.order(["old.test"])
        leaf = client.issue(["before.test"]).leaf
        assert made.manage("/clock", "POST", json={"forward": 40 * 86400}).status_code == 200
        now = made.manage("/clock").json()["now"]
        after = client.issue(["after.test"]).leaf               # every role has gone along
        assert (after.not_valid_before - leaf.not_valid_before).days == 40
        assert now[:10] == after.not_valid_before.strftime("%Y-%m-%d")
        assert client.get(pending.headers["Location"]).json()["status"] == "invalid"
        for bad in ({"forward": -1}, {"forward": 0}, {}, {"forward": "1"}, {"forward": 10 ** 12}):
            assert made.manage("/clock", "POST", json=bad).status_code == 400
    finally:
        made.close()


# --- state -----------------------------------------------------------------------------------------------


def test_snapshot_and_reset(challenges):
    made = Pebble("signet", challenges, env=CALM)
    try:
        assert made.manage("/restore", "POST").status_code == 409
        client = made.client()
        url = client.issue(["kept.test"]).order_url
        assert made.manage("/snapshot", "POST").status_code == 200
        later = made.client()
        assert made.manage("/reset", "POST").status_code == 200
        problem(client.get(url), "accountDoesNotExist", 400)
        fresh = made.client()                                   # and it goes on
        fresh.issue(["fresh.test"])
        assert made.manage("/restore", "POST").status_code == 200
        assert client.get(url).json()["status"] == "valid"
        for gone in (later, fresh):
            problem(gone.get(gone.kid), "accountDoesNotExist", 400)
        client.issue(["again.test"])
        assert made.manage("/snapshot", "POST").status_code == 200      # a second one takes its place
        assert made.manage("/restore", "POST").status_code == 200
    finally:
        made.close()


# --- the seed ----------------------------------------------------------------------------------------------


def rejections(challenges, seed):
    made = Pebble("signet", challenges, env={**CALM, "PEBBLE_WFE_NONCEREJECT": "50", "PEBBLE_SEED": seed})
    try:
        from harness.acme import Client
        assert f"Seed: {seed}\n" in made.log
        client = Client(made, register=False)
        found = []
        for _ in range(40):
            reply = client.post(client.directory["newAccount"], {"termsOfServiceAgreed": True}, use_jwk=True)
            found.append(reply.status_code == 400)
        return found
    finally:
        made.close()


def test_the_same_seed_is_the_same_chance(challenges):
    first = rejections(challenges, "4711")
    assert rejections(challenges, "4711") == first and any(first) and not all(first)
    assert rejections(challenges, "4712") != first


# --- a CA that stays ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", ("ecdsa", "rsa"))
def test_ca_dir(challenges, tmp_path, algorithm):
    folder, roots = tmp_path / "ca", []
    for _ in range(2):
        made = Pebble("signet", challenges, config={"keyAlgorithm": algorithm}, args=("-ca-dir", str(folder)),
                      env={**CALM, "PEBBLE_ALTERNATE_ROOTS": "1", "PEBBLE_CHAIN_LENGTH": "2"})
        try:
            roots.append([made.manage(f"/{kind}/{i}").text for kind in ("roots", "intermediates") for i in (0, 1)])
            issuer = x509.load_pem_x509_certificate(roots[-1][2].encode())
            assert made.client().issue(["stays.test"]).leaf.issuer == issuer.subject
        finally:
            made.close()
    assert roots[0] == roots[1] and roots[0][0] != roots[0][1]
    assert os.stat(folder / "root-0.key").st_mode & 0o077 == 0
    (folder / "root-1.pem").write_text("x")
    broken = Pebble("signet", challenges, config={"keyAlgorithm": algorithm}, args=("-ca-dir", str(folder)), start=False,
                    env={**CALM, "PEBBLE_ALTERNATE_ROOTS": "1", "PEBBLE_CHAIN_LENGTH": "2"})
    code, _, complaint = broken.run(*broken.args)
    broken.close()
    assert code == 1 and "root-1.pem" in complaint


# --- ports ------------------------------------------------------------------------------------------------------


def test_an_earlier_ready_file_is_gone(tmp_path):
    file = tmp_path / "ready.json"
    file.write_text("{}")
    done = subprocess.run([PROGRAM, "pebble", "-config", str(tmp_path / "none.json"), "-ready-file", str(file)], timeout=10)
    assert done.returncode != 0 and not file.exists()


def test_ready_file(challenges, tmp_path):
    file = tmp_path / "ready.json"
    made = Pebble("signet", challenges, env=CALM, args=("-ready-file", str(file)),
                  config={"listenAddress": "127.0.0.1:0", "managementListenAddress": "127.0.0.1:0"}, start=False)
    try:
        import subprocess
        from harness.pebble import program
        with open(made.log_file, "ab") as log:
            made.process = subprocess.Popen([*program("signet"), *made.args], env=made.env, stdout=log, stderr=log)
        end = time.monotonic() + 20
        while not file.exists():
            assert time.monotonic() < end, made.log
            time.sleep(0.01)
        ready = json.loads(file.read_text())
        assert ready["pid"] == made.process.pid and ready["directory"] == f"https://localhost:{ready['acme']}/dir"
        assert made.http.get(ready["directory"], timeout=10).status_code == 200
        assert made.http.get(f"https://localhost:{ready['management']}/roots/0", timeout=10).status_code == 200
    finally:
        made.close()


# --- challenges ----------------------------------------------------------------------------------------


def test_the_challenge_without_a_token_is_the_last(client):
    """For clients that read them until one suits, and want a token in each: uacme. Of sixty, in a random order all
    would be so once in 10^12 runs or, for wildcards, in 10^9."""
    for url in client.order([f"{star}last{i}.test" for i in range(30) for star in ("", "*.")]).json()["authorizations"]:
        assert client.get(url).json()["challenges"][-1]["type"] == "dns-persist-01"


def test_challenges_that_are_offered(challenges):
    made = Pebble("signet", challenges, env={**CALM, "PEBBLE_CHALLENGES": "http-01,dns-01"})
    client = made.client()
    found = [{c["type"] for c in client.get(url).json()["challenges"]}
             for url in client.order(["few.test", "*.few.test"]).json()["authorizations"]]
    made.close()
    assert sorted(found, key=len) == [{"dns-01"}, {"http-01", "dns-01"}]


@pytest.mark.parametrize("names", ("http-01,dns", ",http-01", "http-01 ,dns-01"))
def test_challenges_that_are_none(challenges, names):
    made = Pebble("signet", challenges, env={**CALM, "PEBBLE_CHALLENGES": names}, start=False)
    status, _, err = made.run(*made.args)
    made.close()
    assert status == 1 and "PEBBLE_CHALLENGES has " in err and "http-01,dns-01" in err
