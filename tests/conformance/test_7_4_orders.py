"""RFC 8555, 7.1.3, 7.1.4, 7.1.6, 7.4, 7.5 and 8: orders, authorizations, challenges, finalize."""
import datetime
import threading
import time

import pytest
from harness import acme
from harness.acme import Client, check_problem, unknown
from harness.keys import Key, b64, csr, unb64


def identifiers(*names):
    return {"identifiers": [{"type": "dns", "value": name} for name in names]}


def rfc3339(seconds):
    moment = datetime.datetime.fromtimestamp(int(time.time()) + seconds, datetime.timezone.utc)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def test_rfc8555_7_4_new_order(server, client):
    reply = client.order(["one.test", "two.test"])
    order = reply.json()
    assert reply.headers["Location"].startswith(server.url + "/")
    assert order["status"] == "pending"
    order["identifiers"].sort(key=lambda one: one["value"])
    assert order["identifiers"] == identifiers("one.test", "two.test")["identifiers"]
    assert len(order["authorizations"]) == 2
    assert order["finalize"].startswith(server.url + "/")
    assert datetime.datetime.fromisoformat(order["expires"].replace("Z", "+00:00")).timestamp() > time.time()
    for absent in ("certificate", "error", "notBefore", "notAfter"):
        assert absent not in order
    seen = client.get(reply.headers["Location"]).json()
    seen["authorizations"].sort()
    seen["identifiers"].sort(key=lambda one: one["value"])
    order["authorizations"].sort()
    assert seen == order


def test_rfc8555_7_4_names_are_lower_case_and_once(client):
    order = client.order(["Upper.TEST", "upper.test", "upper.test"]).json()
    assert order["identifiers"] == identifiers("upper.test")["identifiers"]
    assert len(order["authorizations"]) == 1


def test_rfc8555_7_1_4_authorization(client):
    order = client.order(["authz.test"]).json()
    reply = client.get(order["authorizations"][0])
    authorization = reply.json()
    assert authorization["status"] == "pending"
    assert authorization["identifier"] == {"type": "dns", "value": "authz.test"}
    assert "expires" in authorization and "wildcard" not in authorization
    challenge = next(c for c in authorization["challenges"] if c["type"] == "http-01")
    assert challenge["status"] == "pending"
    assert len(unb64(challenge["token"])) >= 16                 # 8.1: at least 128 bits
    assert "error" not in challenge and "validated" not in challenge


def test_rfc8555_7_5_1_challenge_to_valid(server, client):
    order = client.order(["chall.test"])
    url = order.json()["authorizations"][0]
    challenge = client.challenge(url)
    reply = client.post(challenge["url"], {"ignored": "field"})             # unknown fields are ignored
    assert reply.status_code == 200
    assert f'<{url}>;rel="up"' in reply.headers["Link"]                     # 7.1
    assert reply.json()["status"] in ("processing", "valid")
    if reply.json()["status"] == "processing":
        assert int(reply.headers.get("Retry-After", 0 if acme.WORDS else 1)) > 0
    done = client.poll(url, ("valid",)).json()
    assert "expires" in done
    challenge, = [c for c in done["challenges"] if c["type"] == "http-01"]
    assert acme.WORDS <= (done["challenges"] == [challenge])                # the one that was tried; the others MAY go
    assert challenge["status"] == "valid" and challenge["validated"].endswith("Z")
    if acme.WORDS:
        record = challenge["validationRecord"][0]
        assert record["hostname"] == "chall.test" and record["addressUsed"] == "127.0.0.1"
        assert record["port"] == str(server.responder.port)
    assert client.get(challenge["url"]).json() == challenge
    assert client.get(order.headers["Location"]).json()["status"] == "ready"


def test_rfc8555_7_5_1_post_as_get_starts_nothing(server, client):
    """Only {} says that the client is ready."""
    url = client.order(["looked-at.test"]).json()["authorizations"][0]
    challenge = client.challenge(url)
    for _ in range(3):
        assert client.get(challenge["url"]).json()["status"] == "pending"
    assert client.get(url).json()["status"] == "pending"
    client.post(challenge["url"], {})
    assert client.poll(url, ("valid", "invalid")).json()["status"] == "valid"
    asked = [one for one in server.responder.asked if one[0] == "looked-at.test"]
    assert len(asked) == 1 or not acme.WORDS, asked


def test_rfc8555_7_5_1_post_to_a_finished_challenge_changes_nothing(client):
    order = client.order(["again.test"]).json()
    client.authorize(order)
    url = client.get(order["authorizations"][0]).json()["challenges"][0]["url"]
    before = client.get(url).json()
    reply = client.post(url, {})
    assert reply.json() == before or not acme.WORDS
    assert client.get(url).json() == before


def test_rfc8555_7_5_1_parallel_posts_start_one_validation(server, client):
    """A rival's bug: several POSTs at once to one challenge."""
    server.responder.by_host["parallel.test"] = lambda h: {
        "delay": 0.3, "body": server.responder.tokens.get(h.path.rsplit("/", 1)[1], "")}
    order = client.order(["parallel.test"]).json()
    challenge = client.challenge(order["authorizations"][0])
    bodies = [client.jws(challenge["url"], {}) for _ in range(10)]
    statuses = []
    threads = [threading.Thread(target=lambda body=body: statuses.append(
        client.send(challenge["url"], body).status_code)) for body in bodies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [200] * 10
    assert client.poll(order["authorizations"][0], ("valid", "invalid")).json()["status"] == "valid"
    asked = [one for one in server.responder.asked if one[0] == "parallel.test"]
    assert len(asked) == 1 or not acme.WORDS, asked     # others may look from several places


def test_rfc8555_7_1_6_failed_authorization_makes_the_order_invalid(server, client):
    order = client.order(["works.test", "fails.test"])
    server.responder.by_host["fails.test"] = {"status": 404, "body": "no"}
    ends = {done["identifier"]["value"]: done for done in client.authorize(order.json())}
    assert {name: done["status"] for name, done in ends.items()} == {"works.test": "valid", "fails.test": "invalid"}
    assert [c["error"]["type"] for c in ends["fails.test"]["challenges"] if "error" in c] == [acme.URN + "unauthorized"]
    shown = client.get(order.headers["Location"]).json()
    assert shown["status"] == "invalid"
    if acme.WORDS:
        assert shown["error"]["subproblems"][0]["identifier"] == {"type": "dns", "value": "fails.test"}
        assert "404" in shown["error"]["detail"]
    reply = client.finalize(shown, csr(["works.test", "fails.test"], Key()))
    check_problem(reply, "orderNotReady", 403, "invalid")


def test_rfc8555_7_5_2_deactivate_an_authorization(client):
    order, url = client.ready(["deauth.test"])
    authorization = order["authorizations"][0]
    reply = client.post(authorization, {"status": "deactivated"})
    assert reply.status_code == 200 and reply.json()["status"] == "deactivated"
    assert client.get(url).json()["status"] == "invalid"                    # 7.1.6
    check_problem(client.post(authorization, {"status": "valid"}), "malformed", 400, "7.5.2")
    pending = client.order(["deauth2.test"]).json()
    assert client.post(pending["authorizations"][0], {"status": "deactivated"}).status_code == 200


@pytest.mark.parametrize("what", ["order", "authorization", "challenge", "finalize", "certificate"])
def test_rfc8555_7_others_objects_are_refused(server, client, what):
    owner = Client(server)
    issued = owner.issue(["owned.test"])
    authorization = issued.order["authorizations"][0]
    url = {"order": issued.order_url, "authorization": authorization, "finalize": issued.order["finalize"],
           "challenge": owner.get(authorization).json()["challenges"][0]["url"],
           "certificate": issued.order["certificate"]}[what]
    payload = {"csr": b64(csr(["owned.test"], Key()))} if what == "finalize" else None
    check_problem(client.post(url, payload), "unauthorized", 403, "another account", others=("malformed",))
    if what == "challenge":
        check_problem(client.post(url, {}), "unauthorized", 403, "another account", others=("malformed",))
    if what == "authorization":
        check_problem(client.post(url, {"status": "deactivated"}), "unauthorized", 403, "another account",
                      others=("malformed",))
        assert owner.get(url).json()["status"] == "valid"


@pytest.fixture(scope="module")
def finished(shared):
    return shared.issue(["finished.test"])


@pytest.mark.parametrize("what", ["order", "authorization", "challenge", "certificate"])
def test_rfc8555_7_unknown_objects_are_404(shared, finished, what):
    authorization = finished.order["authorizations"][0]
    url = {"order": finished.order_url, "authorization": authorization, "certificate": finished.order["certificate"],
           "challenge": shared.get(authorization).json()["challenges"][0]["url"]}[what]
    head, _, kind = url.rpartition("/") if what == "challenge" and acme.WORDS else (url, "", "")
    reply = shared.get(unknown(head) + (f"/{kind}" if kind else ""))
    assert 400 <= reply.status_code < 500
    if acme.WORDS:
        check_problem(reply, "malformed", 404, "there is no such")


@pytest.mark.needs("signet")
def test_rfc8555_7_5_unknown_challenge_type_is_404(client):
    url = client.order(["type.test"]).json()["authorizations"][0]
    challenge = client.challenge(url)["url"].replace("http-01", "dns-99")
    check_problem(client.post(challenge, {}), "malformed", 404, "dns-99")


def refused(client, ordered, kind, detail):
    check_problem(client.post(client.directory["newOrder"], identifiers(*ordered)), kind, 400, detail)


@pytest.mark.needs("policy")
@pytest.mark.parametrize("ordered, kind, detail", [
    (["outside.invalid"], "rejectedIdentifier", "ra.policy.allow"),
    (["forbidden.test"], "rejectedIdentifier", "ra.policy.deny"),
    (["good.test", "outside.invalid"], "rejectedIdentifier", "outside.invalid"),
    (["test"], "rejectedIdentifier", "ra.policy.allow"),
    (["a.test.evil.invalid"], "rejectedIdentifier", "ra.policy.allow"),
    (["eviltest"], "rejectedIdentifier", "ra.policy.allow"),
])
def test_rfc8555_7_4_policy(shared, ordered, kind, detail):
    refused(shared, ordered, kind, detail)


@pytest.mark.parametrize("ordered, kind, detail", [
    (["127.0.0.1"], "malformed", "IP address"),
    (["::1"], "malformed", "IP address"),
    (["under_score.test"], "malformed", "'_'"),
    (["-dash.test"], "malformed", "begins or ends with '-'"),
    (["dot.test."], "malformed", "ends with a dot"),
    (["two..dots.test"], "malformed", "empty label"),
    (["xn--a.test"], "malformed", "A-label"),
    (["ab--cd.test"], "malformed", "A-label"),
    (["a" * 64 + ".test"], "malformed", "63 is the most"),
    ([".".join(["a" * 60] * 5) + ".test"], "malformed", "253"),
    (["x.*.test"], "malformed", "'*'"),
    (["*x.test"], "malformed", "'*'"),
    (["*.*.test"], "malformed", "'*'"),
    (["bücher.test"], "malformed", 'order it by its A-labels: "xn--bcher-kva.test"'),
    (["Bücher.test"], "malformed", 'order it by its A-labels: "xn--bcher-kva.test"'),
    (["*.bu\u0308cher.test"], "malformed", 'order it by its A-labels: "xn--bcher-kva.test"'),
    (["faß.test"], "malformed", '"xn--fa-hia.test"'),
    (["\u2e3a\ufffd.test"], "malformed", "has no A-labels either"),
    (["a b.test"], "malformed", "which no host name has"),
    (["1.2.3"], "malformed", "digits only"),
    ([""], "malformed", "empty"),
])
def test_rfc8555_7_1_4_names(shared, ordered, kind, detail):
    refused(shared, ordered, kind, detail)


def test_rfc8555_7_1_4_a_labels(client):
    assert client.order(["xn--bcher-kva.test"]).json()["identifiers"][0]["value"] == "xn--bcher-kva.test"
    # an upper-case letter, a letter in two pieces, another width, a ligature, a soft hyphen: decodable, not in normal form
    for name in ("xn--bcher-2pa.test", "xn--bucher-xyd.test", "xn--cher-zra77610b.test", "xn--x-sy8h.test", "xn--kba1n.test"):
        refused(client, [name], "malformed", "A-label")


@pytest.mark.needs("signet")
def test_rfc8555_6_7_1_every_bad_name_is_a_subproblem(shared):
    reply = shared.post(shared.directory["newOrder"],
                        identifiers("good.test", "outside.invalid", "bad_name.test", "forbidden.test"))
    problem = check_problem(reply, "compound", 400)
    assert {sub["identifier"]["value"]: sub["type"].rsplit(":", 1)[1] for sub in problem["subproblems"]} == {
        "outside.invalid": "rejectedIdentifier", "bad_name.test": "malformed",
        "forbidden.test": "rejectedIdentifier"}


def test_rfc8555_7_4_identifier_types(shared):
    url = shared.directory["newOrder"]
    for kind, value in (("email", "a@b.test"), ("IP", "127.0.0.1"), ("DNS", "a.test")):
        reply = shared.post(url, {"identifiers": [{"type": kind, "value": value}]})
        check_problem(reply, "unsupportedIdentifier", 400, kind, others=("malformed", "rejectedIdentifier"))


@pytest.mark.parametrize("more, kind, detail", [
    ({"notBefore": "tomorrow"}, "malformed", "RFC 3339"),
    ({"notAfter": 1900000000}, "malformed", "RFC 3339"),
    ({"notBefore": "2027-02-30T00:00:00Z"}, "malformed", "RFC 3339"),
    pytest.param({"notBefore": rfc3339(-7200)}, "malformed", "past", marks=pytest.mark.needs("policy")),
    ({"notAfter": rfc3339(-60)}, "malformed", "notAfter"),
    pytest.param({"notAfter": rfc3339(91 * 86400)}, "malformed", "seconds", marks=pytest.mark.needs("policy")),
    ({"notBefore": rfc3339(7200), "notAfter": rfc3339(3600)}, "malformed", "notAfter"),
    pytest.param({"notBefore": rfc3339(100 * 86400)}, "malformed", "further ahead", marks=pytest.mark.needs("policy")),
])
def test_rfc8555_7_4_validity_is_refused(shared, more, kind, detail):
    reply = shared.post(shared.directory["newOrder"], dict(identifiers("a.test"), **more))
    check_problem(reply, kind, 400, detail)


@pytest.mark.needs("signet")
def test_rfc8555_7_4_validity_is_honoured_exactly(client):
    begin, end = rfc3339(-600), rfc3339(5 * 86400)
    issued = client.issue(["dates.test"], notBefore=begin, notAfter=end)
    assert (issued.order["notBefore"], issued.order["notAfter"]) == (begin, end)
    assert issued.leaf.not_valid_before.isoformat() + "Z" == begin
    assert issued.leaf.not_valid_after.isoformat() + "Z" == end


def test_rfc8555_7_4_finalize_before_ready(client):
    order = client.order(["early.test"])
    reply = client.finalize(order.json(), csr(["early.test"], Key()))
    check_problem(reply, "orderNotReady", 403, "pending")
    assert client.get(order.headers["Location"]).json()["status"] == "pending"


def test_rfc8555_7_4_finalize(server, client):
    order, url = client.ready(["final.test"])
    assert order["status"] == "ready"
    reply = client.finalize(order, csr(["final.test"], Key()))
    assert reply.status_code == 200
    assert reply.headers.get("Location", None if acme.WORDS else url) == url
    if reply.json()["status"] == "processing":
        assert int(reply.headers.get("Retry-After", 0 if acme.WORDS else 1)) > 0
    done = client.poll(url, ("valid",)).json()
    assert done["certificate"].startswith(server.url)
    assert done["identifiers"] == order["identifiers"] and done["authorizations"] == order["authorizations"]
    # once only
    check_problem(client.finalize(order, csr(["final.test"], Key())), "orderNotReady", 403, "valid")


def test_rfc8555_7_4_parallel_finalize_issues_once(server, client):
    order, url = client.ready(["onlyonce.test"])
    bodies = [client.jws(order["finalize"], {"csr": b64(csr(["onlyonce.test"], Key()))}) for _ in range(6)]
    replies = []
    threads = [threading.Thread(target=lambda body=body: replies.append(client.send(order["finalize"], body)))
               for body in bodies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(reply.status_code for reply in replies) == [200] + [403] * 5
    assert client.poll(url, ("valid",))
