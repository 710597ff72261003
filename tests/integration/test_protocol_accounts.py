"""RFC 8555, 7.1.2, 7.3 and 11.1: accounts."""

import json

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from harness.acme import Client, check_problem
from harness.keys import b64

TERMS = "https://ca.test/terms"


def test_rfc8555_7_3_6_deactivated_accounts_orders_are_invalid(server):
    """What a client can't see any more, the database shows."""
    import sqlite3
    client = Client(server)
    client.order(["deactivated-db.test"])
    client.post(client.kid, {"status": "deactivated"})
    db = sqlite3.connect(f"file:{server.home}/data/signet.db?mode=ro", uri=True)
    table = db.execute("SELECT * FROM orders ORDER BY id DESC LIMIT 1")
    columns = [column[0] for column in table.description]
    row = dict(zip(columns, table.fetchone()))
    db.close()
    assert row["state"] == 4, row       # ORDER_INVALID of acme/status.h


@pytest.fixture(scope="module")
def with_terms(names, responder):
    from harness.server import Server
    server = Server(names, responder, {"ra": {"terms_of_service": TERMS, "caa_identities": ["ca.test"]},
                                       "wfe": {"website": "https://ca.test/about"}})
    yield server
    server.close()


def test_rfc8555_7_1_1_meta(with_terms):
    meta = Client(with_terms, register=False).directory["meta"]
    assert meta["termsOfService"] == TERMS
    assert meta["website"] == "https://ca.test/about"
    assert meta["caaIdentities"] == ["ca.test"]


def test_rfc8555_7_3_terms_of_service(with_terms):
    client = Client(with_terms, register=False)
    for account in ({}, {"termsOfServiceAgreed": False}):
        check_problem(client.register(**account), "userActionRequired", 403, TERMS)
    check_problem(client.register(onlyReturnExisting=True), "accountDoesNotExist", 400)
    reply = client.register(termsOfServiceAgreed=True)
    assert reply.status_code == 201
    # 7.3.1: whoever has an account need not agree again
    assert client.register().status_code == 200


def test_rfc8555_7_3_terms_link(with_terms):
    """7.3.3 asks for the link with userActionRequired."""
    reply = Client(with_terms, register=False).register()
    assert f'<{TERMS}>;rel="terms-of-service"' in reply.headers["Link"]


@pytest.fixture
def changed_terms(make_server):
    """A server, with accounts from before its terms changed: one that had agreed, one from before there were terms."""
    server = make_server()
    before = Client(server)
    agreed = []
    for terms in (TERMS, TERMS + "/2"):
        server.stop()
        server.configure({"ra": {"terms_of_service": terms}})
        server.start()
        if not agreed:
            agreed.append(Client(server, termsOfServiceAgreed=True))
            assert agreed[0].issue(["terms.test"]).names == ["terms.test"]
    # another connection: the server is a new one
    return server, *[Client(server, old.key, register=False) for old in (agreed[0], before)]


def check_must_agree(reply, terms=TERMS + "/2"):
    check_problem(reply, "userActionRequired", 403, "7.3.3")
    assert reply.json()["instance"] == terms and f'<{terms}>;rel="terms-of-service"' in reply.headers["Link"]


def test_rfc8555_7_3_3_changed_terms(changed_terms):
    """Whoever agreed to earlier terms, or to none, does nothing but read, agree and leave, until it agrees."""
    server, *clients = changed_terms
    for client in clients:
        reply = client.register()           # 7.3.1: as it is stored
        assert reply.status_code == 200 and "termsOfServiceAgreed" not in reply.json()
        check_must_agree(client.post(client.directory["newOrder"],
                                     {"identifiers": [{"type": "dns", "value": "terms.test"}]}))
        check_must_agree(client.get(client.kid + "/orders"))
        check_must_agree(client.post(client.kid, {"contact": ["mailto:a@example.test"]}))
        check_must_agree(client.post(client.kid, {"contact": ["mailto:a@example.test"],
                                                  "termsOfServiceAgreed": False}))
        assert client.get(client.kid).status_code == 200
        assert client.get(client.kid).json()["contact"] == []           # nothing was changed
        reply = client.post(client.kid, {"termsOfServiceAgreed": True, "contact": ["mailto:b@example.test"]})
        assert reply.status_code == 200 and reply.json()["termsOfServiceAgreed"] is True
        assert reply.json()["contact"] == ["mailto:b@example.test"]
        assert client.issue(["terms.test"]).names == ["terms.test"]
    # 7.3.2: from here on the member is ignored again
    assert clients[0].post(clients[0].kid, {"termsOfServiceAgreed": False}).json()["termsOfServiceAgreed"] is True
    assert clients[0].order(["terms.test"]).status_code == 201


def test_rfc8555_7_3_3_revocation_and_deactivation_need_no_terms(changed_terms):
    server, agreed, before = changed_terms
    agreed.register()
    serial = json.loads(server.run("cert", "list", "--json", "--dir", server.home).stdout.splitlines()[0])["serial"]
    pem = json.loads(server.run("cert", "show", serial, "--json", "--dir", server.home).stdout)["pem"]
    der = x509.load_pem_x509_certificate(pem.encode()).public_bytes(serialization.Encoding.DER)
    assert agreed.post(agreed.directory["revokeCert"], {"certificate": b64(der)}).status_code == 200
    before.register()
    assert before.post(before.kid, {"status": "deactivated"}).json()["status"] == "deactivated"
