"""External account binding (RFC 8555, 7.3.4), and `signet eab`."""
import concurrent.futures
import hashlib
import hmac
import json

import pytest
from harness.acme import Client, check_problem
from harness.keys import Key, b64, unb64
from harness.server import Server

HASHES = {"HS256": hashlib.sha256, "HS384": hashlib.sha384, "HS512": hashlib.sha512}


@pytest.fixture(scope="module")
def strict(names, responder):
    """A server that asks for a binding, and has two profiles."""
    server = Server(names, responder, config={
        "ra": {"external_account_required": True},
        "ca": {"profiles": {"default": {"lifetime": "90d"}, "short": {"lifetime": "6d"}, "long": {"lifetime": "300d"}}}})
    yield server
    log = server.log()
    server.close()
    for key in made:
        assert key["hmacKey"] not in log and key["hmacKey"][:20] not in log


made = []       # each key that a test had made; none of them may be in the log


def create(server, *args):
    made.append(json.loads(server.run("eab", "create", *args, "--json", "--dir", server.home).stdout))
    return made[-1]


def listed(server, key):
    rows = [json.loads(line) for line in
            server.run("eab", "list", "--json", "--dir", server.home).stdout.splitlines()]
    return next(row for row in rows if row["kid"] == key["kid"])


def bind(client, key, alg="HS256", payload=None, mac_key=None, signature=None, **header):
    """The binding as a JWS. header: members of the protected header instead of the right ones, None takes one out."""
    head = {"alg": alg, "kid": key["kid"], "url": client.directory["newAccount"], **header}
    head = {name: value for name, value in head.items() if value is not None}
    protected, body = b64(json.dumps(head)), b64(json.dumps(client.key.jwk if payload is None else payload))
    mac = hmac.new(unb64(key["hmacKey"]) if mac_key is None else mac_key, f"{protected}.{body}".encode(),
                   HASHES.get(alg, hashlib.sha256)).digest()
    return {"protected": protected, "payload": body, "signature": signature or b64(mac)}


def register(server, key, alg="HS256", account_key=None, **bends):
    client = Client(server, account_key, register=False)
    return client, client.register(externalAccountBinding=bind(client, key, alg, **bends))


def member(server, key):
    client, reply = register(server, key)
    assert reply.status_code == 201, reply.text
    return client


def new_order(client, names, **more):
    return client.post(client.directory["newOrder"],
                       {"identifiers": [{"type": "dns", "value": name} for name in names], **more})


# --- good ones ---------------------------------------------------------------------------------------

@pytest.mark.parametrize("alg", HASHES)
def test_rfc8555_7_3_4_bound_account(strict, alg):
    """Each algorithm; the object shows the binding as it was sent, also later, and the account works."""
    client = Client(strict, register=False)
    binding = bind(client, create(strict), alg)
    reply = client.register(externalAccountBinding=binding)
    assert reply.status_code == 201 and reply.json()["externalAccountBinding"] == binding
    assert client.post(client.kid, {}).json()["externalAccountBinding"] == binding
    assert client.issue([f"{alg.lower()}.bound.test"]).names == [f"{alg.lower()}.bound.test"]


@pytest.mark.parametrize("kind", ["P-384", "RSA", "Ed25519"])
def test_rfc8555_7_3_4_other_account_keys(strict, kind):
    assert register(strict, create(strict), account_key=Key(kind))[1].status_code == 201


def test_rfc8555_7_3_4_directory_says_so(strict, server):
    assert Client(strict, register=False).directory["meta"]["externalAccountRequired"] is True
    assert "externalAccountRequired" not in Client(server, register=False).directory.get("meta", {})


def test_rfc8555_7_3_4_required(strict):
    client = Client(strict, register=False)
    check_problem(client.register(), "externalAccountRequired", 403, "eab-kid")


def test_rfc8555_7_3_4_optional(server):
    """Taken where it isn't asked for, verified all the same, and absent from accounts without one."""
    assert "externalAccountBinding" not in Client(server).register().json()
    key = create(server)
    assert register(server, key)[1].status_code == 201
    check_problem(register(server, key, mac_key=b"x" * 64)[1], "unauthorized", 403, "does not verify")


def test_rfc8555_7_3_1_known_key_needs_no_binding(strict):
    """Its fields are ignored: a bad binding too; no use is counted."""
    key = create(strict, "--uses", 1)
    client = member(strict, key)
    assert client.register().status_code == 200
    assert client.register(externalAccountBinding={"protected": ""}).status_code == 200
    assert client.register(onlyReturnExisting=True).status_code == 200
    assert listed(strict, key)["used"] == 1


# --- each rule, broken alone -----------------------------------------------------------------------

OTHER = Key().jwk


@pytest.mark.parametrize("bends, kind, status, words", [
    ({"alg": "ES256"}, "malformed", 400, '"ES256" is no MAC'),
    ({"alg": "none"}, "malformed", 400, '"none" is no MAC'),
    ({"nonce": "AAAA"}, "malformed", 400, 'has a "nonce"'),
    ({"kid": None}, "malformed", 400, 'neither "jwk" nor "kid"'),
    ({"jwk": OTHER, "kid": None}, "malformed", 400, '"jwk" instead of "kid"'),
    ({"url": None}, "malformed", 400, 'no "url"'),
    ({"url": "https://localhost/new-account"}, "malformed", 400, "must be the outer one's"),
    ({"payload": OTHER}, "malformed", 400, "another key than the outer JWS's"),
    ({"payload": {}}, "malformed", 400, "no public key"),
    ({"crit": ["b64"]}, "malformed", 400, '"crit"'),
    ({"kid": "AAAAAAAAAAAAAAAAAAAAAA"}, "unauthorized", 403, "none that this CA gave out"),
    ({"kid": "nonsense"}, "unauthorized", 403, "none that this CA gave out"),
    ({"mac_key": b"k" * 64}, "unauthorized", 403, "does not verify"),
    ({"signature": "AAAA"}, "unauthorized", 403, "3 octets instead of 32"),
], ids=lambda value: next(iter(value)) if isinstance(value, dict) else None)
def test_rfc8555_7_3_4_hostile(strict, bends, kind, status, words):
    key = create(strict)
    client, reply = register(strict, key, **bends)
    check_problem(reply, kind, status, words)
    assert "externalAccountBinding" in reply.json()["detail"]
    assert listed(strict, key)["used"] == 0
    check_problem(client.register(onlyReturnExisting=True), "accountDoesNotExist", 400)      # nothing was made


@pytest.mark.parametrize("binding", [7, "x", [], {}, {"protected": "e30", "payload": "e30"}],
                         ids=["number", "text", "array", "empty", "half"])
def test_rfc8555_7_3_4_no_jws(strict, binding):
    check_problem(Client(strict, register=False).register(externalAccountBinding=binding), "malformed", 400,
                  "externalAccountBinding")


def test_rfc8555_7_3_4_anothers_binding(strict):
    """A binding that was seen on the wire serves no other account key."""
    key = create(strict)
    victim, thief = Client(strict, register=False), Client(strict, register=False)
    check_problem(thief.register(externalAccountBinding=bind(victim, key)), "malformed", 400, "another key")


# --- what bounds a key -------------------------------------------------------------------------------

def test_uses(strict):
    key = create(strict, "--uses", 2)
    for _ in range(2):
        assert register(strict, key)[1].status_code == 201
    check_problem(register(strict, key)[1], "unauthorized", 403, "as many accounts as it may")
    assert listed(strict, key)["state"] == "used"


def test_uses_at_once(strict):
    """Twenty clients at the same moment: exactly three get in."""
    key = create(strict, "--uses", 3)
    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        codes = list(pool.map(lambda _: register(strict, key)[1].status_code, range(20)))
    assert sorted(codes) == [201] * 3 + [403] * 17
    assert listed(strict, key)["used"] == 3


def test_expiry(strict):
    key = create(strict, "--expires", "1s")
    strict.run("eab", "list", "--dir", strict.home)
    while listed(strict, key)["state"] != "expired":
        pass
    check_problem(register(strict, key)[1], "unauthorized", 403, "has expired")


def test_revoked(strict):
    """It makes no more accounts; those it made go on, and are held to its names still."""
    key = create(strict, "--name", "*.kept.test")
    client = member(strict, key)
    strict.run("eab", "revoke", key["kid"], "--dir", strict.home)
    check_problem(register(strict, key)[1], "unauthorized", 403, "was revoked")
    assert client.issue(["a.kept.test"]).names == ["a.kept.test"]
    check_problem(new_order(client, ["a.lost.test"]), "rejectedIdentifier", 400, "a.lost.test")


def test_revoked_with_its_accounts(strict):
    key = create(strict)
    clients = [member(strict, key) for _ in range(25)]      # more than go in one step
    strict.run("eab", "revoke", key["kid"], "--accounts", "--dir", strict.home)
    for client in clients:
        check_problem(client.post(client.kid, {}), "unauthorized", 401)
    done = strict.run("eab", "revoke", key["kid"], "--dir", strict.home, check=False)
    assert done.returncode == 1 and "is revoked already" in done.stderr


def test_names(strict):
    """The key's names bound what the CA's policy allows: each refusal names the identifier."""
    key = create(strict, "--name", "nas.test", "--name", "*.home.test", "--name", "127.0.8.0/25")
    client = member(strict, key)
    assert client.issue(["nas.test", "a.home.test"]).names == ["a.home.test", "nas.test"]
    reply = new_order(client, ["nas.test", "other.test", "home.test"])
    check_problem(reply, "rejectedIdentifier", 400)
    assert sorted(sub["identifier"]["value"] for sub in reply.json()["subproblems"]) == ["home.test", "other.test"]
    assert all(key["kid"] in sub["detail"] for sub in reply.json()["subproblems"])
    assert client.order(["127.0.8.5"]).status_code == 201
    reply = client.post(client.directory["newOrder"], {"identifiers": [{"type": "ip", "value": "127.0.8.200"}]})
    check_problem(reply, "rejectedIdentifier", 400)


def test_names_for_new_authz(strict):
    client = member(strict, create(strict, "--name", "nas.test"))

    def new_authz(name):
        return client.post(client.directory["newAuthz"], {"identifier": {"type": "dns", "value": name}})

    assert new_authz("nas.test").status_code == 201
    check_problem(new_authz("other.test"), "rejectedIdentifier", 403, "external key")


def test_names_after_a_change_of_key(strict):
    """RFC 8555, 7.3.5: another key, the same bounds."""
    client = member(strict, create(strict, "--name", "rolled.test"))
    new = Key()
    inner = client.jws(client.directory["keyChange"], {"account": client.kid, "oldKey": client.key.jwk}, key=new,
                       use_jwk=True, nonce=None)
    assert client.post(client.directory["keyChange"], inner).status_code == 200
    client.key = new
    check_problem(new_order(client, ["other.test"]), "rejectedIdentifier", 400)
    assert new_order(client, ["rolled.test"]).status_code == 201


def test_profiles(strict):
    """The first is the default; others than the key's are refused."""
    client = member(strict, create(strict, "--profile", "short", "--profile", "long"))
    assert new_order(client, ["p.test"]).json()["profile"] == "short"
    assert new_order(client, ["p.test"], profile="long").json()["profile"] == "long"
    check_problem(new_order(client, ["p.test"], profile="default"), "invalidProfile", 400, "external key")
    free = member(strict, create(strict))
    assert new_order(free, ["p.test"]).json()["profile"] == "default"


# --- the command -----------------------------------------------------------------------------------

def test_create_shows_what_to_paste(strict):
    text = strict.run("eab", "create", "--comment", "for the printer", "--dir", strict.home).stdout
    kid, key = [line.split()[-1] for line in text.splitlines()[:2]]
    made.append({"hmacKey": key})
    for flag in (f"--server {strict.directory_url}", f"--eab-kid {kid}", f"--eab-hmac-key {key}", f"--kid {kid}",
                 f"--hmac {key}", f"key_id {kid}", f"mac_key {key}"):
        assert flag in text, flag
    assert len(unb64(key)) == 64
    client, reply = register(strict, {"kid": kid, "hmacKey": key})
    assert reply.status_code == 201
    shown = json.loads(strict.run("account", "show", client.kid.rsplit("/", 1)[1], "--json", "--dir",
                                  strict.home).stdout)
    assert shown["externalKey"] == kid
    everything = strict.run("eab", "list", "--dir", strict.home).stdout
    assert "for the printer" in everything and key not in everything


@pytest.mark.parametrize("args, words", [
    (["create", "--name", "a b"], "name"),
    (["create", "--name", "*.*.lan"], "name"),
    (["create", "--profile", "none"], 'no profile "none"'),
    (["create", "--expires", "2020-01-01T00:00:00Z"], "in the past"),
    (["revoke", "AAAAAAAAAAAAAAAAAAAAAA"], "there is no key"),
    (["revoke", "short"], "an id of 22 characters"),
])
def test_wrong_commands(strict, args, words):
    done = strict.run("eab", *args, "--dir", strict.home, check=False)
    assert done.returncode == 1 and words in done.stderr, done.stderr


def test_states(strict):
    key = create(strict, "--uses", 1, "--comment", "once", "--expires", "30d")
    row = listed(strict, key)
    assert (row["state"], row["used"], row["uses"], row["comment"]) == ("valid", 0, 1, "once")
    assert "hmacKey" not in row
    assert key["kid"] in strict.run("eab", "list", "--state", "valid", "--dir", strict.home).stdout
    assert key["kid"] not in strict.run("eab", "list", "--state", "revoked", "--dir", strict.home).stdout
