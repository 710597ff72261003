"""RFC 8555, 7.4.1: newAuthz; and authorizations and orders that serve again."""

import pytest
from harness.acme import Client, check_problem
from harness.keys import Key, csr

pytestmark = pytest.mark.needs("newAuthz")


def new_authz(client, value, kind="dns"):
    return client.post(client.directory["newAuthz"], {"identifier": {"type": kind, "value": value}})


def prove(client, url):
    assert client.post(client.challenge(url)["url"], {}).status_code == 200
    assert client.poll(url, ("valid", "invalid")).json()["status"] == "valid"


def test_rfc8555_7_4_1_new_authz(client):
    reply = new_authz(client, "Pre.Test")
    assert reply.status_code == 201
    url, authorization = reply.headers["Location"], reply.json()
    assert authorization["status"] == "pending" and "expires" in authorization
    assert authorization["identifier"] == {"type": "dns", "value": "pre.test"} and "wildcard" not in authorization
    assert "http-01" in [challenge["type"] for challenge in authorization["challenges"]]
    assert client.get(url).json() == authorization
    prove(client, url)


def test_rfc8555_7_4_1_pre_authorization_serves_an_order(client):
    proved, pending = (new_authz(client, name).headers["Location"] for name in ("pre1.test", "pre2.test"))
    prove(client, proved)
    order = client.order(["pre1.test", "pre2.test"]).json()
    assert order["authorizations"] == [proved, pending] and order["status"] == "pending"
    prove(client, pending)
    order = client.order(["pre1.test"]).json()          # one order, no more, in preset private
    assert proved not in order["authorizations"] and order["status"] == "pending"


def test_rfc8555_7_4_1_pre_authorized_order_is_ready_at_once(client):
    url = new_authz(client, "pre-ready.test").headers["Location"]
    prove(client, url)
    reply = client.order(["pre-ready.test"])
    order = reply.json()
    assert order["status"] == "ready" and order["authorizations"] == [url]
    assert client.finalize(order, csr(["pre-ready.test"], Key())).status_code == 200
    assert client.poll(reply.headers["Location"], ("valid", "invalid")).json()["status"] == "valid"


def test_rfc8555_7_4_1_others_pre_authorization_is_not_mine(server, client):
    other = Client(server)
    prove(other, new_authz(other, "pre-other.test").headers["Location"])
    assert client.order(["pre-other.test"]).json()["status"] == "pending"


def test_rfc8555_7_4_1_refusals(client):
    check_problem(new_authz(client, "*.pre.test"), "malformed", 400, "wildcard")
    check_problem(new_authz(client, "forbidden.test"), "rejectedIdentifier", 403, "denied")
    check_problem(new_authz(client, "pre.example.org"), "rejectedIdentifier", 403, "ra.policy.allow")
    check_problem(new_authz(client, "127.0.0.1"), "malformed", 400)
    check_problem(new_authz(client, "x", "carrier-pigeon"), "unsupportedIdentifier", 400)
    url = client.directory["newAuthz"]
    for payload in ({}, {"identifier": "pre.test"}, {"identifier": []}, {"identifiers": [{"type": "dns"}]}):
        check_problem(client.post(url, payload), "malformed", 400)
    check_problem(client.get(url), "malformed", 400, "6.3")
