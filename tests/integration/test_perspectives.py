"""Several perspectives on one machine: each with resolvers or a source address of its own."""
import pytest
from harness.acme import URN, Client
from harness.names import Names


@pytest.fixture
def second_names():
    made = Names()
    yield made
    made.close()


@pytest.fixture
def third_names():
    made = Names()
    yield made
    made.close()


def va(*perspectives, **more):
    return {"va": dict(more, perspectives=list(perspectives))}


def begun(account, name, kind="http-01"):
    """The final authorization."""
    url = account.order([name]).json()["authorizations"][0]
    account.post(account.challenge(url, kind)["url"], {})
    return account.poll(url, ("valid", "invalid")).json()


def test_all_perspectives_agree(make_server, second_names, responder):
    """Each asks its own resolvers and connects from its own source, and ca counts: within the sandbox."""
    server = make_server(va({"name": "fra", "resolvers": [second_names.address]},
                            {"name": "nyc", "region": "us", "source": "127.0.0.5"}, quorum={"failures": 0}),
                         env={"SIGNET_SANDBOX_TRACE": "1"})
    account = Client(server)
    assert account.issue(["seen.test", "also.test"]).names == ["also.test", "seen.test"]
    assert ("seen.test", "A", "udp") in second_names.asked
    assert {address for host, _, address in responder.asked if host == "seen.test"} >= {"127.0.0.1", "127.0.0.5"}
    done = begun(account, "tls.test", "tls-alpn-01")
    assert done["status"] == "valid", done
    assert responder.tls.seen.count("tls.test") == 3
    server.wait_log(r"validation decided .*identifier=seen.test .*primary=agreed agreed=\"?fra and nyc")


def test_a_hijacked_answer_is_outvoted(make_server, second_names, responder):
    """One resolver is lied to: the attacker's host answers as it likes, the true one doesn't know the challenge."""
    server = make_server(va({"name": "fra", "resolvers": [second_names.address]}))
    account = Client(server)
    second_names.set("bank.test", a=["127.0.0.9"])          # where nobody listens
    done = begun(account, "bank.test")
    assert done["status"] == "invalid"
    error = done["challenges"][0]["error"]
    assert error["type"] == URN + "connection"
    assert error["detail"].startswith("the CA's other perspective does not see it as it should be")
    assert f": from fra: 127.0.0.9 port {responder.port} (bank.test) refused the connection" in error["detail"], error


def test_the_primary_alone_fails(make_server, second_names, names):
    server = make_server(va({"name": "fra", "resolvers": [second_names.address]}, retries=0))
    names.set("split.views.test", a=["127.0.0.9"])
    second_names.set("split.views.test", a=["127.0.0.1"], delay=0.3)
    error = begun(Client(server), "split.views.test")["challenges"][0]["error"]
    assert "refused the connection" in error["detail"], error
    server.wait_log(r"warning va late vote perspective=fra identifier=split.views.test outcome=agreed")


def test_one_of_two_may_fail_and_it_shows(make_server, second_names, third_names):
    server = make_server(va({"name": "fra", "resolvers": [second_names.address]},
                            {"name": "nyc", "resolvers": [third_names.address]}))
    account = Client(server)
    third_names.set("odd.test", rcode="SERVFAIL")
    assert account.issue(["odd.test"]).names == ["odd.test"]
    server.wait_log(r"vote .*perspective=nyc .*outcome=failed problem=dns .*SERVFAIL")


@pytest.mark.long
def test_a_slow_perspective_delays_nothing(make_server, second_names, third_names):
    server = make_server(va({"name": "fra", "resolvers": [second_names.address]},
                            {"name": "slow", "resolvers": [third_names.address]}))
    account = Client(server)
    third_names.set("quick.test", silent=True)
    done = begun(account, "quick.test")
    assert done["status"] == "valid"
    decided = server.wait_log(r"validation decided .*identifier=quick.test .*agreed=fra failed=\S* open=slow")
    assert decided
    late = server.wait_log(r"late vote .*perspective=slow .*outcome=failed .*ms=(\d+)", timeout=15)
    assert int(late.group(1)) >= 5000                       # its whole time, and nobody waited


def test_caa_is_looked_at_by_all(make_server, second_names):
    """RFC 8659: one perspective sees that another CA was chosen."""
    server = make_server({"ra": {"caa_identities": ["ca.test"]},
                          **va({"name": "fra", "resolvers": [second_names.address]}, caa="enforce")})
    account = Client(server)
    second_names.set("caa.test", a=["127.0.0.1"], caa=[(0, "issue", "other.test")])
    error = begun(account, "caa.test")["challenges"][0]["error"]
    assert error["type"] == URN + "caa" and "from fra: the CAA records at caa.test" in error["detail"], error
    second_names.set("caa.test", a=["127.0.0.1"], caa=[(0, "issue", "ca.test")])
    assert account.issue(["caa.test"]).names == ["caa.test"]


def test_a_hundred_names_by_nine_perspectives(make_server, second_names):
    """ISSUE in parts: more than one packet holds. All are co-located here; a signature takes 32 bytes more."""
    server = make_server(va(*({"name": f"perspective-{i}", "region": f"region-{i}", "resolvers": [second_names.address]}
                              for i in range(8)), quorum={"failures": 0}, timeout="60s"))
    account = Client(server)
    wanted = sorted(f"{'long-label-' * 5}{i:03}.{'b' * 60}.{'c' * 60}.{'d' * 50}.test" for i in range(100))
    assert account.issue(wanted).names == wanted
