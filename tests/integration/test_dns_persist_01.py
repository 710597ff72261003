"""dns-persist-01 (draft-ietf-acme-dns-persist-02, and -01 as a form): a record that stays, for an account."""
import hashlib
import time

import pytest
from harness import keys
from harness.acme import URN, Client
from harness.keys import Key, b64
from harness.server import signet
from test_protocol_key_change import roll

ISSUERS = ["ca.test", "other-name.test"]
PERSIST = {"ra": {"dns_persist": {"issuer_domain_names": ISSUERS}}}


@pytest.fixture(scope="module")
def own(names, responder):
    """A server that has names for such records."""
    from harness.server import Server
    made = Server(names, responder, PERSIST)
    yield made
    made.close()


@pytest.fixture
def account(own):
    return Client(own)


def uri(account, domain, key=None):
    """accounturi as the draft's -02 makes it."""
    thumbprint = (key or account.key).thumbprint
    text = bytes([len(domain)]) + domain.encode() + thumbprint.encode() + account.kid.encode()
    return account.directory["meta"]["accountHashPrefix"] + "sha-256/" + b64(hashlib.sha256(text).digest())


def record(account, name, issuer="ca.test", domain=None, key=None, more=""):
    return f"{issuer}; accounturi={uri(account, domain or name, key)}{more}"


def publish(names, name, *texts):
    """Strings of a record are at most 255 bytes."""
    names.set(f"_validation-persist.{name}", txt=[[t[i:i + 200] for i in range(0, len(t), 200)] for t in texts])


def attempt(account, wanted):
    """(the authorization at its end, the challenge)"""
    order = account.order([wanted]).json()
    url = order["authorizations"][0]
    found = next(c for c in account.get(url).json()["challenges"] if c["type"] == "dns-persist-01")
    account.post(found["url"], {})
    done = account.poll(url, ("valid", "invalid")).json()
    return done, done["challenges"][0]


def issue(account, wanted):
    order = account.order([wanted])
    for url in order.json()["authorizations"]:
        found = next(c for c in account.get(url).json()["challenges"] if c["type"] == "dns-persist-01")
        account.post(found["url"], {})
        assert account.poll(url, ("valid", "invalid")).json()["status"] == "valid"
    reply = account.finalize(order.json(), keys.csr([wanted], Key()))
    assert reply.status_code == 200, reply.text
    done = account.poll(order.headers["Location"], ("valid", "invalid")).json()
    assert done["status"] == "valid", done


def refused(account, names, name, kind, *words, texts=(), wanted=None):
    publish(names, name, *texts)
    done, challenge = attempt(account, wanted or name)
    assert done["status"] == "invalid"
    assert challenge["error"]["type"] == URN + kind, challenge["error"]
    for word in (f"_validation-persist.{name}", names.address, *words):
        assert word in challenge["error"]["detail"], (word, challenge["error"]["detail"])


def test_not_offered_without_a_name(shared):
    url = shared.order(["nonames.test"]).json()["authorizations"][0]
    assert "dns-persist-01" not in [c["type"] for c in shared.get(url).json()["challenges"]]
    assert "accountHashPrefix" not in shared.directory["meta"]
    assert "issuerDomainNames" not in shared.directory["meta"]


def test_challenge_without_a_name_is_a_contradiction(make_server):
    server = make_server({"ra": {"challenges": ["dns-persist-01"]}}, start=False)
    done = signet("check", "--dir", server.home, check=False)
    assert done.returncode == 1 and "ra.dns_persist.issuer_domain_names" in done.stdout + done.stderr


def test_draft_02_challenge_object_and_directory(own, account):
    meta = account.directory["meta"]
    assert meta["issuerDomainNames"] == ISSUERS
    assert meta["accountHashPrefix"] == own.url + "/account-hash/"
    url = account.order(["object.test"]).json()["authorizations"][0]
    found = next(c for c in account.get(url).json()["challenges"] if c["type"] == "dns-persist-01")
    assert found == {"type": "dns-persist-01", "status": "pending", "url": found["url"], "issuerDomainNames": ISSUERS}


@pytest.mark.parametrize("issuer", ISSUERS)
@pytest.mark.parametrize("whole", [False, True], ids=["domain", "star"])
def test_draft_02_issues(account, names, issuer, whole):
    name = f"{issuer.split('.')[0]}-{whole}.persist.test".lower()
    publish(names, name, "v=spf1 -all", record(account, name, issuer, "*" if whole else None))
    issue(account, name)


def test_draft_02_stays_for_further_orders(account, names):
    publish(names, "again.test", record(account, "again.test"))
    issue(account, "again.test")
    issue(account, "again.test")


def test_draft_02_wildcard(account, names):
    publish(names, "wild.persist.test", record(account, "wild.persist.test", more="; policy=WildCard"))
    issue(account, "*.wild.persist.test")
    issue(account, "wild.persist.test")
    refused(account, names, "tame.persist.test", "unauthorized", "policy=wildcard", wanted="*.tame.persist.test",
            texts=[record(account, "tame.persist.test", more="; policy=wildcards")])


def test_draft_02_persist_until_bounds_the_authorization(account, names):
    until = int(time.time()) + 3600
    publish(names, "until.test", record(account, "until.test", more=f"; persistUntil={until}"))
    done, _ = attempt(account, "until.test")
    assert done["status"] == "valid"
    assert done["expires"] == time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(until))
    # of several the one that holds longest
    publish(names, "longest.test", *(record(account, "longest.test", more=f"; persistUntil={until + n}")
                                     for n in (0, 7200, 60)))
    done, _ = attempt(account, "longest.test")
    assert done["expires"] == time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(until + 7200))


def test_draft_02_former_keys_count(account, names):
    """The record names the first key; ca has the changes from it to the one that signs."""
    publish(names, "rolled.test", record(account, "rolled.test"))
    for _ in range(3):
        roll(account)
    issue(account, "rolled.test")


def test_draft_02_another_accounts_key_does_not(own, account, names):
    other = Client(own)
    refused(account, names, "mixed.test", "unauthorized", "another account", texts=[
        record(other, "mixed.test"), record(account, "mixed.test", key=other.key)])


@pytest.mark.parametrize("case, kind, words", [
    ("none", "unauthorized", ["1 TXT record, and none is a CA's", "a record that proves it"]),
    ("other-ca", "unauthorized", ["of other CAs"]),
    ("other-domain", "unauthorized", ["another account, key or domain"]),
    ("plain-url", "unauthorized", ["another account"]),
    ("no-account", "malformed", ["no accounturi"]),
    ("twice", "malformed", ["twice"]),
    ("until-word", "malformed", ["persistUntil"]),
    ("until-sign", "malformed", ["persistUntil"]),
    ("ended", "unauthorized", ["ended at 2001-09-09T01:46:40Z"]),
    ("syntax", "malformed", ["issue-value"]),
])
def test_draft_02_records_that_do_not(account, names, case, kind, words):
    name = f"{case}.persist.test"
    good = record(account, name)
    text = {"none": "hello world", "other-ca": good.replace("ca.test", "ca.example", 1),
            "other-domain": record(account, name, domain="elsewhere.test"),
            "plain-url": f"ca.test; accounturi={account.kid}", "no-account": "ca.test; policy=wildcard",
            "twice": good + "; " + good.split("; ")[1], "until-word": good + "; persistUntil=tomorrow",
            "until-sign": good + "; persistUntil=-1", "ended": good + "; persistUntil=1000000000",
            "syntax": good + "; =x"}[case]
    refused(account, names, name, kind, *words, texts=[text])


def test_draft_02_unknown_parameters_are_ignored(account, names):
    publish(names, "unknown.test", record(account, "unknown.test", more="; future=thing"))
    issue(account, "unknown.test")


def test_draft_02_nxdomain_says_what_to_publish(account, names):
    names.set("_validation-persist.missing.test", rcode="NXDOMAIN")
    _, challenge = attempt(account, "missing.test")
    assert challenge["error"]["type"] == URN + "dns"
    assert uri(account, "missing.test") in challenge["error"]["detail"]


def test_draft_01_form(make_server, names):
    """The account's URL, and no hash: as Pebble and Boulder have it."""
    server = make_server({"ra": {"dns_persist": {"issuer_domain_names": ["ca.test"], "form": "draft-01"}}})
    account = Client(server)
    assert "accountHashPrefix" not in account.directory["meta"]
    url = account.order(["plain.test"]).json()["authorizations"][0]
    found = next(c for c in account.get(url).json()["challenges"] if c["type"] == "dns-persist-01")
    assert found == {"type": "dns-persist-01", "status": "pending", "url": found["url"],
                     "issuer-domain-names": ["ca.test"], "accounturi": account.kid}
    publish(names, "plain.test", f"ca.test; accounturi={account.kid}")
    issue(account, "plain.test")
    publish(names, "plainer.test", f"ca.test; accounturi={account.kid}x")
    assert attempt(account, "plainer.test")[0]["status"] == "invalid"
