"""RFC 8555, 5, 6 and 7.1 to 7.2: transport, JWS, nonces, the directory."""
import json
import re
import threading

import pytest
import urllib3
from harness import acme
from harness.acme import Client, check_problem, unknown
from harness.keys import Key, unb64

EVERY_KEY = ["P-256", "P-384", "P-521", "RSA", "Ed25519", "Ed448"]


def test_rfc8555_7_1_1_directory(server, shared):
    reply = shared.http.get(server.directory_url)
    assert reply.status_code == 200
    assert reply.headers["Content-Type"].split(";")[0] == "application/json"
    assert "index" not in reply.headers.get("Link", "")     # 7.1: on everything but the directory
    directory = reply.json()
    for name in ("newNonce", "newAccount", "newOrder"):
        assert directory[name].startswith(server.url + "/")
    for name in ("newAuthz", "revokeCert", "keyChange", "renewalInfo"):
        assert directory.get(name, "" if acme.WORDS else server.url).startswith(server.url), name


def test_rfc8555_6_1_cors_on_every_kind_of_answer(server, shared):
    directory = shared.directory
    for reply in (shared.http.get(server.directory_url), shared.http.head(directory["newNonce"]),
                  shared.get(shared.kid), shared.send(directory["newOrder"], b"{}"),
                  shared.http.get(server.url + "/no-such-thing")):
        assert reply.headers["Access-Control-Allow-Origin"] == "*", reply.url
        exposed = {name.strip() for name in reply.headers["Access-Control-Expose-Headers"].split(",")}
        assert exposed >= {"Link", "Replay-Nonce", "Location", "Retry-After"}, reply.url


@pytest.mark.needs("signet")
def test_rfc8555_6_1_preflight(shared):
    reply = shared.http.options(shared.directory["newOrder"])
    assert reply.status_code == 204
    assert "POST" in reply.headers["Access-Control-Allow-Methods"]
    assert "Content-Type" in reply.headers["Access-Control-Allow-Headers"]


def test_rfc8555_7_2_new_nonce(shared):
    url = shared.directory["newNonce"]
    seen = set()
    for method, status in (("HEAD", 200), ("GET", 204)):
        reply = shared.http.request(method, url)
        assert reply.status_code == status
        assert reply.headers["Cache-Control"] == "no-store"
        assert 'rel="index"' in reply.headers["Link"]
        assert reply.content == b""
        nonce = reply.headers["Replay-Nonce"]
        assert re.fullmatch("[A-Za-z0-9_-]+", nonce)
        assert len(unb64(nonce)) >= 11          # unpredictable: 80 bits at least
        seen.add(nonce)
    seen.update(shared.http.head(url).headers["Replay-Nonce"] for _ in range(50))
    assert len(seen) == 52


def test_rfc8555_6_3_post_as_get_of_directory_and_new_nonce(server, shared):
    reply = shared.get(server.directory_url)
    assert reply.status_code == 200 and reply.json() == shared.directory
    assert "Replay-Nonce" in reply.headers
    reply = shared.get(shared.directory["newNonce"])
    assert reply.status_code in (200, 204) and "Replay-Nonce" in reply.headers


def test_rfc8555_6_5_replay_nonce_on_every_post_answer(server, shared):
    directory = shared.directory
    answers = [
        shared.get(shared.kid),                                             # success
        shared.send(directory["newOrder"], b"not JSON"),                    # malformed at the door
        shared.post(directory["newOrder"], {}),                             # malformed inside
        shared.send(directory["newOrder"], b"{}", content_type="application/json"),     # 415
        shared.post(unknown(shared.order(["known.test"]).headers["Location"])),         # 404 inside
        shared.post(directory["newOrder"], {}, nonce="AAAA"),               # badNonce
        shared.post(directory["newOrder"], {}, kid=unknown(shared.kid)),
    ] + ([
        shared.send(server.url + "/nowhere", b"{}"),                        # 404 at the door
        shared.send(directory["newOrder"], b"x" * 70000),                   # 413
    ] if acme.WORDS else [])
    nonces = [reply.headers.get("Replay-Nonce") for reply in answers]
    assert all(nonces), [(r.status_code, n) for r, n in zip(answers, nonces)]
    assert len(set(nonces)) == len(nonces)
    for reply in answers:
        assert f'<{server.directory_url}>;rel="index"' in reply.headers["Link"], reply.status_code     # 7.1
        if reply.status_code >= 400:
            assert reply.headers.get("Content-Language", None if acme.WORDS else "en") == "en"


def test_rfc8555_6_5_error_answers_nonce_is_good(shared):
    shared.nonces.clear()
    check_problem(shared.post(shared.directory["newOrder"], {}, nonce="AAAA"), "badNonce", 400)
    assert len(shared.nonces) == 2 or len(shared.nonces) == 1
    assert shared.get(shared.kid).status_code == 200


def test_rfc8555_6_5_nonce_is_single_use(shared):
    nonce = shared.nonce()
    assert shared.post(shared.kid, nonce=nonce).status_code == 200
    check_problem(shared.post(shared.kid, nonce=nonce), "badNonce", 400, "was used before")


def test_rfc8555_6_5_nonce_is_used_up_by_a_request_that_fails(shared):
    nonce = shared.nonce()
    check_problem(shared.post(shared.kid, nonce=nonce, signature=lambda data: bytes(64)), "malformed", 400)
    check_problem(shared.post(shared.kid, nonce=nonce), "badNonce", 400)


@pytest.mark.parametrize("bend", [
    {"alg": "none"}, {"alg": "HS256"}, {"crit": ["exp"]}, {"jwk": {}}, {"url": None}, {"kid": None}, "signatures",
    "no-signature"], ids=str)
def test_rfc8555_6_5_nonce_is_used_up_by_a_request_that_does_not_parse(shared, bend):
    """Once a nonce has appeared in a request it is invalid, whatever else is wrong."""
    nonce = shared.nonce()
    if isinstance(bend, dict):
        body = shared.jws(shared.kid, nonce=nonce, **({"kid": shared.kid} if "jwk" in bend else {}), **bend)
    else:
        body = shared.jws(shared.kid, nonce=nonce)
        del body["signature"]
        if bend == "signatures":
            body["signatures"] = [{"signature": "AA"}]
    assert 400 <= shared.send(shared.kid, body).status_code < 500
    check_problem(shared.post(shared.kid, nonce=nonce), "badNonce", 400)


def test_rfc8555_6_5_one_nonce_many_threads(shared):
    """Of many requests at once with one nonce exactly one is let in."""
    body = shared.jws(shared.kid)
    statuses = []
    threads = [threading.Thread(target=lambda: statuses.append(shared.send(shared.kid, body).status_code))
               for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200] + [400] * 11


@pytest.mark.needs("signet")
def test_rfc8555_6_1_no_user_agent_is_let_in(shared):
    """Not even urllib3's own, which it sends unless told so."""
    none = {"User-Agent": urllib3.util.SKIP_HEADER}
    assert shared.http.get(shared.directory["newNonce"], headers=none).status_code == 204
    body = json.dumps(shared.jws(shared.kid))
    reply = shared.http.post(shared.kid, data=body, headers={"Content-Type": acme.JOSE, **none})
    assert reply.status_code == 200, reply.text


def test_rfc8555_6_2_content_type(shared):
    for given in ("application/jose+json", *(("application/jose+json; charset=utf-8", "Application/JOSE+JSON") if acme.WORDS
                                             else ())):
        assert shared.send(shared.kid, shared.jws(shared.kid), given).status_code == 200, given
    for given in ("application/json", "application/jose", "application/jose+jsonx", "text/plain", ""):
        reply = shared.send(shared.kid, shared.jws(shared.kid), given)
        check_problem(reply, "malformed", 415, "application/jose+json")


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "PATCH"])
def test_rfc8555_6_3_other_methods_are_405(shared, method):
    reply = shared.http.request(method, shared.directory["newOrder"])
    assert reply.status_code == 405
    assert "POST" in reply.headers["Allow"]
    for url in (shared.directory["newNonce"], shared.server.directory_url):
        reply = shared.http.request(method, url)
        assert (reply.status_code == 405) == (method not in ("GET", "HEAD")), url
        if reply.status_code == 405:
            assert "GET" in reply.headers["Allow"] and "HEAD" in reply.headers["Allow"]


def test_rfc8555_6_3_get_of_a_resource_is_405(shared):
    order = shared.order(["get405.test"])
    for url in (order.headers["Location"], order.json()["authorizations"][0], shared.kid):
        check_problem(shared.http.get(url), "malformed", 405)


def test_rfc8555_6_3_empty_object_is_not_post_as_get(shared):
    order = shared.order(["pag.test"])
    check_problem(shared.post(order.headers["Location"], {}), "malformed", 400, "POST-as-GET")


def register(server, key):
    """An account with that key; an algorithm that the server says it doesn't have is none of its faults."""
    client = Client(server, key, register=False)
    reply = client.register()
    if not acme.WORDS and key.alg not in ("RS256", "ES256") and reply.status_code == 400:
        assert key.alg not in check_problem(reply, "badSignatureAlgorithm", 400)["algorithms"]
        pytest.skip(f"{key.alg} is not supported")
    assert reply.status_code == 201, reply.text
    return client


@pytest.mark.parametrize("kind", EVERY_KEY)
def test_rfc8555_6_2_every_account_key(server, kind):
    client = register(server, Key(kind))
    assert client.get(client.kid).json()["status"] == "valid"
    assert client.issue([f"key-{kind.lower()}.test"]).names == [f"key-{kind.lower()}.test"]


@pytest.mark.parametrize("kind", ["Ed25519", "Ed448"])
def test_rfc9864_fully_specified_names(server, kind):
    key = Key(kind)
    key.alg = kind
    assert register(server, key).kid


@pytest.mark.parametrize("bits", [3072, 4096])
def test_rfc8555_6_2_rsa_sizes(server, bits):
    assert Client(server, Key("RSA", bits)).kid


def test_rfc8555_6_2_white_space_and_member_order_do_not_matter(shared):
    body = shared.jws(shared.kid)
    text = "\r\n{ \"signature\" :\t\"%s\", \"payload\":\"\" ,\n \"protected\":\"%s\" }\n" % (
        body["signature"], body["protected"])
    assert shared.send(shared.kid, text).status_code == 200


def test_rfc8555_6_2_any_kid_but_the_account_url_is_refused(server, shared):
    for kid, kind in ((shared.kid + "/", "malformed"), (shared.kid.upper(), "malformed"),
                      (shared.kid.replace("https", "http"), "malformed"),
                      (shared.kid.replace(server.url, "https://elsewhere.test"), "malformed"),
                      (shared.kid.replace(server.url, server.url[:-1] + "x"), "malformed"),
                      (shared.directory["newOrder"] + "/" + shared.kid.rsplit("/", 1)[1], "malformed"),
                      ("1", "malformed")):
        check_problem(shared.post(shared.kid, kid=kid), kind, 400, "kid")


def test_rfc8555_5_body_is_utf8(shared):
    payload = '{"identifiers":[{"type":"dns","value":"ü.test"}]}'.encode("latin-1")
    check_problem(shared.post(shared.directory["newOrder"], payload), "malformed", 400, "payload")
