"""Pebble: accounts, external account binding, key rollover, the orders list."""
import base64
import hashlib
import hmac
import json
import re

import pytest
from harness.acme import Client
from harness.keys import Key, b64
from harness.pebble import problem

AGREED = {"termsOfServiceAgreed": True}
MAC = {"kid-1": b64(b"a key of sixty-four octets and more, so that it is fit for HS512 as well"),
       "kid-2": b64(b"another key of thirty-two octets")}
RIGHT, WRONG = MAC["kid-1"], MAC["kid-2"]


def newcomer(server):
    return Client(server, register=False)


def test_new(peb_both):
    client = newcomer(peb_both)
    reply = client.register(contact=["mailto:a@example.com", "mailto:b@example.com"], **AGREED)
    assert reply.status_code == 201
    assert re.fullmatch(re.escape(peb_both.url("/my-account/")) + "[0-9a-f]{1,16}", reply.headers["Location"])
    account = reply.json()
    number = reply.headers["Location"].rsplit("/", 1)[1]
    assert account["orders"] == peb_both.url(f"/list-orderz/{number}")
    assert (account["status"], account["contact"], account["key"]) == (
        "valid", ["mailto:a@example.com", "mailto:b@example.com"], client.key.jwk)
    assert client.get(client.kid).json() == account


def test_an_account_shows_no_more_than_this(peb_both):
    """Clients' suites compare it whole."""
    client = newcomer(peb_both)
    for contact in ({}, {"contact": []}):
        assert client.register(**AGREED, **contact).json().keys() == {"status", "orders", "key"}
    assert client.get(client.kid).json().keys() == {"status", "orders", "key"}


def test_null_is_as_if_it_was_not_there(peb_both):
    """So Go's encoding/json has it, and clients in Go and Java write it."""
    reply = newcomer(peb_both).register(contact=None, onlyReturnExisting=None, externalAccountBinding=None, **AGREED)
    assert reply.status_code == 201
    reply = newcomer(peb_both).register(termsOfServiceAgreed=None)
    assert reply.status_code == 403 and "did not agree to the terms of service" in reply.json()["detail"]


def test_ids_are_numbers_in_hex(peb):
    numbers = {peb.client().kid.rsplit("/", 1)[1] for _ in range(4)}
    assert len(numbers) == 4 and all(int(n, 16) < 1 << 63 for n in numbers)


def test_known_key(peb_both):
    """200 even without terms."""
    client = peb_both.client(contact=["mailto:a@example.com"])
    kid, client.kid = client.kid, None
    for account in ({}, {"onlyReturnExisting": True}, {"contact": ["mailto:other@example.com"], **AGREED}):
        reply = client.post(client.directory["newAccount"], account, use_jwk=True)
        assert (reply.status_code, reply.headers["Location"]) == (200, kid)
        assert reply.json()["contact"] == ["mailto:a@example.com"]


def test_only_existing(peb_both):
    problem(newcomer(peb_both).register(onlyReturnExisting=True, **AGREED), "accountDoesNotExist", 400)


def test_terms(peb_both):
    for account in ({}, {"termsOfServiceAgreed": False}):
        reply = newcomer(peb_both).register(**account)
        problem(reply, "agreementRequired" if peb_both.kind == "debian" else "userActionRequired", 403)


def test_terms_link(peb):
    reply = newcomer(peb).register()
    assert ';rel="terms-of-service"' in reply.headers["Link"].replace(" ", "")


@pytest.mark.parametrize("contact,kind", (
    (["mailto:a@example.com"] * 3, "malformed"), (["tel:+1234"], "unsupportedContact"),
    (["mailto:"], "invalidContact"),
    (["mailto:a@example.com,b@example.com"], "invalidContact"), (["mailto:nobody"], "invalidContact"), ([""], None)))
def test_contacts(peb_both, contact, kind):
    """Known kinds are those of 2.4.0."""
    reply = newcomer(peb_both).register(contact=contact, **AGREED)
    assert reply.status_code == 400, reply.text
    if kind is not None:
        problem(reply, kind, 400)


def test_update(peb_both):
    client = peb_both.client()
    reply = client.post(client.kid, {"contact": ["mailto:c@example.com"]})
    assert (reply.status_code, reply.json()["contact"]) == (200, ["mailto:c@example.com"])
    problem(client.post(client.kid, {"contact": ["tel:1"]}), "unsupportedContact", 400)
    assert client.get(client.kid).json()["contact"] == ["mailto:c@example.com"]
    problem(client.post(client.kid, {}), "malformed", 400)


def test_another_account(peb):
    """Pebble shows it."""
    one, two = peb.client(), peb.client()
    assert one.get(two.kid).status_code in (400, 401, 403)
    assert one.post(two.kid, {"status": "deactivated"}).status_code in (400, 401, 403)
    assert two.get(two.kid).json()["status"] == "valid"


def test_deactivation(peb_both):
    client = peb_both.client()
    reply = client.post(client.kid, {"status": "deactivated"})
    assert (reply.status_code, reply.json()["status"]) == (200, "deactivated")
    # 2.4.0 says so with 403 in some places alone.
    for reply in (client.get(client.kid), client.post(client.directory["newOrder"], {"identifiers": []})):
        problem(reply, "unauthorized", 403, "Account has been deactivated")
    reply = client.post(client.directory["newAccount"], AGREED, use_jwk=True)
    problem(reply, "unauthorized", 403)


# --- rollover ------------------------------------------------------------------------------------------


def rollover(client, key, inner=None, **bends):
    url = client.directory["keyChange"]
    payload = inner or {"account": client.kid, "oldKey": client.key.jwk}
    return client.post(url, client.jws(url, payload, key=key, use_jwk=True, nonce=None, alg=key.alg, jwk=key.jwk, **bends))


@pytest.mark.parametrize("kind", ("P-256", "RSA"))
def test_rollover(peb_both, kind):
    client, key = peb_both.client(), Key(kind)
    assert rollover(client, key).status_code == 200
    assert client.get(client.kid).status_code == 400     # malformed, or the algorithm is wrong already
    client.key = key
    assert client.get(client.kid).json()["key"] == key.jwk


def test_rollover_to_a_used_key(peb):
    """2.4.0 fails with 500; 2.10 answers 200 though it means to answer this."""
    one, two = peb.client(), peb.client()
    reply = rollover(one, two.key)
    assert (reply.status_code, reply.headers.get("Location"), reply.content) == (409, two.kid, b"")


@pytest.mark.parametrize("inner", ({"account": "https://localhost/my-account/1"}, {"oldKey": Key().jwk}),
                         ids=("account", "old key"))
def test_rollover_faults(peb_both, inner):
    client = peb_both.client()
    reply = rollover(client, Key(), {"account": client.kid, "oldKey": client.key.jwk, **inner})
    problem(reply, "malformed", 400)


# --- external account binding --------------------------------------------------------------------------


def binding(client, key=RIGHT, alg="HS256", kid="kid-1", url=None, jwk=None, **header):
    digest = {"HS256": hashlib.sha256, "HS384": hashlib.sha384, "HS512": hashlib.sha512}.get(alg, hashlib.sha256)
    head = {"alg": alg, "kid": kid, "url": url or client.directory["newAccount"], **header}
    text = b64(json.dumps(head)), b64(json.dumps(jwk or client.key.jwk))
    raw = base64.urlsafe_b64decode(key + "=" * (-len(key) % 4))
    return {"protected": text[0], "payload": text[1], "signature": b64(hmac.digest(raw, ".".join(text).encode(), digest))}


@pytest.fixture(scope="module")
def bound_both(peb_both, challenges):
    made = type(peb_both)(peb_both.kind, challenges, config={
        "externalAccountBindingRequired": True, "externalAccountMACKeys": MAC})
    yield made
    made.close()


@pytest.mark.parametrize("alg", ("HS256", "HS384", "HS512"))
def test_binding(bound_both, alg):
    if bound_both.kind == "debian" and alg != "HS256":
        return
    client = newcomer(bound_both)
    assert client.directory["meta"]["externalAccountRequired"] is True
    eab = binding(client, alg=alg)
    reply = client.register(externalAccountBinding=eab, **AGREED)
    assert reply.status_code == 201, reply.text


def test_binding_is_required(bound_both):
    problem(newcomer(bound_both).register(**AGREED), "externalAccountRequired", 403)


@pytest.mark.parametrize("bend", (
    {"key": WRONG}, {"kid": "unknown"}, {"kid": "kid-2"}, {"url": "https://localhost/other"}, {"jwk": Key().jwk},
    {"alg": "none"}, {"alg": "RS256"}, {"nonce": "x"}), ids=lambda value: "-".join(value) if isinstance(value, dict) else str(value))
def test_bad_binding(bound_both, bend):
    client = newcomer(bound_both)
    reply = client.register(externalAccountBinding=binding(client, **bend), **AGREED)
    assert reply.status_code in (400, 401, 403), reply.text
    assert client.register(onlyReturnExisting=True).status_code == 400


def test_binding_is_verified_even_when_not_required(make_pebble_both):
    peb = make_pebble_both(config={"externalAccountMACKeys": MAC})
    client = newcomer(peb)
    assert client.directory["meta"]["externalAccountRequired"] is False
    assert client.register(externalAccountBinding=binding(client, WRONG), **AGREED).status_code in (400, 403)
    assert client.register(externalAccountBinding=binding(client), **AGREED).status_code == 201


# --- the orders list -----------------------------------------------------------------------------------


def pages(client):
    """[[order URL, ...], ...] by the Link headers."""
    url, found = client.get(client.kid).json()["orders"], []
    while url:
        reply = client.get(url)
        assert reply.status_code == 200, reply.text
        found.append(reply.json()["orders"])
        url = reply.links.get("next", {}).get("url")
    return found


def test_orders_list(peb_both):
    client = peb_both.client()
    assert pages(client) in ([[]], [None])
    urls = [client.order([f"list{i}.test"]).headers["Location"] for i in range(7)]
    found = pages(client)
    assert [len(page) for page in found] == [3, 3, 1]
    assert sorted(sum(found, [])) == sorted(urls)
    number = client.kid.rsplit("/", 1)[1]
    second = client.get(peb_both.url(f"/list-orderz/{number}/page/2"))
    assert second.json()["orders"] == found[1]


def test_orders_per_page(make_pebble_both):
    peb = make_pebble_both(env={"PEBBLE_WFE_ORDERS_PER_PAGE": "2"})
    client = peb.client()
    for i in range(3):
        client.order([f"page{i}.test"])
    assert [len(page) for page in pages(client)] == [2, 1]


def test_orders_list_of_another_account(peb_both):
    one, two = peb_both.client(), peb_both.client()
    assert one.get(two.get(two.kid).json()["orders"]).status_code in (400, 401, 403, 404)
