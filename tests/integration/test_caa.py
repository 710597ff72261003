"""CAA (RFC 8659) and its parameters for ACME (RFC 8657)."""
import sqlite3
import time

import pytest
from harness import keys
from harness.acme import URN, Client
from harness.keys import Key
from harness.server import SLOW

OURS = "ca.test"
OTHER = (0, "issue", "other.example")


@pytest.fixture(scope="module")
def strict(names, responder):
    from harness.server import Server
    made = Server(names, responder, {"ra": {"caa_identities": [OURS, "second.test"]}, "va": {"caa": "enforce"}})
    yield made
    made.close()


@pytest.fixture(scope="module")
def account(strict):
    return Client(strict)


def end(account, name, kind="http-01"):
    order = account.order([name]).json()
    return account.authorize(order, kind)[0]["challenges"][0]


def allows(account, name, kind="http-01"):
    challenge = end(account, name, kind)
    assert challenge["status"] == "valid", challenge


def forbids(account, name, *words, kind="http-01", problem="caa"):
    challenge = end(account, name, kind)
    assert challenge["status"] == "invalid", challenge
    assert challenge["error"]["type"] == URN + problem, challenge
    for word in words:
        assert word in challenge["error"]["detail"], (word, challenge["error"]["detail"])


def test_rfc8659_3_no_record(names, account):
    allows(account, "a.b.none.test")
    asked = {name for name, kind, _ in names.asked if kind == "CAA" and name.endswith("test")}
    assert {"a.b.none.test", "b.none.test", "none.test", "test"} <= asked
    assert "" not in {name for name, kind, _ in names.asked if kind == "CAA"}       # never the root


@pytest.mark.parametrize("records", [
    [(0, "issue", OURS)], [(0, "issue", "CA.Test")], [OTHER, (0, "issue", "second.test")], [(0, "ISSUE", OURS)],
    [(0, "issue", f" {OURS} ;  ")], [(0, "issue", f"{OURS}; policy=ev; x-y=1")], [(128, "issue", OURS)],
    [(0, "iodef", "mailto:a@b.test")], [(0, "unknown", "x")], [(0, "issuewild", ";")], [(0, "issuemail", ";")],
    [(0, "issue", "%%%malformed"), (0, "issue", OURS)],
], ids=["issue", "case", "one-of-two", "tag-case", "spaces", "other-parameters", "critical-known", "iodef-only",
        "unknown-not-critical", "issuewild-only", "issuemail", "malformed-beside-ours"])
def test_rfc8659_4_allows(request, names, account, records):
    allows(account, names.set(f"{request.node.callspec.id}.caa.test", a=["127.0.0.1"], caa=records))


@pytest.mark.parametrize("records, words", [
    ([OTHER], ("names another CA", '0 issue "other.example"', "0 issue \"ca.test\"")),
    ([(0, "issue", ";")], ("lets nobody issue",)),
    ([(0, "issue", "")], ("lets nobody issue",)),
    ([(0, "issue", "%%%")], ("malformed",)),
    ([(0, "issue", f"{OURS}.")], ("malformed",)),
    ([(0, "issue", f"{OURS} accounturi=x")], ("malformed",)),
    ([(0, "issue", f"{OURS}; accounturi")], ("malformed",)),
    ([(0, "issue", f"sub.{OURS}")], ("names another CA",)),
    ([(128, "tbs", "x"), (0, "issue", OURS)], ("critical", "tbs")),
    ([OTHER, (0, "issuewild", OURS)], ("names another CA",)),
], ids=["other", "semicolon", "empty", "malformed", "trailing-dot", "no-semicolon", "no-value", "subdomain",
        "critical", "issuewild-is-for-wildcards"])
def test_rfc8659_4_forbids(request, names, account, records, words):
    name = names.set(f"{request.node.callspec.id}.nocaa.test", a=["127.0.0.1"], caa=records)
    forbids(account, name, name, *words)


@pytest.mark.parametrize("data", [b"", b"\0", b"\0\0issue", b"\0\x09issue", b"\0\x05iss ex" + OURS.encode()],
                         ids=["empty", "short", "no-tag", "tag-too-long", "tag-with-space"])
def test_rfc8659_4_1_malformed_record(request, names, account, data):
    name = names.set(f"{request.node.callspec.id}.badcaa.test", a=["127.0.0.1"], raw={"CAA": [data]})
    forbids(account, name, "malformed")


def test_rfc8659_3_nearest_set_wins(names, account):
    names.set("tree.test", a=["127.0.0.1"], caa=[OTHER])
    names.set("ours.tree.test", a=["127.0.0.1"], caa=[(0, "issue", OURS)])
    forbids(account, "x.y.tree.test", "the CAA records at tree.test", "x.y.tree.test")
    allows(account, "ours.tree.test")
    allows(account, "deep.below.ours.tree.test")


def test_rfc8659_3_not_the_tree_of_an_alias(names, account):
    """The alias's target counts, what stands above the target doesn't."""
    names.set("above.test", a=["127.0.0.1"], caa=[OTHER])
    names.set("target.above.test", a=["127.0.0.1"])
    names.set("caa-alias.test", cname="target.above.test")
    allows(account, "caa-alias.test")
    names.set("direct.test", cname="above.test")
    forbids(account, "direct.test", "the CAA records at direct.test")


def test_rfc8659_4_3_issuewild(names, account):
    names.set("w1.test", a=["127.0.0.1"], caa=[(0, "issue", OURS), (0, "issuewild", ";")])
    allows(account, "w1.test", kind="dns-01")
    forbids(account, "*.w1.test", "lets nobody issue", "*.w1.test", kind="dns-01")
    names.set("w2.test", a=["127.0.0.1"], caa=[OTHER, (0, "issuewild", OURS)])
    allows(account, "*.w2.test", kind="dns-01")
    names.set("w3.test", a=["127.0.0.1"], caa=[(0, "issue", OURS)])
    allows(account, "*.w3.test", kind="dns-01")
    names.set("w4.test", a=["127.0.0.1"], caa=[OTHER])
    forbids(account, "*.w4.test", "names another CA", "0 issuewild", kind="dns-01")


def test_rfc8657_3_accounturi(names, account):
    names.set("uri.test", a=["127.0.0.1"], caa=[(0, "issue", f"{OURS}; accounturi={account.kid}")])
    allows(account, "uri.test")
    for i, value in enumerate((account.kid + "/", account.kid.upper(), account.kid[:-1], "")):
        names.set(f"uri{i}.test", a=["127.0.0.1"], caa=[(0, "issue", f"{OURS}; accounturi={value}")])
        forbids(account, f"uri{i}.test", "another account")
    names.set("uris.test", a=["127.0.0.1"],
              caa=[(0, "issue", f"{OURS}; accounturi={account.kid}; accounturi={account.kid}")])
    forbids(account, "uris.test", "more than once")
    names.set("two.uris.test", a=["127.0.0.1"], caa=[
        (0, "issue", f"{OURS}; accounturi=https://x.test/1"), (0, "issue", f"{OURS}; AccountURI={account.kid}")])
    allows(account, "two.uris.test")


def test_rfc8657_4_validationmethods(names, account):
    names.set("m1.test", a=["127.0.0.1"], caa=[(0, "issue", f"{OURS}; validationmethods=dns-01,http-01")])
    allows(account, "m1.test")
    names.set("m2.test", a=["127.0.0.1"], caa=[(0, "issue", f"{OURS}; validationmethods=dns-01")])
    forbids(account, "m2.test", "challenge type")
    allows(account, "m2.test", kind="dns-01")
    for i, value in enumerate(("", ",http-01", "http-01,", "HTTP-01", "http-012", "http-01,,dns-01")):
        names.set(f"m{i}.bad.test", a=["127.0.0.1"], caa=[(0, "issue", f"{OURS}; validationmethods={value}")])
        forbids(account, f"m{i}.bad.test", "validationmethods")
    names.set("m4.test", a=["127.0.0.1"],
              caa=[(0, "issue", f"{OURS}; validationmethods=http-01; validationmethods=http-01")])
    forbids(account, "m4.test", "more than once")


@pytest.mark.parametrize("what", [{"rcode": "SERVFAIL"}, {"rcode": "REFUSED"}, {"silent": True}],
                         ids=["servfail", "refused", "silent"])
def test_enforce_needs_an_answer(request, names, account, what):
    name = names.set(f"{request.node.callspec.id}.caafail.test", only="CAA", **what)
    forbids(account, name, f"the CAA records at {name}", names.address, "va.resolvers" if "silent" in what else "",
            problem="dns")


def test_enforce_failure_above_a_set_does_not_matter(names, account):
    names.set("broken.test", only="CAA", rcode="SERVFAIL")
    names.set("fine.broken.test", a=["127.0.0.1"], caa=[(0, "issue", OURS)])
    allows(account, "fine.broken.test")
    forbids(account, "x.broken.test", "the CAA records at broken.test", problem="dns")


def test_a_failed_validation_is_told_before_caa(names, account):
    names.set("first.test", a=["127.0.0.2"], caa=[OTHER])
    forbids(account, "first.test", "127.0.0.2", problem="connection")


def count_asked(names):
    return len([1 for name, kind, _ in names.asked if (name, kind) == ("later.test", "CAA")])


def wait_until(holds, timeout=5):
    end = time.monotonic() + timeout * SLOW
    while not holds() and time.monotonic() < end:
        time.sleep(0.01)
    assert holds()


def test_caa_at_the_moment_of_finalize(names, strict, account):
    """An outcome of more than seven hours ago is looked up again, and ca wants it."""
    names.set("later.test", a=["127.0.0.1"], caa=[(0, "issue", OURS)])
    for forbidden in (False, True):
        order, url = account.ready(["later.test", "b.later.test"])
        with sqlite3.connect(f"{strict.home}/data/signet.db", timeout=10) as db:
            assert db.execute("UPDATE authorizations SET caa_checked = caa_checked - 26000").rowcount > 1
        db.close()
        asked = count_asked(names)
        if forbidden:
            names.set("later.test", a=["127.0.0.1"], caa=[OTHER])
        assert account.finalize(order, keys.csr(["later.test", "b.later.test"], Key())).status_code == 200
        done = account.poll(url, ("valid", "invalid")).json()
        # The first refusal ends the order; the question for the other name is asked all the same.
        wait_until(lambda: count_asked(names) == asked + 2)
        assert done["status"] == ("invalid" if forbidden else "valid"), done
    assert done["error"]["type"] == URN + "caa" and "later.test" in done["error"]["detail"], done
    assert done["error"]["subproblems"][0]["identifier"]["value"].endswith("later.test")


def test_if_present_in_a_private_zone(names, server, shared):
    """The default of preset private: what can't be looked up stops nobody, what is there is obeyed."""
    for i, what in enumerate(({"rcode": "SERVFAIL"}, {"rcode": "REFUSED"}, {"rcode": "NXDOMAIN"})):
        names.set(f"p{i}.private.test", only="CAA", **what)
        allows(shared, f"p{i}.private.test")
    names.set("private.example", a=["127.0.0.1"])           # "example" is NXDOMAIN
    allows(shared, "private.example")
    names.set("obeyed.test", a=["127.0.0.1"], caa=[OTHER])
    forbids(shared, "obeyed.test", "names another CA", "ra.caa_identities")


def test_if_present_waits_for_silence_no_longer_than_the_validation(names, make_server):
    account = Client(make_server({"va": {"timeout": "2s"}}))
    names.set("mute.private.test", only="CAA", silent=True)
    allows(account, "mute.private.test")


def test_off_asks_nobody(names, make_server):
    account = Client(make_server({"va": {"caa": "off"}}))
    names.set("off.test", a=["127.0.0.1"], caa=[OTHER])
    assert account.issue(["off.test"]).names == ["off.test"]
    assert ("off.test", "CAA", "udp") not in names.asked
