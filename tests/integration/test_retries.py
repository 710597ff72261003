"""The server retries a validation that failed (RFC 8555, 8.2)."""
import os
import signal
import time

import pytest
import yaml
from harness.acme import URN, Client


def begin(account, name):
    url = account.order([name]).json()["authorizations"][0]
    challenge = account.challenge(url)
    text = account.server.responder.tokens.pop(challenge["token"])
    account.post(challenge["url"], {})
    return url, challenge["url"], challenge["token"], text


def failed_once(account, url, timeout=10):
    """Waits for the first failure; the reply."""
    until = time.monotonic() + timeout
    while True:
        reply = account.get(url)
        if "error" in reply.json():
            return reply
        assert time.monotonic() < until
        time.sleep(0.05)


def test_rfc8555_8_2_retried_and_valid(make_server, responder):
    account = Client(make_server({"va": {"retries": 3, "retry_interval": "1s"}}))
    url, challenge, token, text = begin(account, "retried.test")
    reply = failed_once(account, challenge)
    assert reply.json()["status"] == "processing"
    assert reply.json()["error"]["type"] == URN + "unauthorized" and "404" in reply.json()["error"]["detail"]
    assert 1 <= int(reply.headers["Retry-After"]) <= 4
    reply = account.get(url)
    assert reply.json()["status"] == "pending" and int(reply.headers["Retry-After"]) >= 1
    responder.put(token, text)
    done = account.poll(url, ("valid", "invalid")).json()
    assert done["status"] == "valid" and "error" not in done["challenges"][0], done


def test_rfc8555_8_2_the_last_failure_is_final(make_server, responder):
    account = Client(make_server({"va": {"retries": 2, "retry_interval": "1s"}}))
    begun = time.monotonic()
    url, challenge, _, _ = begin(account, "hopeless.test")
    done = account.poll(url, ("valid", "invalid")).json()
    assert done["status"] == "invalid" and 2 <= time.monotonic() - begun < 8
    assert len([1 for one in responder.asked if one[0] == "hopeless.test"]) == 3
    assert done["challenges"][0]["error"]["type"] == URN + "unauthorized"


def test_rfc8555_8_2_a_new_post_retries_at_once(make_server, responder):
    account = Client(make_server({"va": {"retries": 2, "retry_interval": "60s"}}))
    url, challenge, token, text = begin(account, "eager.test")
    reply = failed_once(account, challenge)
    assert int(reply.headers["Retry-After"]) > 50
    responder.put(token, text)
    account.post(challenge, {})
    assert account.poll(url, ("valid", "invalid"), timeout=5).json()["status"] == "valid"


def test_rfc8555_8_2_new_posts_are_limited(make_server, responder):
    account = Client(make_server({"va": {"retries": 2, "retry_interval": "60s"}}))
    url, challenge, _, _ = begin(account, "pushy.test")
    for _ in range(30):
        account.post(challenge, {})
        time.sleep(0.02)
    assert account.poll(url, ("valid", "invalid"), timeout=5).json()["status"] == "invalid"
    assert len([1 for one in responder.asked if one[0] == "pushy.test"]) == 3


def test_a_retry_survives_kill_9(make_server, responder):
    server = make_server({"va": {"retries": 3, "retry_interval": "60s"}})
    account = Client(server)
    url, challenge, token, text = begin(account, "killed.test")
    failed_once(account, challenge)
    responder.put(token, text)
    since = len(server.log())
    os.kill(server.roles()["va"], signal.SIGKILL)
    server.wait_log(r" ready url=", since=since)
    account.nonces.clear()
    assert account.poll(url, ("valid", "invalid")).json()["status"] == "valid"


def test_a_retried_authorization_can_be_deactivated(make_server):
    account = Client(make_server({"va": {"retries": 1, "retry_interval": "1s"}}))
    url, challenge, _, _ = begin(account, "given-up.test")
    failed_once(account, challenge)
    assert account.post(url, {"status": "deactivated"}).json()["status"] == "deactivated"
    time.sleep(1.5)
    assert account.get(url).json()["status"] == "deactivated"


@pytest.mark.parametrize("preset, retries", [("webpki", False), ("pebble", False), ("private", True)])
def test_rfc8555_8_2_presets(make_server, preset, retries):
    """Boulder and Pebble don't; where clients are few and networks slow, it helps."""
    def forget(server):
        with open(server.yaml, encoding="utf-8") as f:
            config = yaml.safe_load(f)
        del config["va"]["retries"]
        with open(server.yaml, "w", encoding="utf-8") as f:
            yaml.safe_dump(config, f)

    config = {"ra": {"nonce_rejection": 0}, "va": {"sleep": 0}} if preset == "pebble" else {}
    server = make_server(config, init=("--preset", preset), before=forget, start=False)
    if preset == "pebble":
        server.directory_url = server.url + "/dir"
    server.start()
    account = Client(server, termsOfServiceAgreed=True)
    url, challenge, _, _ = begin(account, "preset.test")
    reply = failed_once(account, challenge)
    assert reply.json()["status"] == ("processing" if retries else "invalid")
    assert ("Retry-After" in reply.headers) == retries
    assert account.get(url).json()["status"] == ("pending" if retries else "invalid")
