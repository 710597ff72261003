"""The security bugs of other servers, each by its name: none of them is ours. The first eight were found in more than
one; where one alone had it, it says which and when."""
import datetime
import ipaddress
import socket
import sqlite3
import ssl
import threading

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from harness.acme import Client, check_problem
from harness.keys import Key, b64, csr
from harness.responder import PREFIX
from harness.revocation import der, revoke
from harness.tlsalpn import certificate
from harness.validation import attempt, check_failed

INSIDE = "127.0.9.1"


@pytest.fixture(scope="module")
def guarded(names, responder):
    """A server that may connect to 127.0.0.1 and not to 127.0.9.1, which plays the network behind it."""
    from harness.server import Server
    server = Server(names, responder, {"va": {"targets": {"allow": ["127.0.0.1/32", "::1/128"], "deny": [f"{INSIDE}/32"]}}})
    yield server
    server.close()


@pytest.fixture(scope="module")
def service(responder):
    came, listeners = [], [socket.create_server((INSIDE, port)) for port in (responder.port, responder.tls.port)]

    def serve(listener):
        while True:
            try:
                sock, peer = listener.accept()
            except OSError:
                return
            came.append(peer)
            sock.close()

    for listener in listeners:
        threading.Thread(target=serve, args=(listener,), daemon=True).start()
    yield came
    for listener in listeners:
        listener.close()


@pytest.fixture
def inside(service):
    """Who connected to the service inside."""
    service.clear()
    return service


@pytest.mark.parametrize("value", ["10.0.0.1", "127.0.0.1", "::1", "fd00::1", "[::1]", "0x7f.1", "2130706433", "*.10.0.0.1"])
def test_rivals_ip_literal_of_type_dns(shared, value):
    reply = shared.post(shared.directory["newOrder"], {"identifiers": [{"type": "dns", "value": value}]})
    check_problem(reply, "malformed", 400)


@pytest.mark.parametrize("to", ["name", "literal", "integer", "second-hop"])
def test_rivals_redirect_to_an_internal_address(guarded, names, responder, inside, to):
    """Where a redirect leads is judged like the first address, and nobody is asked there."""
    names.set("inside.test", a=[INSIDE])
    name, port = f"rival-{to}.test", responder.port
    url = {"name": f"http://inside.test:{port}/", "literal": f"http://{INSIDE}:{port}/",
           "integer": f"http://{int(ipaddress.ip_address(INSIDE))}:{port}/",
           "second-hop": f"http://rival-outside.test:{port}/"}[to]
    responder.by_host[name] = {"status": 302, "headers": {"Location": url}}
    responder.by_host["rival-outside.test"] = {"status": 302, "headers": {"Location": f"http://inside.test:{port}/"}}
    check_failed(attempt(Client(guarded), name), "connection", INSIDE)
    assert inside == []


@pytest.mark.parametrize("kind", ["http-01", "tls-alpn-01"])
def test_rivals_name_with_an_internal_address(guarded, names, inside, kind):
    names.set("rival-inside.test", a=[INSIDE])
    check_failed(attempt(Client(guarded), "rival-inside.test", kind), "connection", INSIDE, "not an allowed target")
    assert inside == []


@pytest.mark.parametrize("status", [200, 404, 500])
def test_rivals_body_echoed_in_the_error(server, shared, status):
    """Neither in the challenge nor in the order, where a CA would read for strangers what only it can reach."""
    name = f"rival-echo{status}.test"
    server.responder.by_host[name] = {"status": status, "body": "SECRET-OF-AN-INTERNAL-SERVICE",
                                      "headers": {"X-Secret": "SECRET-HEADER", "Server": "SECRET-SERVER"}}
    order = shared.order([name])
    url = order.json()["authorizations"][0]
    challenge = shared.challenge(url)
    shared.post(challenge["url"], {})
    shared.poll(url, ("invalid",))
    for one in (url, challenge["url"], order.headers["Location"]):
        assert "SECRET" not in shared.get(one).text
    assert "SECRET" not in server.log()


@pytest.fixture
def ready(client):
    order, url = client.ready(["rival.test"])
    yield order
    assert client.get(url).json()["status"] == "ready"          # and nothing was issued


@pytest.mark.parametrize("extra", ["www.rival.test", "other.test", "*.rival.test", "forbidden.test"])
def test_rivals_extra_san_in_the_csr(client, ready, extra):
    check_problem(client.finalize(ready, csr(["rival.test", extra], Key())), "badCSR", 400, extra)
    check_problem(client.finalize(ready, csr(["rival.test"], Key(), common_name=extra)), "badCSR", 400)


@pytest.mark.parametrize("address", ["10.0.0.1", "127.0.8.1", "fd00::1"])
def test_rivals_ip_san_in_the_csr_skips_the_policy(client, ready, address):
    """Also when the policy would allow the address: the order hasn't got it."""
    sans = [x509.DNSName("rival.test"), x509.IPAddress(ipaddress.ip_address(address))]
    check_problem(client.finalize(ready, csr([], Key(), sans=sans)), "badCSR", 400, address)
    check_problem(client.finalize(ready, csr([], Key(), sans=sans[1:])), "badCSR", 400)


def test_rivals_revocation_by_a_key_that_is_not_the_certificates(server, client):
    issued, other = client.issue(["rival-kept.test"]), client.issue(["rival-other.test"])
    for key in (Key(), client.key, other.key):
        check_problem(revoke(Client(server, register=False), issued, key=key), "unauthorized", 403, "certificate's key")
    # a certificate with the other's serial and names, and with the key of whoever made it
    forger = Key()
    forged = x509.CertificateBuilder(issued.leaf.issuer, issued.leaf.subject, forger.private.public_key(),
                                     issued.leaf.serial_number, issued.leaf.not_valid_before, issued.leaf.not_valid_after)
    for extension in issued.leaf.extensions:
        forged = forged.add_extension(extension.value, extension.critical)
    forged = forged.sign(forger.private, hashes.SHA256()).public_bytes(serialization.Encoding.DER)
    check_problem(revoke(Client(server, register=False), forged, key=forger), "malformed", 404, "not issued here")
    # signed by a stranger under the certificate's jwk
    reply = client.post(client.directory["revokeCert"], {"certificate": b64(der(issued))}, key=Key(), use_jwk=True,
                        jwk=issued.key.jwk)
    check_problem(reply, "malformed", 400, "signature")
    check_problem(revoke(Client(server), issued), "unauthorized", 403)         # an account that has nothing to do with it
    assert revoke(client, issued).status_code == 200                            # none of them did


def test_rivals_validating_the_authorization_of_another_account(server, client):
    """Whose key authorization is published counts, and who posts: neither may be the other account."""
    mallory = Client(server)
    url = client.order(["rival-victim.test"]).json()["authorizations"][0]
    challenge = client.challenge(url)
    for payload in ({}, None):
        check_problem(mallory.post(challenge["url"], payload), "unauthorized", 403, "another account")
    check_problem(mallory.get(url), "unauthorized", 403, "another account")
    assert client.get(url).json()["status"] == "pending"
    assert not [one for one in server.responder.asked if one[0] == "rival-victim.test"]
    # the token published with mallory's thumbprint proves nothing for the victim, nor for mallory
    server.responder.by_path[PREFIX + challenge["token"]] = {"body": f"{challenge['token']}.{mallory.key.thumbprint}"}
    client.post(challenge["url"], {})
    assert client.poll(url, ("valid", "invalid")).json()["status"] == "invalid"
    # a name that the victim has proven is none of mallory's
    client.ready(["rival-proven.test"])
    order = mallory.order(["rival-proven.test"]).json()
    assert order["status"] == "pending"
    check_problem(mallory.finalize(order, csr(["rival-proven.test"], Key())), "orderNotReady", 403)


def test_rivals_parallel_posts_to_one_challenge(server, client):
    """One validation, one outcome: twelve connections at once, and a failure that is not then overwritten."""
    server.responder.by_host["rival-parallel.test"] = lambda handler: {"delay": 0.2, "status": 404}
    url = client.order(["rival-parallel.test"]).json()["authorizations"][0]
    challenge = client.challenge(url)
    bodies = [client.jws(challenge["url"], {}) for _ in range(12)]
    statuses = []
    threads = [threading.Thread(target=lambda body=body: statuses.append(
        Client.send(client, challenge["url"], body).status_code)) for body in bodies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [200] * 12
    assert client.poll(url, ("valid", "invalid")).json()["status"] == "invalid"
    # now the answer would be right: the authorization has failed all the same
    del server.responder.by_host["rival-parallel.test"]
    client.post(challenge["url"], {})
    assert client.get(url).json()["status"] == "invalid"
    assert len([one for one in server.responder.asked if one[0] == "rival-parallel.test"]) == 1


@pytest.fixture(scope="module")
def strict(names, responder):
    from harness.server import Server
    server = Server(names, responder, {"ra": {"caa_identities": ["ca.test"]}, "va": {"caa": "enforce"}})
    yield server
    server.close()


@pytest.mark.parametrize("which", range(3))
def test_rivals_caa_of_one_name_looked_up_for_all(strict, names, which):
    """Boulder, 2020-02-29: of N names whose CAA was due again, one was asked for N times. Each of three forbids in turn."""
    ordered = [f"caa{i}.rival{which}.test" for i in range(3)]
    client = Client(strict)
    order, url = client.ready(ordered)
    with sqlite3.connect(f"{strict.home}/data/signet.db", timeout=10) as db:
        assert db.execute("UPDATE authorizations SET caa_checked = caa_checked - 9 * 3600").rowcount > 2
    db.close()
    names.set(ordered[which], a=["127.0.0.1"], caa=[(0, "issue", "other.example")])
    client.finalize(order, csr(ordered, Key()))
    done = client.poll(url, ("valid", "invalid")).json()
    assert done["status"] == "invalid" and ordered[which] in done["error"]["detail"], done
    assert done["error"]["subproblems"][0]["identifier"]["value"] == ordered[which]


def test_rivals_a_second_too_long(client):
    """Boulder, 2021-06-08: both ends of the validity count (RFC 5280, 4.1.2.5), so ninety days end a second earlier."""
    leaf = client.issue(["rival-second.test"]).leaf
    assert leaf.not_valid_after - leaf.not_valid_before == datetime.timedelta(days=90, seconds=-1)


def test_rivals_tls_alpn_01_by_the_drafts_number(shared):
    """Boulder, 2022-01-26: took an extension with the number of a draft."""
    done = attempt(shared, "rival-draft.test", "tls-alpn-01", oid=x509.ObjectIdentifier("1.3.6.1.5.5.7.1.30.1"))
    check_failed(done, "incorrectResponse", "no acmeIdentifier")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_rivals_tls_alpn_01_by_tls_1_1(server, names, shared):
    """Boulder, 2022-01-26: RFC 8737, 3 asks for TLS 1.2. All else is as it should be."""
    url = shared.order([names.set("rival-old.test", a=["127.0.9.2"])]).json()["authorizations"][0]
    challenge, tls = shared.challenge(url, "tls-alpn-01"), server.responder.tls
    text = f"{challenge['token']}.{shared.key.thumbprint}"
    pem = certificate("rival-old.test", text, tls.key)
    tls.listen("127.0.9.2", tls.context(pem, tls.key, ["acme-tls/1"], ssl.TLSVersion.TLSv1_1))
    shared.post(challenge["url"], {})
    done = shared.poll(url, ("valid", "invalid")).json()
    check_failed(next(c for c in done["challenges"] if c["type"] == "tls-alpn-01"), "tls", "TLS 1.2 or later")
