"""Pebble: paths, headers, nonces and JWS."""
import json
import re
import socket
import ssl

import pytest
import requests
from harness.acme import Client
from harness.keys import Key
from harness.pebble import problem

CACHE = "public, max-age=0, no-cache"
PATHS = {"keyChange": "/rollover-account-key", "newAccount": "/sign-me-up", "newNonce": "/nonce-plz",
         "newOrder": "/order-plz", "revokeCert": "/revoke-cert"}
TERMS = "data:text/plain,Do%20what%20thou%20wilt"
NOBODYS = "A" * 43
OBJECTS = (f"/my-order/{NOBODYS}", f"/authZ/{NOBODYS}", f"/chalZ/{NOBODYS}", "/certZ/00112233445566")


def test_directory(peb_both):
    reply = peb_both.http.get(peb_both.directory_url)
    assert reply.headers["Content-Type"] == "application/json; charset=utf-8"
    assert reply.headers["Cache-Control"] == CACHE
    assert "Link" not in reply.headers and "Replay-Nonce" not in reply.headers
    found = reply.json()
    assert {name: found[name] for name in PATHS} == {name: peb_both.url(path) for name, path in PATHS.items()}
    assert found["meta"]["termsOfService"] == TERMS and found["meta"]["externalAccountRequired"] is False
    assert reply.text == json.dumps(found, indent=3)


def test_directory_is_exactly_this(peb):
    """A client's suite compares it whole."""
    assert peb.http.get(peb.directory_url).json() == {
        **{name: peb.url(path) for name, path in PATHS.items()},
        "renewalInfo": peb.url("/draft-ietf-acme-ari-03/renewalInfo"),
        "meta": {"termsOfService": TERMS, "externalAccountRequired": False,
                 "profiles": {"default": "The default profile"}, "caaIdentities": ["pebble.letsencrypt.org"]}}


def test_directory_of_what_is_configured(make_pebble):
    peb = make_pebble(config={"caaIdentities": ["ca.test"], "profiles": {
        "a": {"description": "First"}, "b": {"description": "Second", "validityPeriod": 3600}}})
    meta = peb.http.get(peb.directory_url).json()["meta"]
    assert (meta["caaIdentities"], meta["profiles"]) == (["ca.test"], {"a": "First", "b": "Second"})


def test_directory_by_post(client_both):
    reply = client_both.get(client_both.server.directory_url)
    assert reply.status_code == 200 and reply.json() == client_both.directory


@pytest.mark.parametrize("host", ("localhost", "127.0.0.1"))
def test_urls_follow_the_host(peb_both, host):
    url = f"https://{host}:{peb_both.port}/dir"
    found = requests.get(url, verify=False, timeout=10, headers={"X-Forwarded-Proto": "http"}).json()
    assert found["newNonce"] == f"http://{host}:{peb_both.port}/nonce-plz"
    found = requests.get(url, verify=False, timeout=10, headers={"Host": "pebble:14000"}).json()
    assert found["newNonce"] == "https://pebble:14000/nonce-plz"


@pytest.mark.parametrize("method,status", (("HEAD", 200), ("GET", 204)))
def test_nonce(peb_both, method, status):
    reply = peb_both.http.request(method, peb_both.url("/nonce-plz"))
    assert (reply.status_code, reply.content) == (status, b"")
    assert re.fullmatch(r"[A-Za-z0-9_-]{22,}", reply.headers["Replay-Nonce"])
    assert reply.headers["Cache-Control"] == CACHE
    assert reply.headers["Link"] == f'<{peb_both.directory_url}>;rel="index"'


def test_nonce_by_post(client_both):
    reply = client_both.get(client_both.directory["newNonce"])
    assert (reply.status_code, reply.content) == (204, b"") and "Replay-Nonce" in reply.headers


@pytest.mark.parametrize("path", ("/", "/nope", "/dir/", "/directory", "/acme/new-order"))
def test_unknown_path(peb_both, path):
    reply = peb_both.http.get(peb_both.url(path))
    assert (reply.status_code, reply.text) == (404, "404 page not found\n")
    assert reply.headers["Content-Type"] == "text/plain; charset=utf-8"


@pytest.mark.parametrize("path,status", (("/dir", 200), ("/nonce-plz", 204), ("/order-plz", 405)))
def test_a_query_is_passed_over(peb_both, path, status):
    assert peb_both.http.get(peb_both.url(path + "?cache=no&x")).status_code == status


@pytest.mark.parametrize("path", OBJECTS)
def test_unknown_object(client_both, path):
    reply = client_both.get(client_both.server.url(path))
    assert (reply.status_code, reply.content) == (404, b"")


@pytest.mark.parametrize("path", [*PATHS.values(), *OBJECTS])
def test_only_by_post(peb_both, path):
    if path == "/nonce-plz":
        return
    reply = peb_both.http.get(peb_both.url(path))
    assert reply.status_code == 405 and "Replay-Nonce" not in reply.headers
    problem(reply, "malformed", 405, "Method not allowed")


@pytest.mark.parametrize("path", [*PATHS.values(), *OBJECTS])
def test_headers_of_every_post(client_both, path):
    server = client_both.server
    reply = client_both.post(server.url(path), {"x": 1}, use_jwk=path == "/sign-me-up")
    assert "Replay-Nonce" in reply.headers
    assert reply.headers["Cache-Control"] == CACHE
    assert f'<{server.directory_url}>;rel="index"' in reply.headers["Link"]


def test_cors(peb_both):
    reply = peb_both.http.get(peb_both.directory_url, headers={"Origin": "https://x.test"})
    assert reply.headers["Access-Control-Allow-Origin"] == "*"
    reply = peb_both.http.options(peb_both.url("/order-plz"), headers={
        "Origin": "https://x.test", "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type"})
    assert reply.status_code == 204 and reply.headers["Access-Control-Allow-Origin"] == "*"
    assert reply.headers["Access-Control-Allow-Headers"].lower() == "content-type"


def test_cors_exposes(peb):
    reply = peb.http.get(peb.directory_url, headers={"Origin": "https://x.test"})
    assert reply.headers["Access-Control-Expose-Headers"] == "Link, Replay-Nonce, Location"


def _raw(peb, port, request):
    context = ssl.create_default_context(cafile=peb.root)
    with socket.create_connection(("127.0.0.1", port), 10) as sock, \
            context.wrap_socket(sock, server_hostname="localhost") as tls:
        tls.sendall(request)
        data = b""
        while piece := tls.recv(65536):
            data += piece
    return data


def test_no_user_agent(peb):
    for header in (b"", b"User-Agent:\r\n"):
        data = _raw(peb, peb.port, b"GET /dir HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" + header + b"\r\n")
        assert data.startswith(b"HTTP/1.1 400 "), data


# --- JWS -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", (("RSA", 2048), ("RSA", 1024), ("P-256",), ("P-384",), ("P-521",)), ids=str)
def test_algorithms(peb_both, key):
    client = peb_both.client(Key(*key))
    assert client.get(client.kid).status_code == 200


def test_other_algorithms(peb_both):
    client = Client(peb_both, Key("Ed25519"), register=False)
    reply = client.post(client.directory["newAccount"], {"termsOfServiceAgreed": True}, use_jwk=True)
    assert reply.status_code == 400


def test_content_type_comes_first(client_both):
    for content_type in ("application/json", "application/jose+json; charset=utf-8", ""):
        reply = client_both.send(client_both.directory["newOrder"], "{", content_type)
        problem(reply, "malformed", 415, "application/jose+json")


@pytest.mark.parametrize("body", ("", "{", "[]", "{}", '{"payload":"","protected":"!","signature":""}'))
def test_not_a_jws(client_both, body):
    problem(client_both.send(client_both.directory["newOrder"], body), "malformed", 400)


def test_signature(client_both):
    """acme-client's suite for JavaScript looks for the first words."""
    reply = client_both.post(client_both.directory["newOrder"], {}, signature=lambda data: b"x" * 64)
    problem(reply, "malformed", 400, "JWS verification error")


def test_nonces(client_both):
    url, nonce = client_both.directory["newOrder"], client_both.nonce()
    assert client_both.post(url, {}, nonce=nonce).status_code == 400
    problem(client_both.post(url, {}, nonce=nonce), "badNonce", 400, f"JWS has an invalid anti-replay nonce: {nonce}")
    for text in ("abc", "zz", "invalid-nonce", "no nonce!", "===="):
        problem(client_both.post(url, {}, nonce=text), "badNonce", 400, f"JWS has an invalid anti-replay nonce: {text}")
    problem(client_both.post(url, {}, nonce=None), "badNonce", 400)


def test_url(client_both):
    """It must be https, the Host and the path."""
    url = client_both.directory["newOrder"]
    for other in (url + "x", url.replace("https:", "http:"), url.replace("localhost", "127.0.0.1"), "", None):
        problem(client_both.send(url, client_both.jws(url, {}, url=other)), "malformed", 400)


def test_unknown_account(client_both):
    kid = client_both.server.url("/my-account/12345")
    reply = client_both.post(client_both.directory["newOrder"], {}, kid=kid)
    problem(reply, "accountDoesNotExist", 400, f"Account {kid} not found.")


@pytest.mark.parametrize("kid", ("https://example.com/acct/1", "1"))
def test_somebody_elses_account(client_both, kid):
    reply = client_both.post(client_both.directory["newOrder"], {}, kid=kid)
    problem(reply, "malformed", 400, "Key ID (kid) in JWS header missing expected URL prefix")


def test_jwk_and_kid(client_both):
    url = client_both.directory["newOrder"]
    problem(client_both.post(url, {}, jwk=client_both.key.jwk), "malformed", 400)
    problem(client_both.post(url, {}, use_jwk=True), "malformed", 400)
    problem(client_both.post(client_both.directory["newAccount"], {}), "malformed", 400)


@pytest.mark.parametrize("percent,least,most", (("-5", 0, 0), ("0", 0, 0), ("99", 20, 40), ("250", 20, 40)))
def test_rejected_nonces(make_pebble_both, percent, least, most):
    """Of forty; with 99 percent fewer than half are rejected once in 10^28 runs. A rejected one is used up."""
    peb = make_pebble_both(env={"PEBBLE_WFE_NONCEREJECT": percent})
    client = Client(peb, register=False)
    replies = []
    for _ in range(40):
        nonce = client.nonce()
        replies.append(client.post(client.directory["newAccount"], {"onlyReturnExisting": True}, use_jwk=True, nonce=nonce))
        if replies[-1].json()["type"].endswith(":badNonce"):
            again = client.post(client.directory["newAccount"], {"onlyReturnExisting": True}, use_jwk=True, nonce=nonce)
            problem(again, "badNonce", 400)
    count = sum(reply.json()["type"].endswith(":badNonce") for reply in replies)
    assert least <= count <= most


def test_the_default_of_rejected_nonces(make_pebble_both):
    """5 percent: of 400, none once in 10^9 runs, over 60 less often."""
    env = {"PEBBLE_WFE_NONCEREJECT": ""}
    peb = make_pebble_both(env=env)
    client = Client(peb, register=False)
    count = sum(client.post(client.directory["newAccount"], {"onlyReturnExisting": True}, use_jwk=True).json()
                ["type"].endswith(":badNonce") for _ in range(400))
    assert 0 < count <= 60


def test_body_of_a_post_as_get_must_be_empty(client_both):
    reply = client_both.post(client_both.kid.replace("/my-account/", "/list-orderz/"), b"{}")
    problem(reply, "malformed", 400)


def test_json_of_every_object_is_indented_by_three(client_both):
    for reply in (client_both.get(client_both.kid), client_both.order(["indent.test"]),
                  client_both.post(client_both.directory["newOrder"], {})):
        assert reply.text == json.dumps(reply.json(), indent=3, ensure_ascii=False), reply.text


def test_media_type(client_both):
    assert client_both.get(client_both.kid).headers["Content-Type"] == "application/json; charset=utf-8"
