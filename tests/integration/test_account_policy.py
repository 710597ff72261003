"""`signet account policy`: what an administrator holds one account to, beside the CA's own policy."""
import json

import pytest
from harness.acme import Client, check_problem
from harness.keys import Key, csr, identifier_type
from harness.server import Server


@pytest.fixture(scope="module")
def own(names, responder):
    server = Server(names, responder, config={"ca": {"profiles": {
        "default": {"lifetime": "90d"}, "short": {"lifetime": "6d"}, "long": {"lifetime": "300d"}}}})
    yield server
    server.close()


def account(server, *args, check=True):
    done = server.run("account", *args, "--json", "--dir", server.home, check=check)
    return json.loads(done.stdout) if check else done


def id_of(client):
    return client.kid.rsplit("/", 1)[1]


def hold(server, client, *args):
    return account(server, "policy", id_of(client), *args)["policy"]


def new_order(client, names, **more):
    return client.post(client.directory["newOrder"], dict(
        identifiers=[{"type": identifier_type(name), "value": name} for name in names], **more))


def refusals(reply):
    """{name: what was said of it}."""
    problem = check_problem(reply, "rejectedIdentifier", 400)
    assert all(sub["type"].endswith("rejectedIdentifier") for sub in problem["subproblems"])
    return {sub["identifier"]["value"]: sub["detail"] for sub in problem["subproblems"]}


def test_names_addresses_and_wildcards(own):
    """Each identifier that is refused is a subproblem with its rule; other accounts are as free as before."""
    client, other = Client(own), Client(own)
    assert new_order(client, ["a.test"]).status_code == 201
    policy = hold(own, client, "--name", "*.Mine.test", "--name", "127.0.8.0/28", "--deny", "bad.mine.test", "--no-wildcards")
    assert policy == {"names": ["*.mine.test", "127.0.8.0/28"], "deny": ["bad.mine.test"], "profiles": [],
                      "wildcards": False}
    where = f"policy of account {id_of(client)}"
    assert refusals(new_order(client, ["ok.mine.test", "a.test", "bad.mine.test", "*.sub.mine.test", "127.0.8.16"])) == {
        "a.test": f'"a.test" is not among the names that this account may have ({where}: --name)',
        "bad.mine.test": f'"bad.mine.test" is denied by the account\'s own policy ({where}: --deny "bad.mine.test")',
        "*.sub.mine.test": '"*.sub.mine.test" is a wildcard, which the account\'s own policy doesn\'t give '
                           f'({where}: --no-wildcards); order its names one by one',
        "127.0.8.16": '"127.0.8.16" is not among the addresses that this account may have '
                      f'({where}: --name has no block that holds it, such as "127.0.8.16/32")'}
    assert new_order(client, ["ok.mine.test", "127.0.8.15"]).status_code == 201
    assert new_order(other, ["a.test", "bad.mine.test", "127.0.8.16"]).status_code == 201
    reply = client.post(client.directory["newAuthz"], {"identifier": {"type": "dns", "value": "a.test"}})
    check_problem(reply, "rejectedIdentifier", 403, where)


def test_number_of_names(own):
    client = Client(own)
    assert hold(own, client, "--max-names", "2")["maxNames"] == 2
    check_problem(new_order(client, ["a.test", "b.test", "c.test"]), "rejectedIdentifier", 400,
                  f"allows 2 in one (policy of account {id_of(client)}: --max-names)")
    assert new_order(client, ["a.test", "b.test"]).status_code == 201


def test_profiles(own):
    client = Client(own)
    hold(own, client, "--profile", "short", "--profile", "long")
    assert new_order(client, ["a.test"]).json()["profile"] == "short"
    assert new_order(client, ["a.test"], profile="long").json()["profile"] == "long"
    check_problem(new_order(client, ["a.test"], profile="default"), "invalidProfile", 400,
                  f"(policy of account {id_of(client)}: --profile)")


def test_at_once_for_an_order_that_is_ready(own):
    """Between newOrder and finalize: the order stays ready, and can be finalized once the policy is gone."""
    client = Client(own)
    order, url = client.ready(["held.test", "free.test"])
    hold(own, client, "--deny", "held.test")
    request = csr(["held.test", "free.test"], Key())
    assert list(refusals(client.finalize(order, request))) == ["held.test"]
    assert client.get(url).json()["status"] == "ready"
    shown = account(own, "policy", id_of(client), "--remove")
    assert "policy" not in shown
    assert client.finalize(order, request).status_code == 200
    assert client.poll(url, ("valid", "invalid")).json()["status"] == "valid"


def test_replaced_shown_kept_and_removed(own):
    client = Client(own)
    assert "policy" not in account(own, "show", id_of(client))
    hold(own, client, "--name", "*.one.test", "--max-names", "5")
    hold(own, client, "--name", "*.two.test", "--deny", "x.two.test", "--profile", "short")     # nothing of the first is left
    policy = {"names": ["*.two.test"], "deny": ["x.two.test"], "profiles": ["short"], "wildcards": True}
    assert account(own, "show", id_of(client))["policy"] == policy
    text = own.run("account", "show", id_of(client), "--dir", own.home).stdout
    assert "policy: *.two.test; not x.two.test; profiles short\n" in text
    listed = [json.loads(line) for line in own.run("account", "list", "--json", "--dir", own.home).stdout.splitlines()]
    assert {row["id"]: row.get("policy") for row in listed}[id_of(client)] == policy
    line, = [line for line in own.run("account", "list", "--dir", own.home).stdout.splitlines() if id_of(client) in line]
    assert line.endswith("# policy: *.two.test; not x.two.test; profiles short")
    own.stop()
    own.start()
    client = Client(own, client.key)
    assert account(own, "show", id_of(client))["policy"] == policy
    assert new_order(client, [f"{i}.two.test" for i in range(6)]).status_code == 201
    assert list(refusals(new_order(client, ["a.one.test"]))) == ["a.one.test"]
    account(own, "policy", id_of(client), "--remove")
    assert new_order(client, ["a.one.test"]).status_code == 201
    assert "policy" not in account(own, "show", id_of(client))
    done = account(own, "policy", id_of(client), "--remove", check=False)
    assert done.returncode == 1 and "has no policy of its own" in done.stderr


def test_it_only_takes_away(own, make_server):
    """What the CA's own policy denies no account's policy gives."""
    server = make_server({"ra": {"policy": {"deny": ["never.test"], "names": 3}}})
    client = Client(server)
    hold(server, client, "--name", "never.test", "--max-names", "50")
    assert "ra.policy.deny" in refusals(new_order(client, ["never.test"]))["never.test"]
    check_problem(new_order(client, ["a.test", "b.test", "c.test", "d.test"]), "rejectedIdentifier", 400, "ra.policy.names")


def test_with_an_external_key(own):
    """Both layers hold: of names what both give, of profiles the first of the account's that the key has."""
    from test_protocol_external_account import create, member
    client = member(own, create(own, "--name", "*.key.test", "--profile", "short", "--profile", "long"))
    hold(own, client, "--name", "a.key.test", "--name", "b.test", "--profile", "default", "--profile", "long")
    assert new_order(client, ["a.key.test"]).json()["profile"] == "long"
    said = refusals(new_order(client, ["b.test", "b.key.test"]))
    assert "external key" in said["b.test"] and "policy of account" in said["b.key.test"]


def test_external_key_with_every_rule(own):
    from test_protocol_external_account import create, listed, member
    key = create(own, "--name", "*.key.test", "--deny", "x.key.test", "--no-wildcards", "--max-names", "2")
    assert (key["deny"], key["wildcards"], key["maxNames"]) == (["x.key.test"], False, 2) == (
        listed(own, key)["deny"], listed(own, key)["wildcards"], listed(own, key)["maxNames"])
    client = member(own, key)
    where = f"external key {key['kid']}"
    said = refusals(new_order(client, ["x.key.test", "*.y.key.test"]))
    assert f'({where}: --deny "x.key.test")' in said["x.key.test"]
    assert f"({where}: --no-wildcards)" in said["*.y.key.test"]
    check_problem(new_order(client, [f"{i}.key.test" for i in range(3)]), "rejectedIdentifier", 400, f"({where}: --max-names)")
    text = own.run("eab", "list", "--dir", own.home).stdout
    assert "*.key.test; not x.key.test; no wildcards; at most 2 names" in text


@pytest.mark.parametrize("args, code, words", [
    ([], 1, "say what the account is held to"),
    (["--remove", "--name", "a.test"], 1, "or --remove alone"),
    (["--name", "*a.test"], 1, '"name": "*a.test"'),
    (["--deny", "10.0.0.1"], 1, '"deny": "10.0.0.1'),
    (["--profile", "none"], 1, 'there is no profile "none"'),
    (["--max-names", "0"], 2, "a whole number from 1 on"),
    (["--name", ""], 1, '"name" has to be'),
], ids=str)
def test_wrong_commands(own, args, code, words):
    client = Client(own)
    done = own.run("account", "policy", id_of(client), *args, "--dir", own.home, check=False)
    assert done.returncode == code and words in done.stderr, done.stderr
    assert "policy" not in account(own, "show", id_of(client))      # half a command changes nothing


def test_no_such_account(own):
    done = account(own, "policy", "A" * 22, "--max-names", "1", check=False)
    assert done.returncode == 1 and "there is no account" in done.stderr
