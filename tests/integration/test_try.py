"""`signet try`: whether an order would be taken, and whether the name could be validated, before a client begins."""
import base64
import hashlib
import json

import pytest
from harness.acme import Client
from harness.names import Names
from harness.server import Server
from test_dns_persist_01 import publish, record
from test_protocol_key_change import roll


@pytest.fixture(scope="module")
def second_names():
    made = Names()
    yield made
    made.close()


@pytest.fixture(scope="module")
def own(names, responder, second_names):
    server = Server(names, responder, config={
        "ra": {"policy": {"allow": ["*.test", "127.0.0.0/8"], "deny": ["denied.test", "127.0.0.7/32"]},
               "caa_identities": ["ca.test"], "dns_persist": {"issuer_domain_names": ["ca.test"]}},
        "va": {"caa": "enforce", "perspectives": [
            {"name": "fra", "region": "eu", "resolvers": [second_names.address]}]},
        "ca": {"profiles": {"default": {"lifetime": "10d"}, "web": {"lifetime": "6d", "challenges": ["http-01"]},
                            "public": {"lifetime": "6d", "public_names": True}}}})
    yield server
    server.close()


@pytest.fixture
def account(own):
    return Client(own)


def id_of(account):
    return account.kid.rsplit("/", 1)[1]


def attempt(server, *args):
    """Exit code, what each perspective says, what was said on standard error."""
    done = server.run("try", *args, "--dir", server.home, "--json", check=False)
    return done.returncode, {row["perspective"]: row for row in map(json.loads, done.stdout.splitlines())}, done.stderr


@pytest.mark.parametrize("args, rule", [
    (["denied.test"], '"denied.test" is denied by this CA\'s policy (ra.policy.deny: "denied.test")'),
    (["a.example"], '"a.example" is not among the names this CA issues for (ra.policy.allow)'),
    (["127.0.0.7"], 'is denied by this CA\'s policy (ra.policy.deny: "127.0.0.7/32")'),
    (["127.0.0.1", "--profile", "public"], "(ca.profiles.public.public_names: true)"),
    (["a.test", "--challenge", "dns-01", "--profile", "web"], "dns-01 is not offered (ra.challenges, ca.profiles.web.challenges)"),
    (["a.test", "--profile", "none"], "there is no profile \"none\" in ca.profiles"),
], ids=" ".join)
def test_a_rule_that_would_refuse(own, names, args, rule):
    """It says which, shows what is seen none the less, and exits with 1."""
    code, rows, told = attempt(own, *args)
    assert code == 1 and f"an order for {args[0]} would be refused" in told and rule in told, told
    assert set(rows) == {"primary", "fra"}, rows
    if args[0].endswith(".test"):
        assert all(row["reached"] for row in rows.values()) and "could not be validated" not in told, rows


def test_refused_and_not_reached(own, second_names):
    second_names.set("denied.test", rcode="SERVFAIL")
    code, rows, told = attempt(own, "denied.test")
    assert code == 1 and "would be refused, and it could not be validated now: " in told, told
    assert rows["primary"]["reached"] and not rows["fra"]["reached"]
    second_names.set("denied.test", a=["127.0.0.1"])


def test_for_an_account(own, account):
    """Its own policy, which others are not under."""
    own.run("account", "policy", id_of(account), "--name", "*.mine.test", "--dir", own.home)
    code, rows, told = attempt(own, "a.test", "--account", id_of(account))
    assert code == 1 and f"(policy of account {id_of(account)}: --name)" in told and rows["primary"]["reached"]
    assert attempt(own, "a.mine.test", "--account", id_of(account))[0] == 0
    assert attempt(own, "a.test")[0] == 0
    own.run("account", "deactivate", id_of(account), "--dir", own.home)
    code, rows, told = attempt(own, "a.mine.test", "--account", id_of(account))
    assert code == 1 and "the account is deactivated" in told


def test_caa_that_names_an_account(own, account, names, second_names):
    """RFC 8657, 3: for the account that it names, and for no other."""
    for dns in (names, second_names):
        dns.set("bound.test", a=["127.0.0.1"], caa=[(0, "issue", f"ca.test; accounturi={account.kid}")])
    assert attempt(own, "bound.test", "--account", id_of(account))[0] == 0
    code, rows, _ = attempt(own, "bound.test")
    assert code == 1 and {row["problem"] for row in rows.values()} == {"caa"}, rows


def test_addresses_and_wildcards(own):
    """Without --challenge the first that can prove it."""
    code, rows, _ = attempt(own, "127.0.0.1")
    assert code == 0 and "answered status 404" in rows["primary"]["detail"]
    code, rows, _ = attempt(own, "*.wild.test")
    assert code == 0 and "no TXT record found at _acme-challenge.wild.test" in rows["fra"]["detail"]
    code, rows, told = attempt(own, "127.0.0.1", "--challenge", "tls-alpn-01")
    assert code == 0, told


def test_dns_01_names_no_digest(own, names):
    """A trial's token is nobody's: nobody is told to publish its digest."""
    _, rows, _ = attempt(own, "none.test", "--challenge", "dns-01")
    assert rows["primary"]["detail"].startswith(
        f"no TXT record found at _acme-challenge.none.test: resolver {names.address} answered"), rows
    assert "that is where a client publishes one (RFC 8555, 8.4)" in rows["primary"]["detail"]
    names.set("_acme-challenge.some.test", txt=["one", "two"])
    _, rows, _ = attempt(own, "some.test", "--challenge", "dns-01")
    assert f"resolver {names.address} has at _acme-challenge.some.test 2 TXT records, beside which a client publishes its " \
        "own" in rows["primary"]["detail"], rows


def test_dns_account_01(own, account):
    """draft-ietf-acme-dns-account-label: the label is the account's."""
    code, _, told = attempt(own, "a.test", "--challenge", "dns-account-01")
    assert code == 1 and "what dns-account-01 looks for depends on who asks: name the --account" in told
    label = "_" + base64.b32encode(hashlib.sha256(account.kid.encode()).digest()[:10]).decode().lower()
    code, rows, told = attempt(own, "*.a.test", "--challenge", "dns-account-01", "--account", id_of(account))
    assert code == 0 and f"no TXT record found at {label}._acme-challenge.a.test" in rows["fra"]["detail"], (rows, told)


def test_dns_persist_01(own, account, names, second_names):
    """Its record stands before anybody begins: without it the answer is no, with what would be right."""
    code, _, told = attempt(own, "stays.test", "--challenge", "dns-persist-01")
    assert code == 1 and "name the --account" in told
    args = ("stays.test", "--challenge", "dns-persist-01", "--account", id_of(account))
    code, rows, told = attempt(own, *args)
    assert code == 1 and "stays.test could not be validated now" in told
    assert f'a record that proves it: "{record(account, "stays.test")}"' in rows["primary"]["detail"], rows
    publish(names, "stays.test", record(account, "stays.test"))
    code, rows, told = attempt(own, *args)
    assert code == 1 and rows["primary"]["reached"] and not rows["fra"]["reached"], rows
    publish(second_names, "stays.test", record(account, "stays.test"))
    code, rows, told = attempt(own, *args)
    assert code == 0 and rows["fra"]["detail"].startswith("it answers as it should"), (rows, told)
    # a record of a former key of the account stands, too
    roll(account)
    assert attempt(own, *args)[0] == 0


@pytest.mark.parametrize("args, code, words", [
    (["a.test", "--account", "A" * 22], 1, "there is no account"),
    (["a.test", "--account", "short"], 1, "an id of 22 characters"),
    (["a.test", "--challenge", "dns-02"], 1, '"challenge" has to be'),
    (["*.a.test", "--challenge", "http-01"], 1, "http-01 can't prove *.a.test"),
    (["127.0.0.1", "--challenge", "dns-persist-01"], 1, "can't prove 127.0.0.1"),
    (["a..test"], 1, "a..test"),
    ([], 2, "NAME: is missing"),
    (["a.test", "b.test"], 2, "one word too many"),
], ids=str)
def test_what_makes_no_sense(own, args, code, words):
    done = own.run("try", *args, "--dir", own.home, check=False)
    assert done.returncode == code and words in done.stderr and done.stdout == "", done
