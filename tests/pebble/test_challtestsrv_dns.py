"""pebble-challtestsrv: DNS, and the management calls that set it."""
import socket

import pytest
from dnslib import QTYPE, DNSQuestion, DNSRecord

LONG = "x" * 300


@pytest.mark.parametrize("tcp", (False, True))
def test_defaults(srv_both, tcp):
    assert srv_both.answers("default.test", "A", tcp) == [("default.test.", "A", "127.0.0.1")]
    assert srv_both.answers("default.test", "AAAA", tcp) == [("default.test.", "AAAA", "::1")]
    for kind in ("TXT", "CAA", "CNAME"):
        assert srv_both.answers("default.test", kind, tcp) == []


def test_defaults_set_and_cleared(start_both):
    srv = start_both(more=["-defaultIPv4", "192.0.2.1", "-defaultIPv6", ""])
    assert srv.answers("a.test", "A") == [("a.test.", "A", "192.0.2.1")]
    assert srv.answers("a.test", "AAAA") == []
    srv.tell("/set-default-ipv4", ip="192.0.2.2")
    srv.tell("/set-default-ipv6", ip="2001:db8::7")
    assert srv.answers("a.test", "A") == [("a.test.", "A", "192.0.2.2")]
    assert srv.answers("a.test", "AAAA") == [("a.test.", "AAAA", "2001:db8::7")]
    srv.tell("/set-default-ipv4", ip="")
    srv.tell("/set-default-ipv6")
    assert srv.answers("a.test", "A") == srv.answers("a.test", "AAAA") == []


def test_addresses(srv_both):
    srv_both.tell("/add-a", host="addr.test", addresses=["192.0.2.1", "192.0.2.2", "2001:db8::1"])
    srv_both.tell("/add-a", host="addr.test.", addresses=["192.0.2.3"])
    srv_both.tell("/add-aaaa", host="addr.test", addresses=["2001:db8::1", "192.0.2.9", "::ffff:192.0.2.1"])
    assert srv_both.answers("addr.test", "A") == [("addr.test.", "A", f"192.0.2.{i}") for i in (1, 2, 3)]
    assert srv_both.answers("addr.test", "AAAA") == [("addr.test.", "AAAA", "2001:db8::1")]
    srv_both.tell("/clear-a", host="addr.test.")
    srv_both.tell("/clear-aaaa", host="addr.test")
    assert srv_both.answers("addr.test", "A") == [("addr.test.", "A", "127.0.0.1")]
    assert srv_both.answers("addr.test", "AAAA") == [("addr.test.", "AAAA", "::1")]
    srv_both.tell("/clear-a", host="addr.test")


def test_txt_appends(srv_both):
    srv_both.tell("/set-txt", host="_acme-challenge.txt.test.", value="one")
    srv_both.tell("/set-txt", host="_acme-challenge.txt.test.", value="two")
    assert srv_both.answers("_acme-challenge.txt.test", "TXT") == [
        ("_acme-challenge.txt.test.", "TXT", '"one"'), ("_acme-challenge.txt.test.", "TXT", '"two"')]
    srv_both.tell("/clear-txt", host="_acme-challenge.txt.test.")
    assert srv_both.answers("_acme-challenge.txt.test", "TXT") == []


def test_txt_without_the_dot(srv):
    """2.4.0 wants it for TXT records alone."""
    srv.tell("/set-txt", host="_acme-challenge.dot.test", value="one")
    assert srv.answers("_acme-challenge.dot.test", "TXT") == [("_acme-challenge.dot.test.", "TXT", '"one"')]
    srv.tell("/clear-txt", host="_acme-challenge.dot.test.")
    assert srv.answers("_acme-challenge.dot.test", "TXT") == []


@pytest.mark.parametrize("tcp", (False, True))
def test_txt_is_split_at_255(srv, tcp):
    """2.4.0 gives no answer at all."""
    srv.tell("/clear-txt", host="long.test")
    srv.tell("/set-txt", host="long.test", value=LONG)
    record = srv.ask("long.test", "TXT", tcp).rr[0]
    assert record.rdata.data == [LONG[:255].encode(), LONG[255:].encode()]


def test_txt_octets_as_they_are(srv):
    srv.tell("/set-txt", host="octets.test", value='a\\065"\u00e9 b')
    assert srv.ask("octets.test", "TXT").rr[0].rdata.data == ['a\\065"\u00e9 b'.encode()]


def test_caa(srv_both):
    srv_both.tell("/add-caa", host="caa.test", policies=[{"tag": "issue", "value": "ca.test"}, {"Tag": "iodef", "Value": ""}])
    srv_both.tell("/add-caa", host="caa.test.", policies=[{"tag": "issuewild", "value": ";"}])
    assert srv_both.answers("caa.test", "CAA") == [("caa.test.", "CAA", text) for text in (
        '0 issue "ca.test"', '0 iodef ""', '0 issuewild ";"')]
    srv_both.tell("/clear-caa", host="caa.test")
    assert srv_both.answers("caa.test", "CAA") == []


def test_cname_one_level(srv_both):
    """Asked for CNAME, the target's own is in the answer too; asked for another type, it is not followed."""
    srv_both.tell("/set-cname", host="one.test", target="two.test")
    srv_both.tell("/set-cname", host="two.test", target="three.test.")
    srv_both.tell("/add-a", host="two.test", addresses=["192.0.2.2"])
    srv_both.tell("/add-a", host="three.test", addresses=["192.0.2.3"])
    first, second = ("one.test.", "CNAME", "two.test."), ("two.test.", "CNAME", "three.test.")
    assert srv_both.answers("one.test", "A") == [first, ("two.test.", "A", "192.0.2.2")]
    assert srv_both.answers("two.test", "A") == [second, ("three.test.", "A", "192.0.2.3")]
    assert srv_both.answers("one.test", "TXT") == [first]
    assert srv_both.answers("one.test", "CNAME") == [first, second]
    srv_both.tell("/clear-cname", host="one.test.")
    assert srv_both.answers("one.test", "A") == [("one.test.", "A", "127.0.0.1")]


def test_servfail(srv_both):
    srv_both.tell("/set-servfail", host="fail.test")
    for kind in ("A", "TXT", "MX"):
        reply = srv_both.ask("fail.test", kind)
        assert (reply.header.rcode, reply.rr) == (2, [])
    assert srv_both.ask("sub.fail.test", "A").header.rcode == 0
    srv_both.tell("/clear-servfail", host="fail.test.")
    assert srv_both.answers("fail.test", "A") == [("fail.test.", "A", "127.0.0.1")]


@pytest.mark.parametrize("kind", ("MX", "NS", "SOA", "ANY"))
def test_other_types(srv_both, kind):
    reply = srv_both.ask("types.test", kind)
    assert (reply.header.rcode, reply.rr) == (4, [])


@pytest.mark.parametrize("tcp", (False, True))
@pytest.mark.parametrize("bits,flags", (({"rd": 0}, 0x8000), ({"rd": 1, "cd": 1, "ad": 1}, 0x8110)))
def test_flags(srv_both, bits, flags, tcp):
    query = DNSRecord.question("flags.test", "TXT")
    for name, value in bits.items():
        setattr(query.header, name, value)
    reply = DNSRecord.parse(srv_both.exchange(query.pack(), tcp))
    assert reply.header.bitmap == flags


def test_answers_byte_for_byte(srv_both):
    srv_both.tell("/add-a", host="Bytes.test", addresses=["192.0.2.1"])
    name = b"\x05Bytes\x04test\0"
    question = name + b"\0\1\0\1"
    assert srv_both.exchange(b"\x12\x34\1\0\0\1\0\0\0\0\0\0" + question) == (
        b"\x12\x34\x81\0\0\1\0\1\0\1\0\0" + question + name + b"\0\1\0\1\0\0\0\0\0\4\xc0\0\2\1"
        b"\x0cchalltestsrv\x07invalid\0\0\6\0\1\0\0\0\0\0\x4a\2ns\x0cchalltestsrv\x07invalid\0"
        b"\6master\x0cchalltestsrv\x07invalid\0" + b"\0\0\0\1" * 5)


HOSTILE = {
    "pointer at itself": b"\xc0\x0c\0\1\0\1", "pointer inside": b"\1a\xc0\x0c\0\1\0\1",
    "label of 64": b"\x40" + b"a" * 64 + b"\0\0\1\0\1", "name of 257": (b"\x3f" + b"a" * 63) * 4 + b"\0\0\1\0\1",
}


@pytest.mark.parametrize("tcp", (False, True))
@pytest.mark.parametrize("question", HOSTILE)
def test_hostile_questions(srv_both, question, tcp):
    packet = b"\x12\x34\1\0\0\1\0\0\0\0\0\0" + HOSTILE[question]
    assert srv_both.exchange(packet, tcp) == b"\x12\x34\x81\1\0\0\0\0\0\0\0\0"
    assert srv_both.answers("after.test", "A", tcp) == [("after.test.", "A", "127.0.0.1")]


@pytest.mark.parametrize("questions", (0, 2))
def test_not_one_question(srv_both, questions):
    query = DNSRecord()
    for _ in range(questions):
        query.add_question(DNSQuestion("two.test", QTYPE.A))
    reply = DNSRecord.parse(srv_both.exchange(query.pack()))
    assert (reply.header.rcode, reply.questions) == (1, [])


@pytest.mark.parametrize("packet", (b"", b"\0\1\0\1\0", b"\x12\x34\x81\0\0\1\0\0\0\0\0\0\1a\0\0\1\0\1"))
def test_no_query_no_answer(srv_both, packet):
    with pytest.raises(socket.timeout):
        srv_both.exchange(packet, timeout=0.2)
    assert srv_both.answers("after.test", "A") == [("after.test.", "A", "127.0.0.1")]


def test_case_does_not_matter(srv):
    """RFC 4343; 2.4.0 compares bytes, and fails resolvers that mix the case."""
    srv.tell("/add-a", host="Case.Test", addresses=["192.0.2.1"])
    assert srv.answers("cASE.tEST", "A") == [("cASE.tEST.", "A", "192.0.2.1")]


def test_host_names_as_addresses(srv):
    srv.tell("/add-a", host="named.test", addresses=["localhost", "no-such-host.invalid", "192.0.2.1"])
    for tcp in (False, True):
        assert srv.answers("named.test", "A", tcp) == [
            ("named.test.", "A", "127.0.0.1"), ("named.test.", "A", "192.0.2.1")]


def test_two_questions_on_one_connection(srv):
    with socket.create_connection(("127.0.0.1", srv.ports["dns01"]), 10) as sock:
        queries = [DNSRecord.question(name, "A") for name in ("one.conn.test", "two.conn.test")]
        data = b"".join(len(p).to_bytes(2, "big") + p for p in (q.pack() for q in queries))
        # In pieces that end nowhere in particular.
        for piece in (data[:1], data[1:20], data[20:]):
            sock.sendall(piece)
        for query in queries:
            length = int.from_bytes(sock.recv(2, socket.MSG_WAITALL), "big")
            reply = DNSRecord.parse(sock.recv(length, socket.MSG_WAITALL))
            assert (reply.header.id, str(reply.rr[0].rname)) == (query.header.id, str(query.q.qname))


def test_history(srv_both):
    host = "history.test"
    assert srv_both.history("dns", host) == []
    srv_both.ask(host, "A")
    srv_both.ask(host, "CAA", tcp=True)
    srv_both.ask(host, "MX")
    agent = {} if srv_both.kind == "debian" else {"UserAgent": ""}
    events = [{"Question": {"Name": "history.test.", "Qtype": n, "Qclass": 1}, **agent} for n in (1, 257, 15)]
    assert srv_both.history("dns", host) == events
    assert srv_both.history("http", host) == srv_both.history("tlsalpn01", host) == []
    srv_both.tell("/clear-request-history", host=host, type="http")
    assert srv_both.history("dns", host) == events
    srv_both.tell("/clear-request-history", host=host, type="dns")
    assert srv_both.history("dns", host) == []
