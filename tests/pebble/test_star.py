"""RFC 8739: certificates that the server renews by itself, while a management call moves its clock."""
import datetime
import time

import pytest
from cryptography import x509
from harness import keys
from harness.key_change import roll
from harness.keys import Key
from harness.pebble import Pebble, problem

DAY = 86400


@pytest.fixture
def peb_star(challenges):
    made = Pebble("signet", challenges)
    yield made
    made.close()


def text(moment):
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def now(server):
    return datetime.datetime.strptime(server.manage("/clock").json()["now"], "%Y-%m-%dT%H:%M:%SZ")


def forward(server, seconds):
    assert server.manage("/clock", "POST", json={"forward": int(seconds)}).status_code == 200


def read(moment):
    return datetime.datetime.strptime(moment, "%Y-%m-%dT%H:%M:%SZ")


class Star:
    """An auto-renewal order that has its first certificate."""

    def __init__(self, client, names, end, profile="default", key=None, **more):
        self.client, self.key = client, key or Key()
        order, self.url = client.ready(names, profile=profile, **{"auto-renewal": {
            "end-date": text(end), "lifetime": 4 * DAY, "lifetime-adjust": 3 * DAY, **more}})
        assert "/finalize-star-order/" in order["finalize"]
        assert client.finalize(order, keys.csr(names, self.key)).status_code == 200
        self.order = client.poll(self.url, ("valid", "invalid")).json()
        assert self.order["status"] == "valid" and "certificate" not in self.order, self.order
        self.place = self.order["star-certificate"]
        self.terms = self.order["auto-renewal"]

    def fetch(self):
        reply = self.client.get(self.place)
        assert reply.status_code == 200, reply.text
        leaf = x509.load_pem_x509_certificate(reply.content)
        form = "%a, %d %b %Y %H:%M:%S GMT"                      # 3.3: "MUST be equal to the respective fields"
        assert reply.headers["Cert-Not-Before"] == leaf.not_valid_before.strftime(form)
        assert reply.headers["Cert-Not-After"] == leaf.not_valid_after.strftime(form)
        assert leaf.public_key().public_numbers() == x509.load_der_x509_csr(
            keys.csr(["x.test"], self.key)).public_key().public_numbers()
        return leaf

    def after(self, before):
        """The certificate that takes that one's place. Between the two there may be none, when the clock has leapt."""
        end = time.monotonic() + 20
        while (reply := self.client.get(self.place)).status_code == 503 or (
                x509.load_pem_x509_certificate(reply.content).serial_number == before.serial_number):
            assert time.monotonic() < end, self.client.get(self.url).json()
            time.sleep(0.05)
        return self.fetch()


def test_rfc8739_3_5_from_the_first_certificate_to_the_last(peb_star):
    """The example of 3.5, ten days with certificates of four that begin three earlier."""
    client = peb_star.client()
    star = Star(client, ["renewed.test"], now(peb_star) + datetime.timedelta(days=10))
    start, end = read(star.terms["start-date"]), read(star.terms["end-date"])
    assert star.terms["lifetime"] == 4 * DAY and star.terms["lifetime-adjust"] == 3 * DAY
    assert star.order["expires"] == star.terms["end-date"]
    days = datetime.timedelta(days=1)
    leaf, seen = star.fetch(), []
    for begin, over, out in ((0, 4, 0), (1, 8, 1), (5, 10, 5)):
        if out:
            forward(peb_star, (start + out * days - now(peb_star)).total_seconds())
            leaf = star.after(leaf)
        assert leaf.not_valid_before == start + begin * days
        assert leaf.not_valid_after == min(start + over * days, end)
        seen.append(leaf.serial_number)
    forward(peb_star, 3 * DAY)
    time.sleep(1.5)                                             # nothing comes: what is due is looked for every second
    assert star.fetch().serial_number == seen[-1] and len(set(seen)) == 3
    forward(peb_star, (end - now(peb_star)).total_seconds() + 1)
    problem(client.get(star.place), "autoRenewalExpired", 403, "end-date")
    order = client.get(star.url).json()
    assert order["status"] == "valid"                           # 3.3: "remains valid"
    problem(client.post(star.url, {"status": "canceled"}), "autoRenewalCancellationInvalid", 400, "end-date")


def test_rfc8739_3_1_2_canceled(peb_star):
    client = peb_star.client()
    star = Star(client, ["canceled.test"], now(peb_star) + datetime.timedelta(days=100))
    leaf = star.fetch()
    reply = client.post(star.url, {"status": "canceled"})
    assert reply.status_code == 200
    order = reply.json()
    assert order["status"] == "canceled" and "star-certificate" not in order and "expires" in order
    assert client.get(star.url).json() == order
    problem(client.get(star.place), "autoRenewalCanceled", 403, "canceled")
    problem(client.post(star.url, {"status": "canceled"}), "autoRenewalCancellationInvalid", 400, "canceled")
    status = peb_star.manage(f"/cert-status-by-serial/{leaf.serial_number:x}").json()
    assert status["Status"] == "Valid"                          # 2.3: it ends by itself
    forward(peb_star, 30 * DAY)
    time.sleep(1.5)
    problem(client.get(star.place), "autoRenewalCanceled", 403)


def test_rfc8739_missed_certificates_are_left_out(peb_star):
    """A server that was away for weeks has the certificate of now, at once, and it doesn't begin weeks ago."""
    star = Star(peb_star.client(), ["missed.test"], now(peb_star) + datetime.timedelta(days=100))
    start, leaf = read(star.terms["start-date"]), star.fetch()
    forward(peb_star, (start + datetime.timedelta(days=50.5) - now(peb_star)).total_seconds())
    leaf = star.after(leaf)
    # the thirteenth is from day 49 to day 56
    assert leaf.not_valid_after == start + datetime.timedelta(days=56)
    assert 0 <= (now(peb_star) - leaf.not_valid_before).total_seconds() - 3600 < 60


def test_rfc8739_account_deactivated(peb_star):
    client = peb_star.client()
    star = Star(client, ["deactivated.test"], now(peb_star) + datetime.timedelta(days=100), **{
        "allow-certificate-get": True})
    assert star.terms["allow-certificate-get"] is True
    assert peb_star.http.get(star.place).status_code == 200
    assert client.post(client.kid, {"status": "deactivated"}).status_code == 200
    problem(peb_star.http.get(star.place), "autoRenewalCanceled", 403)


def test_rfc8739_authorization_deactivated(peb_star):
    """RFC 8555, 7.5.2: who gives an authorization up gets no more certificates by it, and reads why."""
    client = peb_star.client()
    star = Star(client, ["given-up.test"], now(peb_star) + datetime.timedelta(days=100), **{
        "allow-certificate-get": True})
    leaf = star.fetch()
    assert client.post(star.order["authorizations"][0], {"status": "deactivated"}).status_code == 200
    forward(peb_star, 2 * DAY)
    end = time.monotonic() + 20
    while "error" not in (order := client.get(star.url).json()):
        assert time.monotonic() < end
        time.sleep(0.05)
    assert order["error"]["type"].endswith(":unauthorized") and "7.5.2" in order["error"]["detail"]
    assert order["status"] == "valid" and star.fetch().serial_number == leaf.serial_number
    forward(peb_star, 3 * DAY)
    reply = peb_star.http.get(star.place)
    assert reply.status_code == 503 and "7.5.2" in reply.json()["detail"] and reply.headers["Retry-After"] == "60"


def test_rfc8739_the_key_changed_since(peb_star):
    """The proof is what was signed then: another key of the account changes nothing."""
    client = peb_star.client()
    star = Star(client, ["rollover.test"], now(peb_star) + datetime.timedelta(days=40))
    leaf = star.fetch()
    roll(client)
    forward(peb_star, 2 * DAY)
    assert star.after(leaf).not_valid_after > leaf.not_valid_after
