"""What stands against forged answers on the wire, and what a question asks for: RFC 5452, RFC 6891."""
import pytest
from dnslib import QTYPE, DNSRecord
from harness.acme import URN, Client
from harness.names import Names
from harness.responder import Responder


@pytest.fixture
def resolver():
    made = Names()
    yield made
    made.close()


@pytest.fixture
def account(make_server, resolver):
    return Client(make_server({"va": {"resolvers": [resolver.address], "caa": "off", "retries": 0}}))


def test_rfc5452_9_what_a_forger_has_to_guess(account, resolver):
    """Ids by chance, letters in any case (0x20), and a source port that is not kept."""
    wanted = sorted(f"a-long-name-with-letters-{i}.guess.test" for i in range(40))
    for name in wanted:
        resolver.set(name, a=["127.0.0.1"], delay=1.2)      # all are under way at once
    urls = account.order(wanted).json()["authorizations"]
    for challenge in [account.challenge(url)["url"] for url in urls]:
        account.post(challenge, {})
    assert {account.poll(url, ("valid", "invalid")).json()["status"] for url in urls} == {"valid"}
    questions = [(DNSRecord.parse(data), port) for data, port in resolver.heard]
    assert len(questions) >= 80
    ids = [question.header.id for question, _ in questions]
    assert len(set(ids)) > len(ids) * 0.95 and max(ids) - min(ids) > 30000
    assert sum(b - a == 1 for a, b in zip(ids, ids[1:])) < 5
    ports = [port for _, port in questions]
    assert max(ports.count(port) for port in set(ports)) <= 16 and len(set(ports)) >= 5
    for question, _ in questions:
        letters = [c for c in str(question.q.qname) if c.isalpha()]
        upper = sum(c.isupper() for c in letters)
        assert 1 <= upper < len(letters), question.q.qname               # by chance: one in 10 million is not
    assert len({str(question.q.qname) for question, _ in questions}) > 75


def test_rfc6891_6_2_edns(account, resolver):
    """Each question has one OPT record: version 0, and a size that fits into every path (DNS Flag Day 2020)."""
    assert account.issue(["edns.test"]).names == ["edns.test"]
    for data, _ in resolver.heard:
        (opt,) = DNSRecord.parse(data).ar
        assert opt.rtype == QTYPE.OPT and opt.rclass == 1232 and opt.ttl & 0x00ff0000 == 0
        assert DNSRecord.parse(data).header.ad == 1                      # RFC 6840, 5.7: it may say AD


def test_rfc6891_7_who_does_not_know_edns(account, resolver):
    resolver.set("old.test", a=["127.0.0.1"], edns=False)
    assert account.issue(["old.test"]).names == ["old.test"]
    assert {len(DNSRecord.parse(data).ar) for data, _ in resolver.heard} == {0, 1}


@pytest.mark.parametrize("what", [{"lower": True}, {"truncate": True}, {"forged": "127.0.0.9"}], ids=lambda what: next(iter(what)))
def test_rfc7766_a_resolver_without_tcp_is_told_as_such(account, resolver, what):
    """It does answer, by UDP: "could not be reached" would send people to the wrong place."""
    resolver._tcp.shutdown()
    resolver._tcp.server_close()
    resolver.set("no-tcp.test", a=["127.0.0.1"], **what)
    authorization = account.order(["no-tcp.test"]).json()["authorizations"][0]
    account.post(account.challenge(authorization)["url"], {})
    error = account.poll(authorization, ("valid", "invalid")).json()["challenges"][0]["error"]
    assert error["type"] == URN + "dns"
    assert f"resolver {resolver.address} answered by UDP what was cut off or may be forged, and could not be asked by TCP: let it " \
        "answer the CA by TCP too" in error["detail"], error
    resolver.set("by-udp.test", a=["127.0.0.1"])
    account.issue(["by-udp.test"])


@pytest.mark.parametrize("kind", ["http-01", "tls-alpn-01"])
def test_rfc5452_9_guesses_end_in_tcp(account, resolver, kind):
    """Answers to nothing that was asked: the question goes on where nobody can guess (RFC 5452, 10)."""
    thief = Responder(account.server.responder.port, hosts=["127.0.0.9"])
    try:
        resolver.set("guessed.test", a=["127.0.0.1"], forged="127.0.0.9", delay=0.2)
        assert account.issue(["guessed.test"], kind=kind).names == ["guessed.test"]
        assert thief.asked == []
        assert ("guessed.test", "A", "tcp") in resolver.asked
    finally:
        thief.close()
