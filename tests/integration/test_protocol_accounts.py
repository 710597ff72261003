"""RFC 8555, 7.1.2, 7.3 and 11.1: accounts."""

import pytest
from harness.acme import Client, check_problem

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
