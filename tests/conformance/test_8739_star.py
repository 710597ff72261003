"""RFC 8739: short-term, automatically renewed certificates. tests/pebble/test_star_clock.py moves the clock through whole orders."""
import datetime
import email.utils
import time

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from harness import acme, keys
from harness.acme import Client, check_problem
from harness.keys import Key, b64

pytestmark = pytest.mark.needs("auto-renewal")


@pytest.fixture(scope="module")
def offered(shared):
    return shared.directory["meta"]["auto-renewal"]


def text(seconds):
    """That many seconds from now."""
    return (datetime.datetime.utcnow() + datetime.timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def read(moment):
    return datetime.datetime.strptime(moment, "%Y-%m-%dT%H:%M:%SZ")


def terms(offered, **more):
    """The shortest order there is, three certificates long."""
    asked = {"end-date": text(3 * offered["min-lifetime"]), "lifetime": offered["min-lifetime"], **more}
    return {name: value for name, value in asked.items() if value is not ...}


def post(client, asked, name="star.test", **more):
    return client.post(client.directory["newOrder"], {
        "identifiers": [{"type": "dns", "value": name}], "auto-renewal": asked, **more})


class Valid:
    """An order that has its first certificate."""

    def __init__(self, client, asked, name="star.test"):
        self.client, self.key = client, Key()
        order, self.url = client.ready([name], **{"auto-renewal": asked})
        reply = client.finalize(order, keys.csr([name], self.key))
        assert reply.status_code == 200, reply.text
        self.order = client.poll(self.url, ("valid", "invalid")).json()
        assert self.order["status"] == "valid", self.order
        self.place = self.order["star-certificate"]

    def leaf(self):
        reply = self.client.get(self.place)
        assert reply.status_code == 200, reply.text
        return x509.load_pem_x509_certificate(reply.content)


@pytest.fixture(scope="module")
def valid(shared, offered):
    return Valid(shared, terms(offered, **{"end-date": text(min(offered["max-duration"], 80 * offered["min-lifetime"])),
                                           "allow-certificate-get": True}))


def test_rfc8739_3_2_meta(offered):
    assert isinstance(offered["min-lifetime"], int) and isinstance(offered["max-duration"], int)
    assert 0 < offered["min-lifetime"] <= offered["max-duration"]
    assert offered.get("allow-certificate-get", True) in (True, False)


def test_rfc8739_3_1_1_order_reflects_it(shared, offered):
    asked = terms(offered, **{"start-date": text(60), "end-date": text(60 + offered["min-lifetime"]), "lifetime-adjust": 3,
                              "allow-certificate-get": True})
    reply = post(shared, asked)
    assert reply.status_code == 201
    shown = reply.json()["auto-renewal"]
    assert (shown["start-date"], shown["end-date"], shown["lifetime"]) == (
        asked["start-date"], asked["end-date"], asked["lifetime"])
    assert shown["lifetime-adjust"] >= 3                        # 3.3: "the server might need to increase" it
    assert shown.get("allow-certificate-get") is offered.get("allow-certificate-get")
    assert "notBefore" not in reply.json() and "notAfter" not in reply.json()
    assert shared.get(reply.headers["Location"]).json()["auto-renewal"] == shown


def test_rfc8739_3_4_get_only_where_asked_for(shared, offered):
    assert "allow-certificate-get" not in post(shared, terms(offered)).json()["auto-renewal"]
    asked = terms(offered, **{"allow-certificate-get": False})
    assert post(shared, asked).json()["auto-renewal"].get("allow-certificate-get", False) is False


@pytest.mark.parametrize("which", ["notBefore", "notAfter"])
def test_rfc8739_3_1_1_no_other_dates(shared, offered, which):
    reply = post(shared, terms(offered), **{which: text(offered["min-lifetime"])})
    check_problem(reply, "malformed", 400, "neither \"notBefore\" nor \"notAfter\"")


@pytest.mark.parametrize("bend, word", [
    ({"end-date": ...}, "\"end-date\""), ({"lifetime": ...}, "\"lifetime\""), ({"end-date": 1800000000}, "\"end-date\""),
    ({"end-date": "tomorrow"}, "\"end-date\""), ({"start-date": "2027-02-30T00:00:00Z"}, "\"start-date\""),
    ({"lifetime": "86400"}, "\"lifetime\""), ({"lifetime": 0}, "\"lifetime\""), ({"lifetime": -86400}, "\"lifetime\""),
    ({"lifetime": 86400.5}, "\"lifetime\""), ({"lifetime": 10 ** 12}, "\"lifetime\""),
    ({"lifetime-adjust": -1}, "\"lifetime-adjust\""), ({"lifetime-adjust": "1"}, "\"lifetime-adjust\""),
    ({"allow-certificate-get": "yes"}, "\"allow-certificate-get\"")])
def test_rfc8739_3_1_1_malformed(shared, offered, bend, word):
    check_problem(post(shared, terms(offered, **bend)), "malformed", 400, word)


@pytest.mark.parametrize("asked", [[], "x", 7, None])
def test_rfc8739_3_1_1_not_an_object(shared, asked):
    check_problem(post(shared, asked), "malformed", 400, "not an object")


def test_rfc8739_3_1_1_limits(shared, offered):
    shortest, longest = offered["min-lifetime"], offered["max-duration"]
    check_problem(post(shared, terms(offered, lifetime=shortest - 1)), "malformed", 400, "min-lifetime")
    check_problem(post(shared, terms(offered, **{"end-date": text(longest + 3600)})), "malformed", 400, "max-duration")
    check_problem(post(shared, terms(offered, **{"end-date": text(-60)})), "malformed", 400, "\"end-date\"")
    check_problem(post(shared, terms(offered, **{"start-date": text(3600), "end-date": text(3600)})), "malformed", 400,
                  "\"end-date\"")
    assert post(shared, terms(offered, **{"end-date": text(longest - 60)})).status_code == 201


@pytest.mark.needs("signet")
def test_rfc8739_3_1_1_limits_of_ours(shared, offered):
    """No further ahead than an order lives, and no longer than the profile's certificates."""
    week = 7 * 86400
    check_problem(post(shared, terms(offered, **{"start-date": text(week + 60), "end-date": text(week + 7200)})),
                  "malformed", 400, "\"start-date\"")
    check_problem(post(shared, terms(offered, lifetime=60 * 86400)), "malformed", 400, "the profile gives")


def test_rfc8739_3_1_1_valid(valid):
    """"a new attribute "star-certificate" to be used instead of "certificate""; valid as long as there are any."""
    assert "certificate" not in valid.order
    assert read(valid.order["expires"]) >= read(valid.order["auto-renewal"]["end-date"])


def test_rfc8739_3_3_fetched_by_post_as_get(server, shared, valid):
    reply = shared.get(valid.place)
    leaf = x509.load_pem_x509_certificate(reply.content)
    assert reply.headers["Content-Type"].startswith("application/pem-certificate-chain")
    for header, moment in (("Cert-Not-Before", leaf.not_valid_before), ("Cert-Not-After", leaf.not_valid_after)):
        assert email.utils.parsedate_to_datetime(reply.headers[header]).replace(tzinfo=None) == moment
        assert reply.headers[header].endswith(" GMT")           # HTTP-date
    assert leaf.public_key().public_numbers() == x509.load_der_x509_csr(
        keys.csr(["star.test"], valid.key)).public_key().public_numbers()
    assert leaf.not_valid_before >= read(valid.order["auto-renewal"]["start-date"])
    assert leaf.not_valid_after <= read(valid.order["auto-renewal"]["end-date"])
    assert "no-store" in reply.headers["Cache-Control"] and "Replay-Nonce" in reply.headers
    check_problem(Client(server).get(valid.place), "unauthorized", 403, "another account")


def test_rfc8739_3_4_fetched_by_get(server, valid):
    """Where both sides agreed; 4.3: caches let go of it before it is over."""
    if "allow-certificate-get" not in valid.order["auto-renewal"]:
        pytest.skip("the server doesn't allow it")
    reply = requests.get(valid.place, verify=server.root, timeout=10)
    assert reply.status_code == 200 and "Replay-Nonce" not in reply.headers
    leaf = x509.load_pem_x509_certificate(reply.content)
    over = email.utils.parsedate_to_datetime(reply.headers["Cert-Not-After"]).timestamp()
    age = int(reply.headers["Cache-Control"].partition("max-age=")[2].split(",")[0])
    assert 0 <= age <= over - time.time() + 2
    assert leaf.not_valid_after == datetime.datetime.utcfromtimestamp(over)
    head = requests.head(valid.place, verify=server.root, timeout=10)
    assert head.status_code == 200 and head.content == b"" and "Cert-Not-After" in head.headers


def test_rfc8739_3_4_no_get_without_it(server, shared, offered):
    made = Valid(shared, terms(offered), "star-private.test")
    reply = requests.get(made.place, verify=server.root, timeout=10)
    assert reply.status_code in (403, 405) and b"BEGIN" not in reply.content
    assert made.leaf()


def test_rfc8739_3_3_the_next_is_out_by_half_of_the_lifetime(shared, offered):
    if offered["min-lifetime"] > 60:
        pytest.skip("the shortest lifetime is too long to wait for")
    # earlier than the server must, so that a busy machine's second is no failure
    made = Valid(shared, terms(offered, **{"lifetime-adjust": offered["min-lifetime"] * 8 // 10}), "star-half.test")
    first = made.leaf()
    half = read(made.order["auto-renewal"]["start-date"]) + datetime.timedelta(seconds=offered["min-lifetime"] / 2)
    while (found := made.leaf()).serial_number == first.serial_number:
        assert datetime.datetime.utcnow() < half + datetime.timedelta(seconds=0 if acme.WORDS else 1)
        time.sleep(0.1)
    assert found.not_valid_before <= datetime.datetime.utcnow()      # "already valid when it is published"
    assert found.not_valid_after > first.not_valid_after
    assert found.public_key().public_numbers() == first.public_key().public_numbers()


def test_rfc8739_3_1_2_canceling(shared, offered):
    made = Valid(shared, terms(offered, **{"allow-certificate-get": True}), "star-cancel.test")
    check_problem(shared.post(made.url, {"status": "invalid"}), "malformed", 400, "canceled")
    reply = shared.post(made.url, {"status": "canceled"})
    assert reply.status_code == 200 and reply.json()["status"] == "canceled" and "expires" in reply.json()
    check_problem(shared.get(made.place), "autoRenewalCanceled", 403, "canceled")
    check_problem(requests.get(made.place, verify=shared.server.root, timeout=10), "autoRenewalCanceled", 403)
    check_problem(shared.post(made.url, {"status": "canceled"}), "autoRenewalCancellationInvalid", 400, "canceled")
    assert shared.get(made.url).json()["status"] == "canceled"


def test_rfc8739_3_1_2_only_valid_orders_are_canceled(server, shared, offered):
    pending = post(shared, terms(offered)).headers["Location"]
    check_problem(shared.post(pending, {"status": "canceled"}), "autoRenewalCancellationInvalid", 400, "pending")
    assert shared.get(pending).json()["status"] == "pending"
    ordinary = shared.issue(["not-star.test"]).order_url
    check_problem(shared.post(ordinary, {"status": "canceled"}), "autoRenewalCancellationInvalid", 400,
                  "not renewed by itself")
    check_problem(Client(server).post(pending, {"status": "canceled"}), "unauthorized", 403, "another account")


def test_rfc8739_3_1_2_no_revocation(server, shared, valid):
    """By whichever right."""
    data = b64(valid.leaf().public_bytes(serialization.Encoding.DER))
    kind = "autoRenewalRevocationNotSupported"
    check_problem(shared.post(shared.directory["revokeCert"], {"certificate": data}), kind, 403, "cancel the order")
    by_key = Client(server, valid.key, register=False)
    check_problem(by_key.post(shared.directory["revokeCert"], {"certificate": data}, use_jwk=True), kind, 403)
    assert valid.leaf()


@pytest.mark.needs("signet")
def test_rfc8739_each_kind_of_order_has_its_own_finalize_url(shared, offered):
    """What ca believes is what was signed, and the url says which kind it is (docs/architecture.md)."""
    order, _ = shared.ready(["star-url.test"], **{"auto-renewal": terms(offered)})
    body = {"csr": b64(keys.csr(["star-url.test"], Key()))}
    check_problem(shared.post(order["finalize"].replace("finalize-star", "finalize"), body), "malformed", 404, "finalize")
    order, _ = shared.ready(["star-url.test"])
    check_problem(shared.post(order["finalize"] + "-star", body), "malformed", 404, "finalize")


@pytest.mark.needs("signet")
def test_rfc8739_a_bad_csr_leaves_it_ready(shared, offered):
    """RFC 8555, 7.4, as for any order."""
    order, url = shared.ready(["star-csr.test"], **{"auto-renewal": terms(offered)})
    check_problem(shared.finalize(order, keys.csr(["other.test"], Key())), "badCSR", 400)
    broken = bytearray(keys.csr(["star-csr.test"], Key()))
    broken[-1] ^= 1
    check_problem(shared.finalize(order, bytes(broken)), "badCSR", 400)
    assert shared.get(url).json()["status"] == "ready"
    assert shared.finalize(order, keys.csr(["star-csr.test"], Key())).status_code == 200
    assert shared.poll(url, ("valid", "invalid")).json()["status"] == "valid"
