"""dns-01 (RFC 8555, 8.4), dns-account-01, wildcards (7.1.3, 7.1.4), and which challenges are offered."""
import pytest
from harness import acme, keys
from harness.acme import check_problem
from harness.keys import Key
from harness.validation import attempt, check_failed

pytestmark = pytest.mark.needs("dns-01")


KINDS = ["dns-01", pytest.param("dns-account-01", marks=pytest.mark.needs("dns-account-01"))]


@pytest.mark.parametrize("kind", KINDS)
def test_rfc8555_8_4_issues(names, shared, kind):
    name = f"{kind}.test"
    issued = shared.issue([name], kind=kind)
    assert issued.names == [name]
    assert (shared.label(kind) + name, "TXT", "udp") in names.asked
    done = shared.get(issued.order["authorizations"][0]).json()
    assert [c["type"] for c in done["challenges"] if c["status"] == "valid"] == [kind]
    assert not acme.WORDS or done["challenges"][0]["validationRecord"][0]["hostname"] == shared.label(kind) + name


def test_rfc8555_8_4_among_several_records(names, shared):
    """Others may be there: of a spoiled try, of the wildcard's, of something else."""
    at = "_acme-challenge.several.test"
    assert attempt(shared, "several.test", "dns-01", lambda token, digest: names.set(at, txt=[
        "v=spf1 -all", "A" * 43, digest, "B" * 43, ["y" * 20] * 3]))["status"] == "valid"


def test_rfc8555_8_4_strings_of_a_record_are_joined(names, shared):
    at = "_acme-challenge.joined.test"
    assert attempt(shared, "joined.test", "dns-01", lambda token, digest: names.set(
        at, txt=[[digest[:7], "", digest[7:40], digest[40:]]]))["status"] == "valid"


def test_rfc8555_8_4_two_records_are_not_joined(names, shared):
    at = "_acme-challenge.apart.test"
    assert attempt(shared, "apart.test", "dns-01", lambda token, digest: names.set(
        at, txt=[digest[:20], digest[20:]]))["status"] == "invalid"


def test_rfc8555_8_4_delegated_by_cname(names, shared):
    names.set("_acme-challenge.delegated.test", cname="delegated.hook.test")
    assert attempt(shared, "delegated.test", "dns-01", lambda token, digest: names.set(
        "delegated.hook.test", txt=[digest]))["status"] == "valid"


def test_rfc8555_8_4_large_answer_comes_by_tcp(names, shared):
    at = "_acme-challenge.largetxt.test"
    assert attempt(shared, "largetxt.test", "dns-01", lambda token, digest: names.set(
        at, txt=["z" * 250] * 40 + [digest], truncate=True))["status"] == "valid"
    assert (at, "TXT", "tcp") in names.asked


@pytest.mark.parametrize("what, kind, words", [
    ({"rcode": "NXDOMAIN"}, "dns", ("NXDOMAIN", "no TXT record found at")),
    ({"rcode": "SERVFAIL"}, "dns", ("SERVFAIL", "name servers")),
    ({"rcode": "REFUSED"}, "dns", ("REFUSED", "va.zones")),
    ({"silent": True}, "dns", ("answer", "va.resolvers")),
    ({}, "unauthorized", ("without any", "no TXT record found at")),
    ({"txt": ["hello"]}, "incorrectResponse", ("1 TXT record", "it is not the digest")),
    ({"txt": ["hello", "world"]}, "incorrectResponse", ("2 TXT records", "none is the digest")),
    ({"txt": ["A" * 42 + "E"]}, "incorrectResponse", ("another digest", "another challenge", "earlier")[:1]),
    ({"txt": ['"DIGEST"']}, "incorrectResponse", ("quotation marks",)),
    ({"txt": ["DIGEST="]}, "incorrectResponse", ("before or after",)),
    ({"txt": ["DIGEST "]}, "incorrectResponse", ("before or after",)),
    ({"txt": ["TOKEN.THUMBPRINT"]}, "incorrectResponse", ("SHA-256",)),
    ({"txt": ["TOKEN"]}, "incorrectResponse", ("SHA-256",)),
    ({"raw": {"TXT": [b"\xffabc"]}}, "incorrectResponse", ("1 TXT record",)),
    ({"raw": {"TXT": [b""]}}, "incorrectResponse", ("1 TXT record",)),
], ids=["nxdomain", "servfail", "refused", "silent", "nodata", "other", "others", "stale", "quoted", "padded",
        "space", "key-authorization", "token", "broken-strings", "empty"])
def test_rfc8555_8_4_failures(request, server, names, shared, what, kind, words):
    name = f"{request.node.callspec.id}.dns01.test"
    at = f"_acme-challenge.{name}"

    def prepare(token, digest):
        text = dict(what)
        if "txt" in what:
            text["txt"] = [t.replace("DIGEST", digest).replace("TOKEN", token).replace(
                "THUMBPRINT", shared.key.thumbprint) for t in what["txt"]]
        names.set(at, **text)

    challenge = check_failed(attempt(shared, name, "dns-01", prepare), kind, at, names.address, *words)
    if acme.WORDS and kind in ("unauthorized", "incorrectResponse"):           # what would have been right
        assert shared.digest(f"{challenge['token']}.{shared.key.thumbprint}") in challenge["error"]["detail"]
    assert "hello" not in challenge["error"]["detail"]


def test_rfc8555_8_4_digest_of_another_account(names, client, shared):
    def prepare(token, digest):
        names.set("_acme-challenge.foreign.test", txt=[client.digest(f"{token}.{client.key.thumbprint}")])

    check_failed(attempt(shared, "foreign.test", "dns-01", prepare), "incorrectResponse")


@pytest.mark.needs("dns-account-01")
def test_dns_account_01_label_of_another_account(names, client, shared):
    """The right digest under another account's label, and at dns-01's place, is none."""
    def prepare(token, digest):
        names.set(client.label("dns-account-01") + "label.test", txt=[digest])
        names.set("_acme-challenge.label.test", txt=[digest])

    check_failed(attempt(shared, "label.test", "dns-account-01", prepare), "unauthorized",
                 shared.label("dns-account-01"))


# --- wildcards ---------------------------------------------------------------------------------------

def test_rfc8555_7_1_4_wildcard(names, shared):
    order = shared.order(["*.star.test"]).json()
    assert order["identifiers"] == [{"type": "dns", "value": "*.star.test"}]
    authorization = shared.get(order["authorizations"][0]).json()
    assert authorization["identifier"] == {"type": "dns", "value": "star.test"}
    assert authorization["wildcard"] is True
    assert {c["type"] for c in authorization["challenges"]}.isdisjoint({"http-01", "tls-alpn-01"})      # 8.3
    if acme.WORDS:
        check_problem(shared.post(authorization["challenges"][0]["url"].replace("dns-01", "http-01"), {}),
                      "malformed", 404, "http-01")


@pytest.mark.parametrize("kind", KINDS)
def test_rfc8555_7_1_3_wildcard_certificate(shared, kind):
    name = f"*.{kind}.wild.test"
    assert shared.issue([name], kind=kind).names == [name]


def test_rfc8555_7_1_3_wildcard_and_its_base(names, shared):
    """One order, two authorizations, two records at the same name."""
    issued = shared.issue(["*.both.test", "both.test"], kind="dns-01")
    assert issued.names == ["*.both.test", "both.test"]
    assert len(names.zones["_acme-challenge.both.test"]["txt"]) == 2
    shown = [shared.get(url).json() for url in issued.order["authorizations"]]
    assert sorted(a.get("wildcard", False) for a in shown) == [False, True]


def test_rfc8555_7_4_wildcard_is_no_base(shared):
    """A certificate for the base in a wildcard's order."""
    order, _ = shared.ready(["*.nobase.test"], kind="dns-01")
    check_problem(shared.finalize(order, keys.csr(["nobase.test"], Key())), "badCSR", 400)
    check_problem(shared.finalize(order, keys.csr(["*.nobase.test", "nobase.test"], Key())), "badCSR", 400)


@pytest.mark.parametrize("name", ["*.*.test", "a.*.test", "a*.test", "*"])
def test_rfc8555_7_1_3_wildcard_only_leftmost(shared, name):
    check_problem(shared.post(shared.directory["newOrder"], {"identifiers": [{"type": "dns", "value": name}]}),
                  "malformed", 400)
