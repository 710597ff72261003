"""Pebble: orders, authorizations, challenges, finalization."""
import datetime
import ipaddress
import re
import time
from email.utils import parsedate_to_datetime

import pytest
from cryptography import x509
from harness import keys
from harness.keys import Key
from harness.pebble import problem

ID = "[A-Za-z0-9_-]{43}"
WILDCARD = {"dns-01"}
NAME = {"http-01", "tls-alpn-01", "dns-01"}
NEWER = {"dns-account-01", "dns-persist-01"}
ADDRESS = {"http-01", "tls-alpn-01"}


def seconds_to(text):
    when = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
    return (when - datetime.datetime.now(datetime.timezone.utc)).total_seconds()


def test_order(client_both):
    server = client_both.server
    reply = client_both.order(["b.order.test", "a.order.test"])
    assert re.fullmatch(re.escape(server.url("/my-order/")) + ID, reply.headers["Location"])
    order = reply.json()
    assert order["status"] == "pending" and "certificate" not in order
    assert sorted(order["identifiers"], key=str) == [{"type": "dns", "value": f"{c}.order.test"} for c in "ab"]
    assert re.fullmatch(re.escape(server.url("/finalize-order/")) + ID, order["finalize"])
    assert len(order["authorizations"]) == 2
    assert all(re.fullmatch(re.escape(server.url("/authZ/")) + ID, url) for url in order["authorizations"])
    assert 24 * 3600 - 60 < seconds_to(order["expires"]) <= 24 * 3600 + 5
    again = client_both.get(reply.headers["Location"]).json()
    assert again["status"] == "pending" and again["finalize"] == order["finalize"]


def test_authorization(client_both):
    for url in client_both.order(["a.authz.test", "192.0.2.1", "2001:db8::1", "*.authz.test"]).json()["authorizations"]:
        authorization = client_both.get(url).json()
        value = authorization["identifier"]["value"]
        assert authorization["status"] == "pending" and "wildcard" not in authorization or value == "authz.test"
        assert 3600 - 60 < seconds_to(authorization["expires"]) <= 3600 + 5
        types = {c["type"] for c in authorization["challenges"]}
        expected = ADDRESS if keys.address(value) else WILDCARD if authorization.get("wildcard") else NAME
        if client_both.server.kind != "debian" and expected is not ADDRESS:
            expected = expected | NEWER
        assert types == expected
        for challenge in authorization["challenges"]:
            assert re.fullmatch(re.escape(client_both.server.url("/chalZ/")) + ID, challenge["url"])
            assert challenge["status"] == "pending"
            assert "token" in challenge or challenge["type"] == "dns-persist-01"


def test_dns_persist_01(client):
    authorization = client.get(client.order(["persist.test"]).json()["authorizations"][0]).json()
    challenge = next(c for c in authorization["challenges"] if c["type"] == "dns-persist-01")
    assert challenge["accounturi"] == client.kid and "token" not in challenge
    assert challenge["issuer-domain-names"] == ["pebble.letsencrypt.org"]


@pytest.mark.parametrize("empty", (None, ""))
@pytest.mark.parametrize("member", ("notBefore", "notAfter", "profile", "replaces"))
def test_empty_members_of_an_order(client_both, member, empty):
    """As if they weren't there, as Go's encoding/json and omitempty have it."""
    reply = client_both.order(["empty.test"], **{member: empty})
    assert reply.status_code == 201 and (member == "profile" or member not in reply.json())


def test_times_are_shown_as_sent(client):
    """With fractions of seconds too, as Java's Instant and Python's isoformat() write them: suites compare them."""
    begin = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
    end = begin + datetime.timedelta(days=7)
    sent = {"notBefore": begin.isoformat().replace("+00:00", ".123Z"),
            "notAfter": end.astimezone(datetime.timezone(datetime.timedelta(hours=2))).isoformat()}
    issued = client.issue(["fraction.test"], **sent)
    assert {name: issued.order[name] for name in sent} == sent
    assert issued.leaf.not_valid_before == begin.replace(tzinfo=None)
    assert issued.leaf.not_valid_after == end.replace(tzinfo=None)


def test_times_go_before_the_profile(make_pebble):
    """An order that names no profile may get one whose certificates live for a day; aioacme's suite asks for thirty."""
    client = make_pebble(config={"profiles": {"short": {"description": "A day", "validityPeriod": 86400}}}).client()
    begin = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
    for ahead, days in ((0, 30), (3, 400)):
        dates = [begin + datetime.timedelta(days=n) for n in (ahead, ahead + days)]
        leaf = client.issue(["long.test"], notBefore=dates[0].isoformat(), notAfter=dates[1].isoformat()).leaf
        assert [leaf.not_valid_before, leaf.not_valid_after] == [date.replace(tzinfo=None) for date in dates]


@pytest.mark.parametrize("time", ("2026-11-25T00:00:00.Z", "2026-11-25.5T00:00:00Z", "1.5", ".", "x" * 200))
def test_times_that_are_none(client, time):
    if client.server.kind == "signet":      # Pebble takes what it can't read, and leaves it out of account
        problem(client.post(client.directory["newOrder"], {
            "identifiers": [{"type": "dns", "value": "time.test"}], "notAfter": time}), "malformed", 400, "notAfter")


def test_order_is_shuffled(client):
    """Of ten identifiers: as sent once in 3.6 million times."""
    names = [f"n{i}.shuffle.test" for i in range(10)]
    order = client.order(names).json()
    assert [i["value"] for i in order["identifiers"]] != names
    found = [[c["type"] for c in client.get(url).json()["challenges"]] for url in order["authorizations"]]
    assert len({tuple(types) for types in found}) > 1


@pytest.mark.parametrize("names,kind,status,detail", (
    ([], "malformed", 400, "Order did not specify any identifiers"), (["a!b.test"], "malformed", 400,
     "Order included DNS identifier with a value containing an illegal character: '!'"),
    (["\u00e9.test"], "malformed", 400,
     "Order included DNS identifier with a value containing an illegal character: '"),
    (["*.*.test"], "malformed", 400, ""), (["a.*.test"], "malformed", 400, ""), (["*test.test"], "malformed", 400, ""),
    ([""], "malformed", 400, "")))
def test_bad_identifiers(client_both, names, kind, status, detail):
    identifiers = [{"type": "dns", "value": name} for name in names]
    reply = client_both.post(client_both.directory["newOrder"], {"identifiers": identifiers})
    problem(reply, kind, status, detail)
    assert "character" not in detail or "subproblems" not in reply.json()


def test_a_name_of_one_label(client_both):
    """Suites order localhost, and names of containers."""
    assert client_both.order(["single"]).status_code == 201


@pytest.mark.parametrize("identifier", (
    {"type": "ip", "value": "a.test"}, {"type": "ip", "value": "1.2.3"}, {"type": "email", "value": "a@example.com"}))
def test_other_identifiers(client_both, identifier):
    reply = client_both.post(client_both.directory["newOrder"], {"identifiers": [identifier]})
    assert reply.status_code == 400


def test_dates_as_sent(client_both):
    now = datetime.datetime.utcnow().replace(microsecond=0)
    dates = {"notBefore": (now + datetime.timedelta(hours=1)).isoformat() + "Z",
             "notAfter": (now + datetime.timedelta(days=7)).isoformat() + "Z"}
    order = client_both.order(["dates.test"], **dates).json()
    assert {name: order[name] for name in dates} == dates


def test_dates_are_honoured(client_both):
    now = datetime.datetime.utcnow().replace(microsecond=0)
    start, end = now + datetime.timedelta(hours=1), now + datetime.timedelta(days=7)
    issued = client_both.issue(["honoured.test"], notBefore=start.isoformat() + "Z", notAfter=end.isoformat() + "Z")
    assert (issued.leaf.not_valid_before, issued.leaf.not_valid_after) == (start, end)


def test_domain_blocklist(make_pebble_both):
    peb = make_pebble_both(config={"domainBlocklist": ["blocked-domain.example"]})
    client = peb.client()
    for name in ("blocked-domain.example", "www.blocked-domain.example"):
        reply = client.post(client.directory["newOrder"], {"identifiers": [
            {"type": "dns", "value": "fine.test"}, {"type": "dns", "value": name}]})
        found = problem(reply, "rejectedIdentifier", 400)
        if peb.kind != "debian":
            assert [sub["identifier"] for sub in found["subproblems"]] == [{"type": "dns", "value": name}]
            assert found["subproblems"][0]["type"].endswith(":rejectedIdentifier")
    assert client.order(["notblocked-domain.example"]).status_code == 201


def test_domain_blocklist_of_any_text(make_pebble_both):
    """What is no name of a host blocks nothing, and keeps nobody from starting."""
    peb = make_pebble_both(config={"domainBlocklist": [
        ".dot.example", "dot.example.", "under_score.example", "ünicode.example", "*.star.example", "192.0.2.7",
        "not a name\"]}\n", "blocked-domain.example"]})
    client = peb.client()
    reply = client.post(client.directory["newOrder"], {"identifiers": [
        {"type": "dns", "value": "www.blocked-domain.example"}]})
    problem(reply, "rejectedIdentifier", 400)
    for name in ("www.dot.example", "www.star.example"):
        assert client.order([name]).status_code == 201


def test_another_accounts_objects(peb_both, client_both):
    other = peb_both.client()
    reply = client_both.order(["mine.test"])
    for url in (reply.headers["Location"], *reply.json()["authorizations"]):
        assert other.get(url).status_code in (401, 403, 404)


# --- challenges ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", sorted(NAME))
def test_challenge(client_both, kind):
    url = client_both.order([f"{kind}.kinds.test"]).json()["authorizations"][0]
    challenge = client_both.challenge(url, kind)
    reply = client_both.post(challenge["url"], {})
    assert reply.status_code == 200 and reply.json()["type"] == kind
    assert reply.links["up"]["url"] == url
    authorization = client_both.poll(url, ("valid", "invalid")).json()
    assert authorization["status"] == "valid", authorization
    # Only the one that decided it.
    assert [c["type"] for c in authorization["challenges"]] == [kind]
    assert authorization["challenges"][0]["status"] == "valid" and "validated" in authorization["challenges"][0]
    problem(client_both.post(challenge["url"], {}), "malformed", 400)


def test_dns_account_01(client):
    for name in ("account.test", "*.account.test"):
        url = client.order([name]).json()["authorizations"][0]
        challenge = client.challenge(url, "dns-account-01")
        client.post(challenge["url"], {})
        assert client.poll(url, ("valid", "invalid")).json()["status"] == "valid"


@pytest.mark.parametrize("address", ("127.0.0.1", "::1"))
@pytest.mark.parametrize("kind", sorted(ADDRESS))
def test_challenge_of_an_address(client_both, kind, address):
    client = client_both
    url = client.order([address]).json()["authorizations"][0]
    value = str(ipaddress.ip_address(address))
    assert client.get(url).json()["identifier"] == {"type": "ip", "value": value}
    client.post(client.challenge(url, kind)["url"], {})
    assert client.poll(url, ("valid", "invalid")).json()["status"] == "valid"


def test_failed_challenge(client_both):
    url = client_both.order(["failed.test"]).json()["authorizations"][0]
    challenge = client_both.challenge(url)
    client_both.server.responder.put(challenge["token"], "wrong")
    client_both.post(challenge["url"], {})
    authorization = client_both.poll(url, ("valid", "invalid")).json()
    assert authorization["status"] == "invalid"
    assert [c["status"] for c in authorization["challenges"]] == ["invalid"]
    error = authorization["challenges"][0]["error"]
    assert error["type"].endswith(":unauthorized") and error["status"] == 403


def test_order_of_a_failed_authorization(client_both):
    reply = client_both.order(["dead.test"])
    challenge = client_both.challenge(reply.json()["authorizations"][0])
    client_both.server.responder.put(challenge["token"], "wrong")
    client_both.post(challenge["url"], {})
    order = client_both.poll(reply.headers["Location"], ("invalid",)).json()
    assert "certificate" not in order


def test_key_authorization_is_refused(client_both):
    url = client_both.order(["ka.test"]).json()["authorizations"][0]
    challenge = client_both.challenge(url)
    reply = client_both.post(challenge["url"], {"keyAuthorization": challenge["token"] + "." + client_both.key.thumbprint})
    problem(reply, "malformed", 400,
            "Challenge response body contained legacy KeyAuthorization field, POST body should be `{}`")


def test_strict_body_of_a_challenge(make_pebble_both):
    peb = make_pebble_both(args=["-strict"])
    client = peb.client()
    url = client.order(["strict.test"]).json()["authorizations"][0]
    challenge = client.challenge(url)
    problem(client.post(challenge["url"], {"resource": "challenge"}), "malformed", 400)
    problem(client.post(challenge["url"], {"other": 1}), "malformed", 400, 'challenge initiation POST JWS body was not "{}"')
    assert client.post(challenge["url"], {}).status_code == 200


def test_strict_has_no_resource(make_pebble_both):
    """What payloads named before RFC 8555. Without -strict it is passed over."""
    client, lax = make_pebble_both(args=["-strict"]).client(), make_pebble_both().client()
    identifiers = [{"type": "dns", "value": "resource.test"}]
    for name in ("resource", "Resource"):
        payload = {name: "new-order", "identifiers": identifiers}
        problem(client.post(client.directory["newOrder"], payload), "malformed", 400,
                'JWS body included JSON with a deprecated ACME v1 "resource" field')
        assert lax.post(lax.directory["newOrder"], payload).status_code == 201
    problem(client.post(client.kid, {"resource": "reg", "contact": ["mailto:a@example.org"]}), "malformed", 400)
    assert client.order(["resource.test"], resource="").status_code == 201


def test_deactivated_authorization(client_both):
    reply = client_both.order(["gone.test"])
    url = reply.json()["authorizations"][0]
    assert client_both.post(url, {"status": "deactivated"}).json()["status"] == "deactivated"
    assert client_both.get(url).json()["status"] == "deactivated"


# --- reuse, sleep, always valid ------------------------------------------------------------------------


def test_reuse_always(make_pebble_both):
    client = make_pebble_both(env={"PEBBLE_AUTHZREUSE": "100"}).client()
    first, _ = client.ready(["reuse.test"])
    assert client.order(["reuse.test"]).json()["authorizations"] == first["authorizations"]


def test_reuse_never(client_both):
    first, _ = client_both.ready(["never.test"])
    assert client_both.order(["never.test"]).json()["authorizations"] != first["authorizations"]


def test_reuse_sometimes(make_pebble_both):
    """50 percent: of 30, all alike once in 10^9 times."""
    client = make_pebble_both(env={"PEBBLE_AUTHZREUSE": ""}).client()
    first, _ = client.ready(["sometimes.test"])
    again = [client.order(["sometimes.test"]).json()["authorizations"] == first["authorizations"] for _ in range(30)]
    assert len(set(again)) == 2


def test_always_valid(make_pebble_both):
    client = make_pebble_both(env={"PEBBLE_VA_ALWAYS_VALID": "1"}).client()
    url = client.order(["nobody.test"]).json()["authorizations"][0]
    client.post(client.get(url).json()["challenges"][0]["url"], {})
    assert client.poll(url, ("valid", "invalid")).json()["status"] == "valid"


def test_sleep(make_pebble_both):
    """0 or 1 whole seconds, for each of three attempts: of 36, none sleeps once in 10^10 runs."""
    client = make_pebble_both(env={"PEBBLE_VA_NOSLEEP": "", "PEBBLE_VA_SLEEPTIME": "2"}).client()
    order = client.order([f"s{i}.sleep.test" for i in range(12)]).json()
    start, took = time.monotonic(), {}
    for url in order["authorizations"]:
        client.post(client.challenge(url)["url"], {})
    while len(took) < 12 and time.monotonic() < start + 15:
        for url in order["authorizations"]:
            if url not in took and client.get(url).json()["status"] == "valid":
                took[url] = time.monotonic() - start
    assert len(took) == 12 and 0.9 < max(took.values()) < 4, took


# --- finalization --------------------------------------------------------------------------------------


def test_finalize(client_both):
    order, url = client_both.ready(["b.final.test", "a.final.test"])
    assert order["status"] == "ready"
    reply = client_both.finalize(order, keys.csr(["b.final.test", "a.final.test"], Key()))
    assert (reply.status_code, reply.json()["status"]) == (200, "processing")
    assert reply.headers.get("Location", url) == url
    final = client_both.poll(url, ("valid", "invalid")).json()
    assert final["status"] == "valid"
    assert re.fullmatch(re.escape(client_both.server.url("/certZ/")) + "[0-9a-f]{14,}", final["certificate"])


def test_order_not_ready(client_both):
    order = client_both.order(["early.test"]).json()
    reply = client_both.finalize(order, keys.csr(["early.test"], Key()))
    problem(reply, "orderNotReady", 403, "Order's status (\"pending\") was not ready")


def test_finalize_twice(client_both):
    order, url = client_both.ready(["twice.test"])
    client_both.finalize(order, keys.csr(["twice.test"], Key()))
    client_both.poll(url, ("valid",))
    reply = client_both.finalize(order, keys.csr(["twice.test"], Key()))
    problem(reply, "orderNotReady", 403, "Order's status (\"valid\") was not ready")


@pytest.mark.parametrize("case", ("fewer", "more", "others", "account key", "no csr", "bad signature"))
def test_bad_csr(client_both, case):
    names = ["one.csr.test", "two.csr.test"]
    order, _ = client_both.ready(names)
    key = client_both.key if case == "account key" else Key()
    wanted = {"fewer": names[:1], "more": names + ["x.test"], "others": ["x.test", names[1]]}.get(case, names)
    der = keys.csr(wanted, key)
    if case == "no csr":
        der = b"abc"
    if case == "bad signature":
        der = der[:-1] + bytes([der[-1] ^ 1])
    reply = client_both.finalize(order, der)
    if case in ("fewer", "more"):
        problem(reply, "unauthorized", 403, "Order includes different number of DNSnames identifiers than CSR specifies")
    elif case == "others":
        problem(reply, "unauthorized", 403)
    elif case == "account key":
        problem(reply, "badCSR", 400, "CSR contains a public key for a known account")
    elif case == "no csr" or client_both.server.kind != "debian":
        assert reply.status_code == 400     # 2.4.0 looks at no signature


ODD = {"mail": [x509.RFC822Name("a@odd.test")], "uri": [x509.UniformResourceIdentifier("https://odd.test/")],
       "ca": x509.BasicConstraints(True, None), "unknown": x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\5\0"),
       "feature": x509.TLSFeature([x509.TLSFeatureType.status_request_v2])}


@pytest.mark.parametrize("case", ODD)
def test_what_else_a_csr_asks_for_is_passed_over(client, case):
    """Of a CSR Pebble reads the names it serves and must-staple; lego's suite sends one with a mail address."""
    odd = ODD[case]
    order, url = client.ready(["odd.test"])
    client.finalize(order, keys.csr([], Key(), sans=[x509.DNSName("odd.test"), *(odd if isinstance(odd, list) else [])],
                                    extensions=[] if isinstance(odd, list) else [(odd, True)]))
    leaf = x509.load_pem_x509_certificate(client.get(client.poll(url, ("valid",)).json()["certificate"]).content)
    san = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert list(san) == [x509.DNSName("odd.test")]
    assert not leaf.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert {e.oid.dotted_string for e in leaf.extensions}.isdisjoint({"1.2.3.4", "1.3.6.1.5.5.7.1.24"})


@pytest.mark.parametrize("names,words", (
    ([], "Order includes different number of DNSnames identifiers than CSR specifies"),
    (["strange.test", "_x.strange.test"], "Order includes different number of DNSnames identifiers than CSR specifies"),
    (["a!b.test"], 'CSR is missing Order domain "strange.test"')), ids=("none", "one more", "another"))
def test_a_csr_without_the_orders_names(client, names, words):
    order, _ = client.ready(["strange.test"])
    reply = client.finalize(order, keys.csr(names, Key(), common_name="strange.test"))
    problem(reply, "unauthorized", 403, words)


def test_names_keep_the_csrs_order(client_both):
    names = ["c.sans.test", "a.sans.test", "b.sans.test"]
    issued = client_both.issue(names)
    san = issued.leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert list(san.get_values_for_type(x509.DNSName)) == names


def test_common_name_is_ignored(client):
    issued = client.issue(["cn.test", "b.cn.test"], common_name="cn.test")
    assert issued.leaf.subject.rfc4514_string() == ""


def test_retry_after(make_pebble):
    """Half of them in seconds, half as a date."""
    peb = make_pebble(config={"retryAfter": {"authz": 3, "order": 5}},
                      env={"PEBBLE_VA_NOSLEEP": "", "PEBBLE_VA_SLEEPTIME": "2"})
    client, found = peb.client(), {"authz": [], "order": []}
    # Each form not once in 30 answers: once in 10^9 runs.
    while not all(any(t.isdigit() for t in f) and any(not t.isdigit() for t in f) for f in found.values()):
        assert all(len(f) < 30 for f in found.values()) or len(found["order"]) < 30, found
        reply = client.order([f"r{i}.retry.test" for i in range(4)])
        order, url = reply.json(), reply.headers["Location"]
        assert "Retry-After" not in reply.headers
        for authorization in order["authorizations"]:
            client.post(client.challenge(authorization)["url"], {})
        for authorization in order["authorizations"]:
            while (polled := client.get(authorization)).json()["status"] == "pending":
                if "Retry-After" in polled.headers:
                    found["authz"].append(polled.headers["Retry-After"])
                time.sleep(0.1)
            assert "Retry-After" not in polled.headers
        polled = client.finalize(order, keys.csr([f"r{i}.retry.test" for i in range(4)], Key()))
        while polled.json()["status"] == "processing":
            found["order"].append(polled.headers["Retry-After"])
            time.sleep(0.05)
            polled = client.get(url)
        assert "Retry-After" not in polled.headers
    for name, seconds in (("authz", 3), ("order", 5)):
        assert {t for t in found[name] if t.isdigit()} == {str(seconds)}
        dates = [parsedate_to_datetime(t) for t in found[name] if not t.isdigit()]
        now = datetime.datetime.now(datetime.timezone.utc)
        assert all(abs((d - now).total_seconds()) < 60 for d in dates)


def test_no_retry_after_unless_configured(client):
    order, _ = client.ready(["noretry.test"])
    assert "Retry-After" not in client.finalize(order, keys.csr(["noretry.test"], Key())).headers


# --- profiles ------------------------------------------------------------------------------------------

PROFILES = {"a": {"description": "First", "validityPeriod": 3600, "promoteCommonName": True},
            "b": {"description": "Second"}}


def test_profiles(make_pebble):
    client = make_pebble(config={"profiles": PROFILES}).client()
    taken = {client.order([f"p{i}.profile.test"]).json()["profile"] for i in range(40)}
    assert taken == {"a", "b"}
    for profile, subject, seconds in (("a", "CN=x.profile.test", 3600), ("b", "", 7776000)):
        assert client.order(["x.profile.test"], profile=profile).json()["profile"] == profile
        leaf = client.issue(["x.profile.test"], profile=profile).leaf
        assert leaf.subject.rfc4514_string() == subject
        assert abs((leaf.not_valid_after - leaf.not_valid_before).total_seconds() - seconds) <= 1
    reply = client.post(client.directory["newOrder"], {"identifiers": [{"type": "dns", "value": "a.test"}], "profile": "c"})
    problem(reply, "invalidProfile", 400, 'Order includes unrecognized profile name "c"')
