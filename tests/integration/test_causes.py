"""What the operator is told: signet authz show, signet try, and the client's error beside them."""
import json
import re

import pytest
from harness.acme import Client
from harness.names import Names
from harness.perspective import Perspective, join


@pytest.fixture
def second_names():
    made = Names()
    yield made
    made.close()


def show(server, url):
    done = server.run("authz", "show", url.rsplit("/", 1)[1], "--dir", server.home, "--json")
    return json.loads(done.stdout)


def attempt(server, *args):
    """Exit code, and what each perspective says."""
    done = server.run("try", *args, "--dir", server.home, "--json", check=False)
    return done.returncode, {row["perspective"]: row for row in map(json.loads, done.stdout.splitlines())}


def begun(account, name, kind="http-01"):
    url = account.order([name]).json()["authorizations"][0]
    account.post(account.challenge(url, kind)["url"], {})
    return url, account.poll(url, ("valid", "invalid")).json()


@pytest.fixture
def seen_twice(make_server, second_names):
    return make_server({"va": {"perspectives": [
        {"name": "fra", "region": "eu", "resolvers": [second_names.address]}]}})


def test_a_failure_from_each_perspective(seen_twice, second_names, responder):
    """Resolver asked, answers, address tried, port, what came of it, and a hint: for each."""
    server = seen_twice
    second_names.set("split.test", a=["127.0.0.9"])
    url, done = begun(Client(server), "split.test")
    error = done["challenges"][0]["error"]
    row = show(server, url)
    assert row["status"] == "invalid" and row["identifier"] == "split.test" and row["challenge"] == "http-01"
    assert row["error"]["detail"] == error["detail"] and row["statements"] == []
    votes = {vote["perspective"]: vote for vote in row["votes"]}
    assert votes["fra"]["outcome"] == "failed" and votes["fra"]["problem"] == "connection", votes
    assert votes["fra"]["detail"] == f"127.0.0.9 port {responder.port} (split.test) refused the connection: is the " \
        "client's http-01 responder running, and reachable from the CA on that port?"
    hop = votes["fra"]["record"][0]
    assert hop["resolverAddrs"] == [second_names.address] and hop["addressesResolved"] == ["127.0.0.9"], hop
    assert hop["addressUsed"] == "127.0.0.9" and hop["port"] == str(responder.port), hop
    text = server.run("authz", "show", url.rsplit("/", 1)[1], "--dir", server.home).stdout
    assert re.search(r"^fra +failed +connection +\d+ ms  127\.0\.0\.9 port.*\n  http://split\.test:.*, asked of "
                     f"{re.escape(second_names.address)}, resolved to 127\\.0\\.0\\.9, tried 127\\.0\\.0\\.9 port "
                     f"{responder.port}$", text, re.M), text


def test_one_that_had_not_answered_yet(seen_twice, names, second_names):
    server = seen_twice
    names.set("late.causes.test", rcode="SERVFAIL")
    second_names.set("late.causes.test", delay=2, a=["127.0.0.1"])
    url, _ = begun(Client(server), "late.causes.test")
    assert {vote["perspective"]: vote["outcome"] for vote in show(server, url)["votes"]} == {"primary": "failed", "fra": "open"}
    text = server.run("authz", "show", url.rsplit("/", 1)[1], "--dir", server.home).stdout
    assert re.search(r"^fra +open + - +had not answered when it was decided$", text, re.M), text


def test_a_success_names_its_statements(seen_twice):
    url, done = begun(Client(seen_twice), "good.test")
    assert done["status"] == "valid"
    row = show(seen_twice, url)
    assert row["status"] == "valid" and row["statements"] == ["primary", "fra"] and row["validated"], row
    assert [vote["outcome"] for vote in row["votes"]] == ["agreed", "agreed"], row


def test_with_one_perspective_nothing_is_kept_twice(server, client, responder):
    responder.by_host["unready.causes.test"] = {"status": 503, "body": "secret"}
    url, done = begun(client, "unready.causes.test")
    assert done["status"] == "invalid"
    row = show(server, url)
    assert "answered status 503" in row["error"]["detail"] and "votes" not in row
    assert row["record"][0]["addressUsed"] == "127.0.0.1" and "secret" not in json.dumps(row)


def test_there_is_no_such_authorization(server):
    done = server.run("authz", "show", "A" * 22, "--dir", server.home, check=False)
    assert done.returncode == 1 and "there is no authorization" in done.stderr


@pytest.mark.parametrize("kind,seen", [("http-01", "answered status 404"), ("tls-alpn-01", "the certificate's SAN"),
                                       ("dns-01", "no TXT record found")])
def test_try_reaches(seen_twice, kind, seen):
    """Before a client has done anything: whether each perspective gets there, and whether CAA lets us."""
    code, rows = attempt(seen_twice, "fine.test", "--challenge", kind)
    assert code == 0 and set(rows) == {"primary", "fra"}, rows
    for row in rows.values():
        assert row["reached"] and seen in row["detail"] and "no CAA records stand against it" in row["detail"], row
    assert seen_twice.run("authz", "show", "A" * 22, "--dir", seen_twice.home, check=False).returncode == 1


def test_try_tells_who_does_not_get_there(seen_twice, second_names, names, responder):
    second_names.set("half.test", a=["127.0.0.9"])
    code, rows = attempt(seen_twice, "half.test")
    assert code == 1 and rows["primary"]["reached"] and not rows["fra"]["reached"], rows
    assert f"127.0.0.9 port {responder.port} (half.test) refused" in rows["fra"]["detail"]
    names.set("gone.causes.test", rcode="SERVFAIL")
    code, rows = attempt(seen_twice, "gone.causes.test")
    assert code == 1 and rows["primary"]["problem"] == "dns" and "SERVFAIL" in rows["primary"]["detail"], rows


def test_try_tells_the_rule_that_wants_more(make_server, names, second_names):
    """Enough of them get there, and all in one region: only the rule explains why that isn't enough."""
    server = make_server({"va": {"quorum": {"failures": 1, "regions": 2}, "perspectives": [
        {"name": "fra", "region": "eu", "resolvers": [names.address]}, {"name": "ams", "region": "eu", "resolvers": [names.address]},
        {"name": "nyc", "region": "us", "resolvers": [second_names.address]}]}})
    second_names.set("one-region.test", rcode="SERVFAIL")
    done = server.run("try", "one-region.test", "--dir", server.home, check=False)
    assert done.returncode == 1 and len(re.findall("^(primary|fra|ams) +reached ", done.stdout, re.M)) == 3, done
    assert done.stderr == ("one-region.test could not be validated now: not enough of the CA's 3 other perspectives get "
                           "there (1 may fail, and those that agree must lie in 2 regions)\n")
    _, told = begun(Client(server), "one-region.test")
    assert "must lie in 2 regions)" in told["challenges"][0]["error"]["detail"], told
    assert ": from nyc: no A or AAAA record found for one-region.test: " in told["challenges"][0]["error"]["detail"], told


def test_try_looks_at_caa(make_server, names):
    server = make_server({"ra": {"caa_identities": ["ca.test"]}, "va": {"caa": "enforce"}})
    names.set("other.try.test", a=["127.0.0.1"], caa=[(0, "issue", "other.test")])
    code, rows = attempt(server, "other.try.test")
    assert code == 1 and rows["primary"]["problem"] == "caa", rows
    names.set("ours.try.test", a=["127.0.0.1"], caa=[(0, "issue", "ca.test")])
    code, rows = attempt(server, "ours.try.test")
    assert code == 0 and "CAA records let this CA issue" in rows["primary"]["detail"], rows


def test_try_by_a_redirect_that_leads_nowhere(server, responder):
    """What the first hop answers is not the end of the way."""
    responder.by_host["hop.causes.test"] = {"status": 302, "headers": {"Location": f"http://127-0-0-9.nowhere:{responder.port}/"}}
    code, rows = attempt(server, "hop.causes.test")
    assert code == 1 and rows["primary"]["problem"] == "dns", rows


@pytest.mark.parametrize("args,word", [(["*.fine.test", "--challenge", "http-01"], "can't prove"), (["not a name"], "not a name"),
                                       (["10.0.0.1", "--challenge", "dns-01"], "can't prove")])
def test_try_refuses_what_makes_no_sense(server, args, word):
    done = server.run("try", *args, "--dir", server.home, check=False)
    assert done.returncode == 1 and word in done.stderr, done


def test_try_crosses_to_another_machine(make_server, second_names):
    server = make_server(start=False)
    fra = Perspective(server, "fra", {"va": {"resolvers": [second_names.address]}})
    join(server, fra)
    fra.start()
    try:
        server.start()
        server.wait_log("a perspective is up perspective=fra")
        code, rows = attempt(server, "far.test")
        assert code == 0 and rows["fra"]["reached"] and "answered status 404" in rows["fra"]["detail"], rows
        fra.stop()
        server.wait_log("a perspective is down perspective=fra")
        code, rows = attempt(server, "far.test")
        assert code == 1 and rows["fra"]["detail"].startswith("this perspective can't be reached at the moment: "), rows
        assert "the peer closed the connection" in rows["fra"]["detail"] or "refused" in rows["fra"]["detail"], rows
    finally:
        fra.stop()
