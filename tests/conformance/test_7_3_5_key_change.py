"""RFC 8555, 7.3.5: an account's key hands over to another. Each of the nine checks, and what survives the change."""
import threading

import pytest
from harness import acme
from harness.acme import Client, check_problem
from harness.key_change import MISSING, change, inner, roll, with_jwk
from harness.keys import Key, csr

pytestmark = pytest.mark.needs("keyChange")

def test_rfc8555_7_1_1_directory_has_key_change(server, shared):
    assert shared.directory["keyChange"].startswith(server.url + "/")


@pytest.mark.parametrize("kind", ["P-256", "P-384", "P-521", "RSA", *(pytest.param(kind, marks=pytest.mark.needs("signet")) for kind in (
    "Ed25519", "Ed448"))])
def test_rfc8555_7_3_5_key_change(client, kind):
    old, reply = client.key, roll(client, kind)
    assert "Replay-Nonce" in reply.headers
    assert not acme.WORDS or reply.json()["status"] == "valid"
    assert client.post(client.kid).status_code == 200
    check_problem(client.post(client.kid, key=old), "malformed" if kind == "P-256" else "badSignatureAlgorithm", 400,
                  others=("malformed", "unauthorized"))


def test_rfc8555_7_3_5_new_key_finds_the_account_and_the_old_one_does_not(server, client):
    old = client.key
    roll(client)
    reply = Client(server, client.key, register=False).register(onlyReturnExisting=True)
    assert reply.status_code == 200 and reply.headers["Location"] == client.kid
    check_problem(Client(server, old, register=False).register(onlyReturnExisting=True), "accountDoesNotExist", 400)


def test_rfc8555_7_3_5_1_deactivated_account(client):
    client.post(client.kid, {"status": "deactivated"})
    new = Key()
    check_problem(change(client, new, **with_jwk(new)), "unauthorized", 401)


def test_rfc8555_6_2_outer_with_jwk(client):
    new = Key()
    body = inner(client, new, **with_jwk(new))
    check_problem(client.post(client.directory["keyChange"], body, kid=None, jwk=client.key.jwk), "malformed", 400,
                  "kid")


@pytest.mark.parametrize("payload", [{}, {"account": "x"}, {"protected": "e30", "payload": "", "signature": "AA"}])
def test_rfc8555_7_3_5_2_payload_is_a_jws(client, payload):
    check_problem(client.post(client.directory["keyChange"], payload), "malformed", 400, "7.3.5 (2)")


def test_rfc8555_7_3_5_2_inner_algorithm(client):
    new = Key()
    for alg in ("none", "HS256"):
        problem = check_problem(change(client, new, **dict(with_jwk(new), alg=alg)), "badSignatureAlgorithm", 400,
                                "inner JWS", others=("malformed",))
        assert "ES256" in problem["algorithms"] or not acme.WORDS


def test_rfc8555_7_3_5_3_inner_has_jwk(client):
    new = Key()
    check_problem(change(client, new, jwk=None, kid=client.kid), "malformed", 400, "7.3.5 (3)")
    check_problem(change(client, new, jwk=None, kid=None), "malformed", 400, "inner JWS")
    check_problem(change(client, new, **dict(with_jwk(new), kid=client.kid)), "malformed", 400, "inner JWS")


def test_rfc8555_7_3_5_3_new_key_is_acceptable(client):
    weak = Key("RSA", 1024)
    check_problem(change(client, weak, **with_jwk(weak)), "badPublicKey", 400, "1024", others=("malformed",))
    new = Key()
    check_problem(change(client, new, alg="ES256", jwk={"kty": "oct", "k": "AAAA"}), "badPublicKey", 400, "(3)", others=("malformed",))


def test_rfc8555_7_3_5_4_inner_verifies_with_its_jwk(client):
    new = Key()
    check_problem(change(client, new, signer=client.key, **with_jwk(new)), "malformed", 400, "7.3.5 (4)")


@pytest.mark.parametrize("body", [
    {"account": MISSING}, {"oldKey": MISSING}, {"account": 7}, {"oldKey": "x"}, {"oldKey": {"kty": "EC"}}])
def test_rfc8555_7_3_5_5_key_change_object(client, body):
    new = Key()
    check_problem(change(client, new, body=body, **with_jwk(new)), "malformed", 400, "7.3.5 (5)")


@pytest.mark.parametrize("payload", [b"", b"[]", b"nonsense"])
def test_rfc8555_7_3_5_5_payload_is_an_object(client, payload):
    new = Key()
    check_problem(change(client, new, payload=payload, **with_jwk(new)), "malformed", 400, "7.3.5 (5)")


def test_rfc8555_7_3_5_6_same_url(client):
    new = Key()
    check_problem(change(client, new, url=client.directory["newOrder"], **with_jwk(new)), "malformed", 400, "7.3.5 (6)")


def test_rfc8555_7_3_5_7_account_is_the_outer_kid(client, shared):
    new = Key()
    check_problem(change(client, new, body={"account": shared.kid}, **with_jwk(new)), "malformed", 400, "7.3.5 (7)")


def test_rfc8555_7_3_5_8_old_key_is_the_accounts(client, shared):
    new = Key()
    check_problem(change(client, new, body={"oldKey": shared.key.jwk}, **with_jwk(new)), "malformed", 400, "7.3.5 (8)")


def test_rfc8555_7_3_5_9_new_key_is_unused(client, shared):
    reply = change(client, shared.key, **with_jwk(shared.key))
    check_problem(reply, "malformed", 409, "7.3.5 (9)")
    assert reply.headers["Location"] == shared.kid
    assert client.post(client.kid).status_code == 200 and shared.post(shared.kid).status_code == 200
    # to the key that it has
    reply = change(client, client.key, **with_jwk(client.key))
    check_problem(reply, "malformed", 409, "7.3.5 (9)")
    assert reply.headers["Location"] == client.kid


def test_rfc8555_7_3_5_a_nonce_in_the_inner_jws_is_ignored(client):
    new = Key()
    assert change(client, new, **dict(with_jwk(new), nonce="AAAA")).status_code == 200


def test_rfc8555_7_3_5_outer_needs_its_nonce(client):
    new = Key()
    reply = client.post(client.directory["keyChange"], inner(client, new, **with_jwk(new)), nonce=None)
    check_problem(reply, "badNonce", 400)


def test_rfc8555_7_3_5_replayed_request(client):
    """The whole request of before under a fresh outer signature: the old key is not the account's any more."""
    old, new = client.key, Key()
    body = inner(client, new, **with_jwk(new))
    assert client.post(client.directory["keyChange"], body).status_code == 200
    check_problem(client.post(client.directory["keyChange"], body, key=old), "malformed", 400)
    client.key = new
    check_problem(client.post(client.directory["keyChange"], body), "malformed", 400, "7.3.5 (8)")


def test_rfc8555_7_3_5_orders_and_authorizations_survive(client):
    """A pending order, a ready one, and authorizations made under three keys: all end in certificates."""
    pending = client.order(["survivor-pending.test"])
    ready, ready_url = client.ready(["survivor-one.test", "survivor-two.test"])
    roll(client, "P-384")
    assert client.get(ready_url).json()["status"] == "ready"
    roll(client, "RSA")
    assert all(one["status"] == "valid" for one in client.authorize(pending.json()))
    roll(client)
    for order, url, names in ((ready, ready_url, ["survivor-one.test", "survivor-two.test"]),
                              (pending.json(), pending.headers["Location"], ["survivor-pending.test"])):
        reply = client.finalize(order, csr(names, Key()))
        assert reply.status_code == 200, reply.text
        final = client.poll(url, ("valid", "invalid")).json()
        assert final["status"] == "valid", final


def test_rfc8555_7_3_5_back_to_the_first_key(client):
    first = client.key
    order, url = client.ready(["roundabout.test"])
    roll(client)
    assert change(client, first, **with_jwk(first)).status_code == 200
    client.key = first
    assert client.finalize(order, csr(["roundabout.test"], Key())).status_code == 200
    assert client.poll(url, ("valid", "invalid")).json()["status"] == "valid"


def test_rfc8555_7_3_5_two_changes_at_once(server, client):
    """One wins; the loser learns why, and the account has the winner's key."""
    replies, news = [], [Key() for _ in range(4)]

    def run(new):
        own = Client(server, client.key, register=False)
        own.kid = client.kid
        replies.append((change(own, new, **with_jwk(new)), new))

    threads = [threading.Thread(target=run, args=(new,)) for new in news]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    won = [new for reply, new in replies if reply.status_code == 200]
    assert len(won) == 1, [reply.text for reply, _ in replies]
    assert all(reply.status_code in (200, 400, 409) for reply, _ in replies)
    client.key = won[0]
    assert client.post(client.kid).status_code == 200
