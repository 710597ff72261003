"""RFC 9773: ACME Renewal Information."""
import datetime
import threading

import pytest
import requests
from harness import acme
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from harness.acme import Client, check_problem
from harness.keys import Key, b64, csr
from requests.utils import parse_header_links

pytestmark = pytest.mark.needs("renewalInfo")


def certid(leaf):
    key_id = leaf.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
    serial = leaf.serial_number
    return b64(key_id) + "." + b64(serial.to_bytes(serial.bit_length() // 8 + 1, "big"))


def fetch(server, name, method="GET", **kw):
    directory = requests.get(server.directory_url, verify=server.root, timeout=10).json()
    return requests.request(method, f"{directory['renewalInfo']}/{name}", verify=server.root, timeout=10, **kw)


@pytest.fixture(scope="module")
def issued(shared):
    return shared.issue(["ari.test", "www.ari.test"])


def test_rfc9773_3_directory(server, shared):
    assert shared.directory["renewalInfo"].startswith("https://")


@pytest.mark.parametrize("profile, share", [("default", 2 / 3), ("shortlived", 1 / 2)])
def test_rfc9773_4_suggested_window(server, shared, profile, share):
    leaf = shared.issue([f"ari-{profile}.test"], **({"profile": profile} if acme.WORDS else {})).leaf
    reply = fetch(server, certid(leaf))
    assert reply.status_code == 200 and reply.headers["Content-Type"] == "application/json"
    assert int(reply.headers["Retry-After"]) > 0
    window = reply.json()["suggestedWindow"]
    start, end = (datetime.datetime.strptime(window[at], "%Y-%m-%dT%H:%M:%SZ") for at in ("start", "end"))
    life = (leaf.not_valid_after - leaf.not_valid_before).total_seconds()
    middle = ((start - leaf.not_valid_before) + (end - leaf.not_valid_before)).total_seconds() / 2
    assert start < end < leaf.not_valid_after and start > leaf.not_valid_before
    assert abs(middle / life - share) < 0.001 or not acme.WORDS     # where it lies is the server's policy


def test_rfc9773_4_2_revoked_certificate_is_renewed_at_once(server, client):
    leaf = client.issue(["ari-revoked.test"]).leaf
    data = b64(leaf.public_bytes(serialization.Encoding.DER))
    assert client.post(client.directory["revokeCert"], {"certificate": data}).status_code == 200
    window = fetch(server, certid(leaf)).json()["suggestedWindow"]
    now = datetime.datetime.utcnow().strftime("%Y-%m-%dT%H:%M:%SZ")
    assert window["start"] < window["end"] <= now


def test_rfc9773_4_1_headers(server, issued):
    """Nobody signs it, so it spends no nonce, and caches may keep it."""
    reply = fetch(server, certid(issued.leaf))
    assert "Replay-Nonce" not in reply.headers and "max-age" in reply.headers["Cache-Control"]
    assert {link["rel"] for link in parse_header_links(reply.headers["Link"])} == {"index"}
    assert reply.headers["Access-Control-Allow-Origin"] == "*"
    head = fetch(server, certid(issued.leaf), "HEAD")
    assert head.status_code == 200 and head.content == b"" and int(head.headers["Retry-After"]) > 0


def test_rfc9773_4_1_post_as_get_too(shared, issued):
    reply = shared.get(shared.directory["renewalInfo"] + "/" + certid(issued.leaf))
    assert reply.status_code == 200 and "suggestedWindow" in reply.json() and "Replay-Nonce" in reply.headers


@pytest.mark.parametrize("name", [
    "", "x", "AQ..AQ", "AQ.", ".AQ", "aYhba4dGQEHhs3uEe6CuLN4ByNQ=.AIdlQyE=", "aYhba4dGQEHhs3uEe6CuLN4ByNQ.h2VDIQ",
    "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AAE", "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE.AQ"])
def test_rfc9773_4_1_ill_formed(server, name):
    reply = fetch(server, name)
    if name:
        check_problem(reply, "malformed", 400, "4.1")
    else:
        assert reply.status_code in (400, 404)
    assert "Retry-After" not in reply.headers


def test_rfc9773_4_1_unknown(server, issued):
    name = certid(issued.leaf)
    check_problem(fetch(server, "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE"), "malformed", 404, "no such certificate")
    # the right serial under another authority
    check_problem(fetch(server, "aYhba4dGQEHhs3uEe6CuLN4ByNQ." + name.split(".")[1]), "malformed", 404)
    check_problem(fetch(server, name + "x" * 200), "malformed", 404)
    check_problem(fetch(server, name + "/x"), "malformed", 404)
    check_problem(fetch(server, name + "?x"), "malformed", 404)


def test_rfc8555_6_3_get_reads_nothing_else(server, issued):
    for url in (issued.order_url, issued.order["certificate"], server.url + "/new-order"):
        assert requests.get(url, verify=server.root, timeout=10).status_code == 405
    assert fetch(server, certid(issued.leaf), "PUT").status_code == 405


def test_rfc9773_5_replaces(shared, issued):
    name = certid(shared.issue(["replace.test", "replace2.test"]).leaf)
    reply = shared.order(["replace.test", "replace3.test"], replaces=name)
    assert reply.json()["replaces"] == name
    assert shared.get(reply.headers["Location"]).json()["replaces"] == name
    # and it is issued, after which it stays replaced
    shared.authorize(reply.json())
    assert shared.finalize(reply.json(), csr(["replace.test", "replace3.test"], Key())).json()["replaces"] == name
    assert shared.poll(reply.headers["Location"], ("valid",)).json()["replaces"] == name
    check_problem(post(shared, ["replace.test"], name), "alreadyReplaced", 409, "another order")
    assert "replaces" not in shared.order(["replace.test"]).json()


def post(client, names, replaces):
    return client.post(client.directory["newOrder"], {
        "identifiers": [{"type": "dns", "value": name} for name in names], "replaces": replaces})


def test_rfc9773_5_not_replaced_by_an_invalid_order(shared):
    name = certid(shared.issue(["replace-again.test"]).leaf)
    order = post(shared, ["replace-again.test"], name)
    check_problem(post(shared, ["replace-again.test"], name), "alreadyReplaced", 409)
    shared.post(order.json()["authorizations"][0], {"status": "deactivated"})
    assert shared.get(order.headers["Location"]).json()["status"] == "invalid"
    assert post(shared, ["replace-again.test"], name).status_code == 201


def test_rfc9773_5_replaces_is_refused(server, shared, issued):
    name = certid(issued.leaf)
    check_problem(post(Client(server), ["ari.test"], name), "unauthorized", 403, "another account")
    check_problem(post(shared, ["other-ari.test"], name), "malformed", 400, "none of the order's identifiers")
    check_problem(post(shared, ["ari.test"], "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE"), "malformed", 400, "no certificate")
    for bad in ("", "x", 5, None, [], {}, name + "=", name.upper() + "?"):
        check_problem(post(shared, ["ari.test"], bad), "malformed", 400, "replaces")
    assert post(shared, ["ari.test"], name).status_code == 201       # none of them counted


def test_rfc9773_5_one_of_many_at_once(server, shared):
    name = certid(shared.issue(["replace-race.test"]).leaf)
    clients = [Client(server, shared.key) for _ in range(8)]
    codes = []
    threads = [threading.Thread(target=lambda c=c: codes.append(post(c, ["replace-race.test"], name).status_code))
               for c in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(codes) == [201] + [409] * 7
