"""The conformance report: a good client's is empty; each misbehaviour, one by one, is in it, with the request that
showed it."""
import datetime
import http.server
import json
import re
import socket
import threading
import time
import xml.etree.ElementTree as xml

import pytest
import urllib3
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from harness import keys
from harness.acme import Client
from harness.keys import Key, b64
from harness.tlsalpn import TlsAlpn


@pytest.fixture(scope="module")
def watched(challenges):
    from harness.pebble import Pebble
    made = Pebble("signet", challenges, config={"retryAfter": {"authz": 1, "order": 1}},
                  env={"PEBBLE_WFE_NONCEREJECT": "0", "PEBBLE_AUTHZREUSE": "0", "PEBBLE_VA_NOSLEEP": "1",
                       "PEBBLE_ALTERNATE_ROOTS": "1", "PEBBLE_WFE_ORDERS_PER_PAGE": "2"})
    yield made
    made.close()


@pytest.fixture
def client(watched):
    """Each test begins with a new report, and its client with an account of its own in it."""
    assert watched.manage("/conformance/reset", "POST").status_code == 200
    return watched.client()


def report(server):
    return server.manage("/conformance.json").json()["clients"]


def broken(server):
    """Of all clients together: rule -> entry."""
    return {entry["rule"]: entry for one in report(server) for entry in one["broken"]}


def patient(client, url, until=("valid", "invalid")):
    """Polls as the server says."""
    while True:
        reply = client.get(url)
        if reply.json()["status"] in until:
            return reply
        after = reply.headers.get("Retry-After", "0")
        time.sleep(int(after) if after.isdigit() else 1.05)


def prove(client, url, kind="http-01", clean=True):
    """An authorization made valid, and its response removed."""
    challenge = client.challenge(url, kind)
    client.post(challenge["url"], {})
    assert patient(client, url).json()["status"] == "valid"
    if kind == "http-01" and clean:
        client.server.responder.drop(challenge["token"])


class HTTPServer(http.server.ThreadingHTTPServer):
    address_family = socket.AF_INET6            # which Pebble asks for first


def issue(client, names, kind="http-01", key=None, clean=True, **more):
    """What a client should do, from order to alternate chain; (the order's URL, the leaf)."""
    made = client.order(names, **more)
    for url in made.json()["authorizations"]:
        prove(client, url, kind, clean)
    order, url = client.get(made.headers["Location"]).json(), made.headers["Location"]
    reply = client.finalize(order, keys.csr(names, key or Key()))
    assert reply.status_code == 200, reply.text
    time.sleep(1.05)
    final = patient(client, url).json()
    reply = client.get(final["certificate"])
    for link in reply.headers["Link"].split(", "):
        if 'rel="alternate"' in link:
            assert client.get(link[1:link.index(">")]).status_code == 200
    return url, x509.load_pem_x509_certificate(reply.content)


def test_a_good_client(watched, client):
    _, leaf = issue(client, ["good.test"])
    issue(client, ["good-tls.test"], "tls-alpn-01")
    issue(client, ["*.good-dns.test"], "dns-01")
    der = b64(leaf.public_bytes(serialization.Encoding.DER))
    assert client.post(client.directory["revokeCert"], {"certificate": der, "reason": 4}).status_code == 200
    page = client.get(client.kid).json()["orders"]
    while page:
        reply = client.get(page)
        page = next((link[1:link.index(">")] for link in reply.headers["Link"].split(", ") if "next" in link), None)
    assert broken(watched) == {}
    mine = next(one for one in report(watched) if one["account"])
    assert mine["userAgent"] == "signet-tests/1"
    assert {"URL", "NONCE", "EMPTY_PAYLOAD", "TERMS", "FINALIZE", "CSR_NAMES", "POLL", "DOWNLOAD", "ALTERNATES", "SEVERAL",
            "PROVISIONED", "KEY_AUTHORIZATION", "TLS_ALPN", "RETRY_AFTER", "REASON", "ORDERS_LIST"} <= set(mine["kept"])
    assert {"EAB", "ROLLOVER", "ADDRESS", "ARI_RETRY_AFTER"} <= set(mine["notExercised"])


def test_forms_of_the_report(watched, client):
    client.post(client.directory["newOrder"], {"identifiers": []}, url="https://localhost/else<where>")
    entry = broken(watched)["URL"]
    assert entry["section"] == "RFC 8555, 6.4" and entry["level"] == "MUST" and entry["right"] and entry["detail"]
    assert f"id={entry['request']} " in watched.log
    reply = watched.manage("/conformance.xml")
    assert reply.headers["Content-Type"] == "application/xml; charset=utf-8"
    suites = xml.fromstring(reply.content)
    failures = suites.findall(".//testcase/failure")
    assert len(failures) == 1 and entry["request"] in failures[0].text
    assert suites.find("testsuite").get("failures") in ("0", "1") and suites.find(".//testcase/skipped") is not None
    page = watched.manage("/conformance")
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert entry["request"] in page.text and "<where>" not in page.text
    assert watched.manage("/conformance/reset", "POST").status_code == 200
    assert report(watched) == []


def test_no_user_agent(watched, client):
    client.http.get(client.directory["newNonce"], headers={"User-Agent": urllib3.util.SKIP_HEADER})
    assert set(broken(watched)) == {"AGENT"}


def test_content_type(watched, client):
    client.send(client.directory["newOrder"], client.jws(client.directory["newOrder"], {}), "application/json")
    assert set(broken(watched)) == {"MEDIA_TYPE"}


def test_padding(watched, client):
    jws = client.jws(client.directory["newOrder"], {"identifiers": []})
    client.send(client.directory["newOrder"], {**jws, "signature": jws["signature"] + "="})
    assert set(broken(watched)) == {"PADDING"}


def test_unprotected_header(watched, client):
    jws = client.jws(client.directory["newOrder"], {"identifiers": []})
    client.send(client.directory["newOrder"], {**jws, "header": {"alg": "ES256"}})
    assert set(broken(watched)) == {"UNPROTECTED"}


def test_jwk_in_place_of_kid(watched, client):
    client.post(client.directory["newOrder"], {"identifiers": []}, use_jwk=True)
    assert set(broken(watched)) == {"KEY_FORM"}


def test_get(watched, client):
    client.http.get(client.kid)
    assert set(broken(watched)) == {"GET"}


def test_payload_of_post_as_get(watched, client):
    client.post(client.get(client.kid).json()["orders"], {})
    assert set(broken(watched)) == {"EMPTY_PAYLOAD"}


def test_hard_coded_url(watched, client):
    client.http.get(watched.url("/acme/new-order"))
    assert set(broken(watched)) == {"HARD_CODED"}


def test_paths_that_are_elsewhere(challenges):
    """Another directory than Pebble's: whoever has its paths built in is not served, and the report says so."""
    from harness.pebble import Pebble
    made = Pebble("signet", challenges, env={"PEBBLE_MOVED_PATHS": "1"})
    try:
        client = made.client()
        assert {url[len(made.url("")):].split("/")[1] for name, url in client.directory.items() if name != "meta"} == {"moved"}
        issue(client, ["moved.test"])
        assert not broken(made)
        assert client.http.get(made.url("/nonce-plz")).status_code == 404
        assert set(broken(made)) == {"HARD_CODED"}
    finally:
        made.close()


@pytest.mark.parametrize("how", ("twice", "elsewhere"))
def test_nonce(watched, client, how):
    nonce = client.nonce()
    if how == "twice":
        client.post(client.kid, None, nonce=nonce)
    else:
        nonce = "AAAAAAAAAAAAAAAAAAAAAA"
    reply = client.post(client.kid, None, nonce=nonce)
    client.post(client.kid, None, nonce=reply.headers["Replay-Nonce"])
    assert set(broken(watched)) == {"NONCE"}


def test_bad_nonce_not_retried(watched, client):
    client.post(client.kid, None, nonce="AAAAAAAAAAAAAAAAAAAAAA")
    assert set(broken(watched)) == {"NONCE", "RETRY"}


def test_retry_with_another_nonce(watched, client):
    spare = client.http.head(client.directory["newNonce"]).headers["Replay-Nonce"]
    client.post(client.kid, None, nonce="AAAAAAAAAAAAAAAAAAAAAA")
    client.post(client.kid, None, nonce=spare)
    assert set(broken(watched)) == {"NONCE", "FRESH_NONCE"}


def test_retry_of_a_client_that_asks_several_things_at_once(watched, client):
    """lego does, and takes the newest nonce that it has, which is the other answer's."""
    orders = client.get(client.kid).json()["orders"]
    spare = client.nonce()
    client.post(client.kid, None, nonce="AAAAAAAAAAAAAAAAAAAAAA")
    client.post(client.kid, None, nonce=client.post(orders, None, nonce=spare).headers["Replay-Nonce"])
    assert set(broken(watched)) == {"NONCE"}


def test_endless_retries(watched, client):
    for _ in range(25):
        client.post(client.kid, None, nonce="AAAAAAAAAAAAAAAAAAAAAA")
    assert "ENDLESS" in broken(watched)


def test_a_nonce_for_every_request(watched, client):
    for _ in range(6):
        client.post(client.kid, None, nonce=client.http.head(client.directory["newNonce"]).headers["Replay-Nonce"])
    assert set(broken(watched)) == {"NEW_NONCE"}


def test_runs_of_one_request(watched, client):
    """Each begins with the directory and a nonce, and has no answer to take one from."""
    for _ in range(6):
        client.http.get(watched.directory_url)
        client.post(client.kid, None, nonce=client.http.head(client.directory["newNonce"]).headers["Replay-Nonce"])
    assert not broken(watched)


def test_retry_after_ignored(watched, client):
    made = client.order(["early.test"])
    url = made.json()["authorizations"][0]
    prove(client, url)
    client.finalize(client.get(made.headers["Location"]).json(), keys.csr(["early.test"], Key()))
    final = client.get(made.headers["Location"]).json()         # at once
    time.sleep(1.05)
    final = patient(client, made.headers["Location"]).json()
    client.get(final["certificate"])
    assert set(broken(watched)) == {"RETRY_AFTER"}


def test_subproblems_ignored(watched, client):
    for _ in range(2):
        client.post(client.directory["newOrder"], {"identifiers": [{"type": "dns", "value": "a.*.test"}]})
    assert set(broken(watched)) == {"SUBPROBLEMS"}


def test_orders_list_not_followed(watched, client):
    for i in range(3):
        issue(client, [f"list{i}.test"])
    client.get(client.get(client.kid).json()["orders"])
    assert set(broken(watched)) == {"ORDERS_LIST"}


def test_dead_authorization(watched, client):
    made = client.order(["dead.test"])
    url = made.json()["authorizations"][0]
    challenge = client.challenge(url)
    client.post(url, {"status": "deactivated"})
    client.post(challenge["url"], {})
    client.get(made.headers["Location"])
    assert set(broken(watched)) == {"DEAD"}


def test_a_new_account_each_time(watched, client):
    watched.client()
    assert set(broken(watched)) == {"NEW_ACCOUNT"}


def test_terms(watched, client):
    Client(watched, register=False).register(termsOfServiceAgreed=False)
    assert set(broken(watched)) == {"TERMS"}


@pytest.mark.parametrize("contact", (["tel:1"], ["mailto:a@b.test,c@d.test"], ["mailto:a@b.test"] * 3))
def test_contact(watched, client, contact):
    client.post(client.kid, {"contact": contact})
    assert set(broken(watched)) == {"CONTACT"}


def test_external_account_binding(watched, client):
    other = Client(watched, register=False)
    other.post(other.directory["newAccount"], {"termsOfServiceAgreed": True, "externalAccountBinding": {}}, use_jwk=True)
    assert set(broken(watched)) == {"EAB"}


def test_rollover(watched, client):
    url, key = client.directory["keyChange"], Key()
    inner = client.jws(url, {"account": client.kid, "oldKey": key.jwk}, key=key, use_jwk=True, nonce=None)
    client.post(url, inner)
    assert set(broken(watched)) == {"ROLLOVER"}


def finish(client, made):
    """An order of one name to its end."""
    url = made.json()["authorizations"][0]
    prove(client, url)
    name = made.json()["identifiers"][0]["value"]
    client.finalize(client.get(made.headers["Location"]).json(), keys.csr([name], Key()))
    time.sleep(1.05)
    client.get(patient(client, made.headers["Location"]).json()["certificate"])


def test_finalize_too_early(watched, client):
    made = client.order(["early-finalize.test"])
    client.finalize(made.json(), keys.csr(["early-finalize.test"], Key()))
    finish(client, made)
    assert set(broken(watched)) == {"FINALIZE"}


def test_finalize_twice(watched, client):
    made = client.order(["twice.test"])
    finish(client, made)
    order = client.get(made.headers["Location"]).json()
    assert client.finalize(order, keys.csr(["twice.test"], Key())).status_code == 403
    assert set(broken(watched)) == {"FINALIZE"}


def test_csr_of_other_names(watched, client):
    made = client.order(["names.test"])
    url = made.json()["authorizations"][0]
    prove(client, url)
    client.finalize(client.get(made.headers["Location"]).json(), keys.csr(["names.test", "more.test"], Key()))
    client.finalize(client.get(made.headers["Location"]).json(), keys.csr(["names.test"], Key()))
    time.sleep(1.05)
    client.get(patient(client, made.headers["Location"]).json()["certificate"])
    assert set(broken(watched)) == {"CSR_NAMES"}


def test_account_key_in_the_csr(watched, client):
    made = client.order(["account-key.test"])
    url = made.json()["authorizations"][0]
    prove(client, url)
    client.finalize(client.get(made.headers["Location"]).json(), keys.csr(["account-key.test"], client.key))
    assert set(broken(watched)) == {"ACCOUNT_KEY", "ABANDONED"}


def test_order_abandoned(watched, client):
    client.order(["abandoned.test"])
    assert set(broken(watched)) == {"ABANDONED"}


def test_order_left_at_a_refused_nonce(watched, client):
    """That is what is told, and not a second time what comes of it."""
    made = client.order(["refused-nonce.test"])
    client.post(made.headers["Location"], None, nonce="AAAAAAAAAAAAAAAAAAAAAA")
    assert set(broken(watched)) == {"NONCE", "RETRY"}


def test_order_not_polled(watched, client):
    made = client.order(["unpolled.test"])
    url = made.json()["authorizations"][0]
    prove(client, url)
    client.finalize(client.get(made.headers["Location"]).json(), keys.csr(["unpolled.test"], Key()))
    assert set(broken(watched)) == {"POLL"}


def test_certificate_not_downloaded(watched, client):
    made = client.order(["undownloaded.test"])
    url = made.json()["authorizations"][0]
    prove(client, url)
    client.finalize(client.get(made.headers["Location"]).json(), keys.csr(["undownloaded.test"], Key()))
    time.sleep(1.05)
    patient(client, made.headers["Location"])
    assert set(broken(watched)) == {"DOWNLOAD"}


def test_alternates_never_fetched_are_not_exercised(watched, client):
    finish(client, client.order(["alternates.test"]))
    assert broken(watched) == {}
    assert "ALTERNATES" in next(one for one in report(watched) if one["account"])["notExercised"]


def fail(client, name, text, kind="http-01"):
    """A challenge that is answered with that in the place of its response."""
    made = client.order([name])
    url = made.json()["authorizations"][0]
    found = next(c for c in client.get(url).json()["challenges"] if c["type"] == kind)
    if text is not None:
        client.server.responder.put(found["token"], text(found["token"]))
    client.post(found["url"], {})
    assert patient(client, url).json()["status"] == "invalid"
    client.get(made.headers["Location"])


def test_not_provisioned(watched, client):
    made = client.order(["unprovisioned.test"])
    url = made.json()["authorizations"][0]
    found = next(c for c in client.get(url).json()["challenges"] if c["type"] == "dns-01")
    client.post(found["url"], {})
    assert patient(client, url).json()["status"] == "invalid"
    client.get(made.headers["Location"])
    assert set(broken(watched)) == {"PROVISIONED"}


@pytest.mark.parametrize("text", (lambda token: token + ".wrong", lambda token: token), ids=("thumbprint", "token alone"))
def test_key_authorization(watched, client, text):
    fail(client, "authorization.test", text)
    assert set(broken(watched)) == {"KEY_AUTHORIZATION"}


def dns_challenges(client, order):
    """The challenges of an order's authorizations, with what stands where."""
    found = []
    for url in order.json()["authorizations"]:
        authorization = client.get(url).json()
        challenge = next(c for c in authorization["challenges"] if c["type"] == "dns-01")
        found.append((url, authorization["identifier"]["value"], challenge["url"],
                      client.digest(f"{challenge['token']}.{client.key.thumbprint}")))
    return found


def stand(client, name, *values):
    """These TXT records and no others."""
    tell = client.server.responder.server.tell
    tell("/clear-txt", host=f"_acme-challenge.{name}.")
    for value in values:
        client.server.names.txt("_acme-challenge." + name, value)


def answer(client, challenges):
    for url, _, challenge, _ in challenges:
        client.post(challenge, {})
    return [patient(client, url).json()["status"] for url, *_ in challenges]


def end(client, made):
    """An order that is ready to its end."""
    url, names = made.headers["Location"], [one["value"] for one in made.json()["identifiers"]]
    client.finalize(client.get(url).json(), keys.csr(names, Key()))
    time.sleep(1.05)
    client.get(patient(client, url).json()["certificate"])


def test_txt_in_the_place_of_another(watched, client):
    """A wildcard and its base name have their records at one name."""
    made = client.order(["*.together.test", "together.test"])
    challenges = dns_challenges(client, made)
    stand(client, "together.test", challenges[1][3])
    assert answer(client, challenges) == ["invalid", "valid"]
    client.get(made.headers["Location"])
    assert set(broken(watched)) == {"TXT_TOGETHER"}


def test_txt_together_rightly(watched, client):
    made = client.order(["*.beside.test", "beside.test"])
    challenges = dns_challenges(client, made)
    stand(client, "beside.test", *(digest for *_, digest in challenges))
    assert answer(client, challenges) == ["valid", "valid"]
    stand(client, "beside.test")
    end(client, made)
    kept = next(one for one in report(watched) if one["account"])["kept"]
    assert broken(watched) == {} and {"TXT_TOGETHER", "ARRAY_ORDER"} <= set(kept)


@pytest.mark.parametrize("beside", (True, False))
def test_txt_left_behind(watched, client, beside):
    old = None
    for _ in range(2):
        made = client.order(["stale.test"])
        challenges = dns_challenges(client, made)
        stand(client, "stale.test", *([old] if old else []), *([challenges[0][3]] if beside or not old else []))
        answer(client, challenges)
        old = challenges[0][3]
        if client.get(made.headers["Location"]).json()["status"] == "ready":
            end(client, made)
    entry = broken(watched)
    assert entry.pop("TXT_STALE")["section"] == "RFC 8555, 8.4"
    assert set(entry) == (set() if beside else {"KEY_AUTHORIZATION"})       # the new record was missing, too


def test_txt_removed(watched, client):
    for _ in range(2):
        made = client.order(["clean.test"])
        challenges = dns_challenges(client, made)
        stand(client, "clean.test", challenges[0][3])
        assert answer(client, challenges) == ["valid"]
        stand(client, "clean.test")
        end(client, made)
    assert broken(watched) == {}
    assert "TXT_STALE" in next(one for one in report(watched) if one["account"])["kept"]


def test_order_of_lists(watched, client):
    """It takes the first authorization for the first identifier."""
    made = client.order(["first.test", "second.test"])
    challenges = dns_challenges(client, made)
    stand(client, challenges[0][1], challenges[1][3])
    stand(client, challenges[1][1], challenges[0][3])
    assert answer(client, challenges)[0] == "invalid"
    client.get(made.headers["Location"])
    assert set(broken(watched)) == {"ARRAY_ORDER"}


def test_responder_that_ends_too_early(watched, client):
    """One request is served, the next finds nobody."""
    made = client.order(["once.test"])
    url = made.json()["authorizations"][0]
    found = next(c for c in client.get(url).json()["challenges"] if c["type"] == "http-01")
    served, lock = [], threading.Lock()

    class Once(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            with lock:
                served.append(self.path)
                first = len(served) == 1
            text = f"{found['token']}.{client.key.thumbprint}".encode() if first else b""
            self.send_response(200 if first else 404)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_):
            pass

    once = HTTPServer(("::1", 0), Once)
    threading.Thread(target=once.serve_forever, daemon=True).start()
    try:
        watched.responder.server.tell("/add-redirect", path=f"/.well-known/acme-challenge/{found['token']}",
                                      targetURL=f"http://once.test:{once.server_address[1]}/x")
        client.post(found["url"], {})
        assert patient(client, url).json()["status"] == "invalid"
    finally:
        once.shutdown()
    client.get(made.headers["Location"])
    assert set(broken(watched)) == {"RESPONDER"} and len(served) > 1


def test_response_left_behind(watched, client):
    """Whether it still stands is looked at when the report is asked for: each time anew, until it is gone."""
    issue(client, ["left-http.test"], clean=False)
    for _ in range(2):
        found = broken(watched)
        assert set(found) == {"TOKEN_STALE"}
        assert found["TOKEN_STALE"]["section"] == "RFC 8555, 8.3" and found["TOKEN_STALE"]["times"] == 1
        assert re.fullmatch(r"http://left-http\.test/\.well-known/acme-challenge/[\w-]{43} still answers",
                            found["TOKEN_STALE"]["detail"])
    client.server.responder.drop(found["TOKEN_STALE"]["detail"].split("/")[-1].split()[0])
    assert not broken(watched)
    assert "TOKEN_STALE" in next(one for one in report(watched) if one["account"])["kept"]


def test_response_of_a_responder_that_is_gone(challenges):
    """It listens no longer, as after most clients' runs: nothing is left."""
    from harness.pebble import Pebble
    served = {}

    class Responder(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(served[self.path.rsplit("/", 1)[1]].encode())

        def log_message(self, *_):
            pass

    responder = HTTPServer(("::1", 0), Responder)
    threading.Thread(target=responder.serve_forever, daemon=True).start()
    made = Pebble("signet", challenges, config={"httpPort": responder.server_port})
    try:
        client = made.client()
        order = client.order(["gone-http.test"])
        challenge = client.challenge(order.json()["authorizations"][0])
        served[challenge["token"]] = f"{challenge['token']}.{client.key.thumbprint}"
        client.post(challenge["url"], {})
        patient(client, order.json()["authorizations"][0])
        assert "TOKEN_STALE" in broken(made)
        responder.shutdown()
        responder.server_close()
        assert "TOKEN_STALE" not in broken(made)
    finally:
        made.close()


def test_several_challenges(watched, client):
    made = client.order(["several.test"])
    url = made.json()["authorizations"][0]
    first = client.challenge(url)
    other = next(c for c in client.get(url).json()["challenges"] if c["type"] == "dns-01")
    client.post(first["url"], {})
    client.post(other["url"], {})
    patient(client, url)
    client.server.responder.drop(first["token"])
    client.finalize(client.get(made.headers["Location"]).json(), keys.csr(["several.test"], Key()))
    time.sleep(1.05)
    client.get(patient(client, made.headers["Location"]).json()["certificate"])
    assert set(broken(watched)) in ({"SEVERAL"}, {"DEAD"})      # as fast as the validation was


@pytest.fixture(scope="module")
def alpn(challenges):
    """One that asks a TLS server whose certificates tests bend."""
    from harness.pebble import Pebble
    responder = TlsAlpn()
    made = Pebble("signet", challenges, config={"tlsPort": responder.port})
    yield made, responder
    made.close()
    responder.close()


def order_of(client, name):
    kind = "ip" if name[0].isdigit() else "dns"
    return client.post(client.directory["newOrder"], {"identifiers": [{"type": kind, "value": name}]})


def test_tls_alpn_certificate(watched, client):
    made = client.order(["alpn.test"])
    url = made.json()["authorizations"][0]
    found = next(c for c in client.get(url).json()["challenges"] if c["type"] == "tls-alpn-01")
    client.server.responder.tls.put("alpn.test", found["token"] + ".wrong")
    client.post(found["url"], {})
    assert patient(client, url).json()["status"] == "invalid"
    client.get(made.headers["Location"])
    assert set(broken(watched)) == {"TLS_ALPN"}


@pytest.mark.parametrize("name,bends", (
    ("critical.test", {"critical": False}), ("extra.test", {"sans": [x509.DNSName("extra.test"), x509.DNSName("more.test")]}),
    ("noalpn.test", {"alpn": None}), ("http.test", {"alpn": ("http/1.1",)}),
    ("127.0.0.1", {"sans": [x509.DNSName("1.0.0.127.in-addr.arpa")]}), ("none.test", {"identifier": False})),
    ids=("not critical", "extra SANs", "no ALPN", "another ALPN", "wrong reverse name", "no extension"))
def test_tls_alpn_bends(alpn, name, bends):
    """RFC 8737, 3; RFC 8738, 6."""
    watched, responder = alpn
    assert watched.manage("/reset", "POST").status_code == 200
    client = watched.client()
    made = order_of(client, name)
    url = made.json()["authorizations"][0]
    found = next(c for c in client.get(url).json()["challenges"] if c["type"] == "tls-alpn-01")
    responder.put(name, f"{found['token']}.{client.key.thumbprint}", **bends)
    client.post(found["url"], {})
    assert patient(client, url).json()["status"] == "invalid"
    client.get(made.headers["Location"])
    assert set(broken(watched)) == {"TLS_ALPN"}


def test_reason_and_revoking_twice(watched, client):
    _, leaf = issue(client, ["reason.test"])
    der = b64(leaf.public_bytes(serialization.Encoding.DER))
    client.post(client.directory["revokeCert"], {"certificate": der, "reason": 7})
    assert set(broken(watched)) == {"REASON"}
    for _ in range(2):
        client.post(client.directory["revokeCert"], {"certificate": der})
    assert set(broken(watched)) == {"REASON", "REVOKE_TWICE"}


def test_address_not_canonical(watched, client):
    reply = client.post(client.directory["newOrder"], {"identifiers": [{"type": "ip", "value": "2001:DB8:0::1"}]}).json()
    assert [sub["identifier"]["value"] for sub in reply["subproblems"]] == ["2001:DB8:0::1"] and "2001:db8::1" in reply["detail"]
    assert set(broken(watched)) == {"ADDRESS"}


def cert_id(leaf):
    aki = leaf.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
    n = leaf.serial_number
    return f"{b64(aki)}.{b64(n.to_bytes(n.bit_length() // 8 + 1, 'big'))}"


def test_renewal_information(watched, client):
    _, leaf = issue(client, ["renew.test"])
    url = f"{client.directory['renewalInfo']}/{cert_id(leaf)}"
    client.http.get(url)
    issue(client, ["renew.test"])
    assert set(broken(watched)) == {"REPLACES"}
    client.http.get(url)
    assert set(broken(watched)) == {"REPLACES", "ARI_RETRY_AFTER"}


def test_replaces_rightly(watched, client):
    _, leaf = issue(client, ["replace.test"])
    client.http.get(f"{client.directory['renewalInfo']}/{cert_id(leaf)}")
    issue(client, ["replace.test"], replaces=cert_id(leaf))
    assert broken(watched) == {}
    client.post(client.directory["newOrder"], {"identifiers": [{"type": "dns", "value": "replace.test"}],
                                               "replaces": "AAAA.AAAA"})
    assert set(broken(watched)) == {"REPLACES"}


def renew(watched, client, leaf, names, place):
    """Renews at that place of the window, by moving the clock; the new leaf."""
    url = f"{client.directory['renewalInfo']}/{cert_id(leaf)}"
    window = client.http.get(url).json()["suggestedWindow"]
    start, end = (datetime.datetime.fromisoformat(window[at].rstrip("Z")) for at in ("start", "end"))
    now = datetime.datetime.fromisoformat(watched.manage("/clock").json()["now"].rstrip("Z"))
    forward = int((start + (end - start) * place - now).total_seconds())
    assert watched.manage("/clock", "POST", json={"forward": forward}).status_code == 200
    return issue(client, names, replaces=cert_id(leaf))[1]


@pytest.mark.parametrize("places, found", (((0.001, 0.001), {"WINDOW"}), ((0.2, 0.7), set())), ids=("start", "chance"))
def test_time_in_the_window(challenges, places, found):
    from harness.pebble import Pebble
    server = Pebble("signet", challenges, env={"PEBBLE_WFE_NONCEREJECT": "0", "PEBBLE_AUTHZREUSE": "0",
                                               "PEBBLE_VA_NOSLEEP": "1"})
    try:
        client = server.client()
        leaf = issue(client, ["window.test"])[1]
        for place in places:
            leaf = renew(server, client, leaf, ["window.test"], place)
        assert set(broken(server)) == found
        kept = {rule for one in report(server) for rule in one["kept"]}
        assert ("WINDOW" in kept) == (not found)
    finally:
        server.close()


def test_a_report_of_many_clients(watched, client):
    """One account a test is what suites make: the report fits in all its forms."""
    for i in range(60):
        watched.client().order([f"many-{i}.test"])
    for path in ("/conformance", "/conformance.json", "/conformance.xml"):
        assert watched.manage(path).status_code == 200, path


def test_nonces_refused_by_chance_are_not_the_clients_fault(challenges):
    from harness.pebble import Pebble
    server = Pebble("signet", challenges, env={"PEBBLE_WFE_NONCEREJECT": "30"})
    try:
        client = Client(server, register=False)
        for _ in range(60):
            reply = client.post(client.directory["newAccount"], {"termsOfServiceAgreed": True}, use_jwk=True)
            client.nonces = [reply.headers["Replay-Nonce"]]
        while reply.status_code == 400:
            reply = client.post(client.directory["newAccount"], {"termsOfServiceAgreed": True}, use_jwk=True)
            client.nonces = [reply.headers["Replay-Nonce"]]
        assert broken(server) == {}
        assert "RETRY" in json.dumps(report(server))
    finally:
        server.close()
