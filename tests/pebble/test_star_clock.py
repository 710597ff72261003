"""RFC 8739: certificates that the server renews by itself, while a management call moves its clock."""
import datetime
import time

import pytest
from cryptography import x509
from harness import keys
from harness.key_change import roll
from harness.keys import Key
from harness.pebble import Pebble, problem
from requests.utils import parse_header_links

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


def test_rfc8739_3_2_told_where_asked_for(peb_star, challenges):
    """Suites of clients compare Pebble's directory whole, so there it takes a flag; it is served either way."""
    assert "auto-renewal" not in peb_star.http.get(peb_star.directory_url).json()["meta"]
    made = Pebble("signet", challenges, args=("-auto-renewal",))
    try:
        assert made.http.get(made.directory_url).json()["meta"]["auto-renewal"] == {
            "min-lifetime": 10, "max-duration": 365 * DAY, "allow-certificate-get": True}
    finally:
        made.close()


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
    time.sleep(1)                                               # nothing comes: what is due is looked for all the time
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
    time.sleep(1)
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


def test_rfc8739_the_key_changed_before_finalize(peb_star):
    """newOrder and the proofs are of the one key, finalize of the next."""
    client = peb_star.client()
    order, url = client.ready(["between.test"], profile="default", **{"auto-renewal": {
        "end-date": text(now(peb_star) + datetime.timedelta(days=40)), "lifetime": 4 * DAY, "lifetime-adjust": 3 * DAY}})
    roll(client)
    assert client.finalize(order, keys.csr(["between.test"], Key())).status_code == 200
    place = client.poll(url, ("valid", "invalid")).json()["star-certificate"]
    roll(client)
    first = client.get(place).headers["Cert-Not-After"]
    forward(peb_star, 2 * DAY)
    end = time.monotonic() + 20
    while client.get(place).headers.get("Cert-Not-After") == first:
        assert time.monotonic() < end, client.get(url).json()
        time.sleep(0.05)


def test_rfc8739_several_names(peb_star):
    """In whatever order, of both types, one of them twice."""
    names = ["z.several.test", "a.several.test", "127.0.0.1", "A.several.test"]
    star = Star(peb_star.client(), names, now(peb_star) + datetime.timedelta(days=40))
    first = star.fetch()
    forward(peb_star, 2 * DAY)
    second = star.after(first)
    for leaf in (first, second):
        found = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        assert sorted(found.get_values_for_type(x509.DNSName)) == ["a.several.test", "z.several.test"]
        assert [str(one) for one in found.get_values_for_type(x509.IPAddress)] == ["127.0.0.1"]


def test_rfc8739_caa_is_looked_up_again(challenges):
    """RFC 8659: each certificate is issued as any other is."""
    tell, made = challenges.server.tell, Pebble("signet", challenges, args=("-caa", "enforce"))
    try:
        client = made.client()
        star = Star(client, ["star-caa.test"], now(made) + datetime.timedelta(days=100))
        leaf = star.fetch()
        tell("/add-caa", host="star-caa.test", policies=[{"tag": "issue", "value": "other.example"}])
        forward(made, 2 * DAY)
        end = time.monotonic() + 20
        while "error" not in (order := client.get(star.url).json()):
            assert time.monotonic() < end
            time.sleep(0.05)
        assert order["status"] == "valid" and order["error"]["type"].endswith(":caa"), order
        assert "other.example" in order["error"]["detail"] and star.fetch().serial_number == leaf.serial_number
        tell("/clear-caa", host="star-caa.test")
        forward(made, 3600)                                     # when it is tried again
        assert star.after(leaf).not_valid_after > leaf.not_valid_after
        assert "error" not in client.get(star.url).json()
    finally:
        tell("/clear-caa", host="star-caa.test")
        made.close()


def test_rfc8739_alternates(challenges):
    """RFC 8555, 7.4.2, under the order's own URL."""
    made = Pebble("signet", challenges, env={"PEBBLE_ALTERNATE_ROOTS": "2"})
    try:
        star = Star(made.client(), ["alternates.test"], now(made) + datetime.timedelta(days=100), **{
            "allow-certificate-get": True})
        reply = made.http.get(star.place)
        others = [link["url"] for link in parse_header_links(reply.headers["Link"]) if link["rel"] == "alternate"]
        assert others == [f"{star.place}/alternate/{i}" for i in (1, 2)]
        chains = {reply.content} | {made.http.get(url).content for url in others}
        assert len(chains) == 3 and len({chain.split(b"-----END")[0] for chain in chains}) == 1      # one leaf
        assert made.http.get(f"{star.place}/alternate/3").status_code == 404
    finally:
        made.close()


def test_rfc9773_window_is_when_the_next_is_out(peb_star):
    """A client that asks fetches it then, and needs no order; once that is canceled it needs one as ever."""
    client = peb_star.client()
    star = Star(client, ["star-ari.test"], now(peb_star) + datetime.timedelta(days=100))
    leaf, start = star.fetch(), read(star.terms["start-date"])
    key_id = leaf.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
    serial = leaf.serial_number
    url = client.directory["renewalInfo"] + "/" + keys.b64(key_id) + "." + keys.b64(
        serial.to_bytes(serial.bit_length() // 8 + 1, "big"))
    window = peb_star.http.get(url).json()["suggestedWindow"]
    assert (read(window["start"]), read(window["end"])) == (start + datetime.timedelta(days=1),
                                                            start + datetime.timedelta(days=2))
    assert client.post(star.url, {"status": "canceled"}).status_code == 200
    window = peb_star.http.get(url).json()["suggestedWindow"]
    middle = read(window["start"]) + (read(window["end"]) - read(window["start"])) / 2
    assert abs(middle - start - datetime.timedelta(days=2)) < datetime.timedelta(seconds=5)     # half of the four


def test_rfc8739_reset_and_snapshot(peb_star):
    """What a test's call takes away and brings back is all there is of an order, its cancellation too."""
    client = peb_star.client()
    star = Star(client, ["kept-star.test"], now(peb_star) + datetime.timedelta(days=100))
    leaf = star.fetch()
    assert peb_star.manage("/snapshot", "POST").status_code == 200
    assert client.post(star.url, {"status": "canceled"}).status_code == 200
    assert peb_star.manage("/reset", "POST").status_code == 200
    assert peb_star.manage("/restore", "POST").status_code == 200
    assert client.get(star.url).json()["status"] == "valid"
    forward(peb_star, 2 * DAY)
    assert star.after(leaf).not_valid_after > leaf.not_valid_after


def test_rfc8739_the_conformance_report_sees_the_download(peb_star):
    client = peb_star.client()
    star = Star(client, ["report.test"], now(peb_star) + datetime.timedelta(days=100))

    def report():
        return next(c for c in peb_star.manage("/conformance.json").json()["clients"] if c["account"])
    assert "DOWNLOAD" in {entry["rule"] for entry in report()["broken"]}
    star.fetch()
    assert {"FINALIZE", "ABANDONED", "DOWNLOAD"} <= set(report()["kept"])
    assert not {"FINALIZE", "ABANDONED", "DOWNLOAD"} & {entry["rule"] for entry in report()["broken"]}
