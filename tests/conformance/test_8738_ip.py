"""Identifiers of type ip (RFC 8738): IPv4 and IPv6, by http-01 and tls-alpn-01."""
import ipaddress
import subprocess

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from harness.acme import check_problem
from harness.keys import Key, csr
from harness.validation import attempt, check_failed

pytestmark = pytest.mark.needs("ip")

V4, V6, MIXED = "127.0.0.1", "::1", "ip.test"
BOTH = ["http-01", "tls-alpn-01"]


def new_order(client, *identifiers):
    return client.post(client.directory["newOrder"], {
        "identifiers": [{"type": kind, "value": value} for kind, value in identifiers]})


# --- issuance ----------------------------------------------------------------------------------------

@pytest.mark.parametrize("kind", BOTH)
@pytest.mark.parametrize("address", [V4, V6])
def test_rfc8738_4_a_certificate(shared, kind, address):
    issued = shared.issue([address], kind=kind)
    assert issued.addresses == [address] and issued.names == []
    assert issued.order["identifiers"] == [{"type": "ip", "value": address}]
    san = issued.leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    assert list(san.value) == [x509.IPAddress(ipaddress.ip_address(address))] 
    assert san.critical == (not list(issued.leaf.subject))          # RFC 5280, 4.2.1.6


def test_rfc8738_names_and_addresses_together(shared):
    issued = shared.issue([MIXED, V6, V4, "www.ip.test"])
    assert issued.names == [MIXED, "www.ip.test"] and issued.addresses == sorted([V4, V6])


def test_rfc8738_openssl_verifies_the_address(shared, tmp_path):
    issued = shared.issue([V4])
    chain, issuer = tmp_path / "chain.pem", tmp_path / "issuer.pem"
    chain.write_text(issued.pem)
    issuer.write_bytes(issued.chain[1].public_bytes(serialization.Encoding.PEM))
    for address, good in ((V4, True), ("127.0.0.2", False)):
        done = subprocess.run(["openssl", "verify", "-x509_strict", "-purpose", "sslserver", "-verify_ip", address,
                               "-partial_chain", "-CAfile", issuer, chain], capture_output=True, text=True)
        assert (done.returncode == 0) == good, done.stderr


def test_rfc8738_4_the_authorization(shared):
    """Both challenges and no other; never dns-01 (RFC 8738, 7)."""
    order = shared.order([V4])
    authorization = shared.get(order.json()["authorizations"][0]).json()
    assert authorization["identifier"] == {"type": "ip", "value": V4}
    assert {c["type"] for c in authorization["challenges"]} == set(BOTH)
    assert "wildcard" not in authorization


# --- what goes out -----------------------------------------------------------------------------------

@pytest.mark.parametrize("address, shown", [(V4, V4), (V6, f"[{V6}]")])
def test_rfc8738_5_host_header(server, shared, address, shown):
    seen = {}

    def look(handler):
        seen.update(handler.headers)
        return {"body": server.responder.tokens[handler.path.rsplit("/", 1)[1]]}

    server.responder.by_host[shown] = look
    try:
        shared.issue([address])
    finally:
        del server.responder.by_host[shown]
    assert seen["Host"] == f"{shown}:{server.responder.port}"


@pytest.mark.parametrize("address, name", [
    (V4, "1.0.0.127.in-addr.arpa"), (V6, "1." + "0." * 31 + "ip6.arpa")])
def test_rfc8738_6_sni(server, shared, address, name):
    server.responder.tls.seen.clear()
    shared.issue([address], kind="tls-alpn-01")
    assert set(server.responder.tls.seen) == {name}


def test_rfc8738_4_no_name_is_asked(names, shared):
    names.asked.clear()
    for kind in BOTH:
        shared.issue([V4], kind=kind)
    assert not names.asked


def test_rfc8738_redirect_to_the_same_address(server, shared):
    """From http to a path elsewhere on the same machine: no name, and yet no bare stranger."""
    def move(handler):
        token = handler.path.rsplit("/", 1)[1]
        if handler.path.startswith("/moved/"):
            return {"body": server.responder.tokens[token]}
        return {"status": 302, "headers": {"Location": f"http://{V4}:{server.responder.port}/moved/{token}"}}
    server.responder.by_host[V4] = move
    try:
        assert shared.issue([V4]).addresses == [V4]
    finally:
        del server.responder.by_host[V4]


# --- refusals ----------------------------------------------------------------------------------------

@pytest.mark.parametrize("value, detail", [
    ("::0001", "write \"::1\""), ("0:0:0:0:0:0:0:1", "write \"::1\""), ("2001:DB8::1", "write \"2001:db8::1\""),
    ("127.0.0.01", "not an IPv4 or IPv6"), ("127.1", "not an IPv4 or IPv6"), ("0x7f000001", "not an IPv4 or IPv6"),
    ("2130706433", "not an IPv4 or IPv6"), ("[::1]", "not an IPv4 or IPv6"), ("fe80::1%lo", "not an IPv4 or IPv6"),
    ("127.0.0.1/32", "not an IPv4 or IPv6"), ("127.0.0.1:80", "not an IPv4 or IPv6"), ("", "not an IPv4 or IPv6"),
    ("::ffff:127.0.0.1", "IPv4 address itself"), ("::127.0.0.1", "IPv4 address itself"),
    ("localhost", "not an IPv4 or IPv6"), ("ip.test", "not an IPv4 or IPv6"), ("*.127.0.0.1", "not an IPv4 or IPv6"),
    ("1.0.0.127.in-addr.arpa", "not an IPv4 or IPv6"),
])
def test_rfc8738_3_text_form(shared, value, detail):
    check_problem(new_order(shared, ("ip", value)), "malformed", 400, detail)


@pytest.mark.parametrize("value", [V4, V6, "192.0.2.1", "*.127.0.0.1"])
def test_partd_address_as_dns(shared, value):
    check_problem(new_order(shared, ("dns", value)), "malformed", 400)


@pytest.mark.parametrize("sans, words", [
    ([x509.DNSName(V4)], "not an iPAddress"),
    ([x509.DNSName("1.0.0.127.in-addr.arpa")], "not an iPAddress"),
    ([x509.IPAddress(ipaddress.ip_address("127.0.0.2"))], f"SAN is not {V4}"),
    ([x509.IPAddress(ipaddress.ip_address("::ffff:127.0.0.1"))], f"SAN is not {V4}"),
    ([x509.IPAddress(ipaddress.ip_address(V4)), x509.DNSName("ip.test")], "has 2 SANs"),
    ([x509.IPAddress(ipaddress.ip_network("127.0.0.1/32"))], f"SAN is not {V4}"),
], ids=["address-as-dns", "reverse-name", "other", "mapped", "two", "with-mask"])
def test_rfc8738_6_certificate(shared, sans, words):
    check_failed(attempt(shared, V4, "tls-alpn-01", sans=sans), "incorrectResponse", words)


# --- the CSR -----------------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def kept():
    return {}


@pytest.fixture
def ready(shared, kept):
    """One order that every case must leave ready."""
    if not kept or shared.get(kept["url"]).json()["status"] != "ready":
        kept["order"], kept["url"] = shared.ready([V4, MIXED])
    return kept


def ip(text):
    return x509.IPAddress(ipaddress.ip_address(text))


@pytest.mark.parametrize("sans, detail", [
    ([x509.DNSName(MIXED)], f"lacks \"{V4}\""),
    ([ip(V4)], f"lacks \"{MIXED}\""),
    ([x509.DNSName(MIXED), ip(V4), ip(V6)], f"\"{V6}\""),
    ([x509.DNSName(MIXED), ip("127.0.0.2")], f"lacks \"{V4}\""),
    ([x509.DNSName(MIXED), x509.DNSName(V4)], "IP address"),
    ([x509.DNSName(MIXED), ip("::ffff:127.0.0.1")], "IPv4 address itself"),
    ([x509.DNSName(MIXED), x509.IPAddress(ipaddress.ip_network("127.0.0.1/32"))], "neither 4 nor 16"),
], ids=["no-address", "no-name", "one-more", "another", "as-dns", "mapped", "with-mask"])
def test_rfc8555_7_4_csr_addresses(shared, ready, sans, detail):
    check_problem(shared.finalize(ready["order"], csr([], Key(), sans=sans)), "badCSR", 400, detail, others=("malformed", "unauthorized"))
    assert shared.get(ready["url"]).json()["status"] == "ready"


def test_rfc8555_7_4_csr_common_name_is_the_address(shared, ready):
    reply = shared.finalize(ready["order"], csr([V4, MIXED], Key(), common_name=V4))
    assert reply.status_code == 200, reply.text
    assert shared.poll(ready["url"], ("valid", "invalid")).json()["status"] == "valid"
