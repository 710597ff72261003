"""Polling (RFC 8555, 7.4, 7.5.1, 8.2), on a server that never waits before it answers; its log and its metrics."""
import json
import os
import re
import signal
import time

import pytest
import requests
from harness.acme import Client, check_problem
from harness.keys import Key, csr
from harness.ports import free_port
from harness.server import Server


@pytest.fixture(scope="module")
def server(names, responder):
    metrics = free_port()
    made = Server(names, responder, {"ra": {"finalize_wait": "0ms"},
                                     "log": {"format": "json", "level": "debug"},
                                     "wfe": {"metrics_listen": f"127.0.0.1:{metrics}"}}, start=False)
    made.metrics = f"http://127.0.0.1:{metrics}/metrics"
    made.start(wait=False)
    made.wait_log('"event":"ready"')
    yield made
    made.close()


def test_rfc8555_7_5_1_retry_after_while_processing(server, names):
    names.set("polled.test", a=["127.0.0.1"], delay=0.7)
    client = Client(server)
    url = client.order(["polled.test"]).json()["authorizations"][0]
    reply = client.post(client.challenge(url)["url"], {})
    assert reply.json()["status"] == "processing" and int(reply.headers["Retry-After"]) >= 1
    reply = client.get(url)
    assert reply.json()["status"] == "pending"              # 7.1.6: the authorization waits, its challenge works
    assert reply.json()["challenges"][0]["status"] == "processing"
    assert int(reply.headers["Retry-After"]) >= 1
    done = client.poll(url, ("valid",))
    assert "Retry-After" not in done.headers


def test_rfc8555_7_5_1_the_reply_tells_how_a_quick_validation_went(make_server, names):
    """A client whose validation takes a moment need not poll: the challenge's POST waits for it, well or not."""
    client = Client(make_server({}))
    for name, status in (("quick.test", "valid"), ("nowhere.test", "invalid")):
        if status == "invalid":
            names.set(name)
        reply = client.post(client.challenge(client.order([name]).json()["authorizations"][0])["url"], {})
        assert (reply.status_code, reply.json()["status"]) == (200, status), reply.text
        assert "Retry-After" not in reply.headers and ("error" in reply.json()) == (status == "invalid")
        assert 'rel="up"' in reply.headers["Link"]


def test_slow_validations_are_not_waited_for_one_by_one(make_server, names):
    """Eight challenges answered in a row, each of which will take three seconds: only the first waits."""
    client = Client(make_server({"ra": {"finalize_wait": "600ms"}}))
    slow = [f"slow{n}.test" for n in range(8)]
    for name in slow:
        names.set(name, a=["127.0.0.1"], delay=3)
    challenges = [client.challenge(url)["url"] for url in client.order(slow).json()["authorizations"]]
    start = time.monotonic()
    replies = [client.post(url, {}) for url in challenges]
    assert 0.5 < time.monotonic() - start < 2.5
    assert [reply.json()["status"] for reply in replies] == ["processing"] * 8
    assert all(int(reply.headers["Retry-After"]) >= 1 for reply in replies)


def test_rfc8555_7_4_finalize_answers_processing(server):
    """With ca held still there is no certificate yet, and the client is told when to come back."""
    client, ca = Client(server), server.roles()["ca"]
    order, url = client.ready(["processing.test"])
    os.kill(ca, signal.SIGSTOP)
    try:
        reply = client.finalize(order, csr(["processing.test"], Key()))
        assert reply.status_code == 200 and reply.headers["Location"] == url
        for answer in (reply, client.get(url)):
            assert answer.json()["status"] == "processing" and "certificate" not in answer.json()
            assert int(answer.headers["Retry-After"]) >= 1
        check_problem(client.finalize(order, csr(["processing.test"], Key())), "orderNotReady", 403,
                      "processing")
    finally:
        os.kill(ca, signal.SIGCONT)
    done = client.poll(url, ("valid", "invalid"))
    assert done.json()["status"] == "valid" and "Retry-After" not in done.headers


def test_log_is_json(server):
    client = Client(server)
    reply = client.post(client.directory["newOrder"], {"identifiers": "ü\"\\\n"})
    line = server.wait_log(r'.*"' + reply.headers["Request-Id"] + '.*')[0]
    event = json.loads(line)
    assert (event["event"], event["status"], event["problem"]) == ("request", 400, "malformed")
    assert event["account"] == client.kid.rsplit("/", 1)[1] and event["role"] == "wfe"
    for text in server.log().splitlines():
        assert {"time", "level", "role", "event"} <= set(json.loads(text)), text


def test_log_holds_no_secret(server):
    """Not at level debug either: no key authorization, nonce, signature or private key."""
    client = Client(server)
    issued = client.issue(["secret.test"])
    log = server.log()
    assert client.key.thumbprint not in log
    assert "PRIVATE" not in log and "BEGIN" not in log
    token = client.get(issued.order["authorizations"][0]).json()["challenges"][0]["token"]
    assert f"{token}.{client.key.thumbprint}" not in log
    assert client.nonces[-1] not in log


def test_metrics(server):
    Client(server).order(["metrics.test"])
    page = requests.get(server.metrics, timeout=10)
    assert page.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    samples = [line for line in page.text.splitlines() if line and not line.startswith("#")]
    assert samples and all(re.fullmatch(r'[a-z_]+(\{[^}]*\})? [0-9.e+-]+', line) for line in samples), samples
    assert any("new-order" in line for line in samples)
