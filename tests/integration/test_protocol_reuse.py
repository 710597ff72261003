"""RFC 8555, 7.4.1: newAuthz; and authorizations and orders that serve again."""
import datetime

import pytest
from harness.acme import Client
from harness.keys import Key, csr
from harness.server import Server


def new_authz(client, value, kind="dns"):
    return client.post(client.directory["newAuthz"], {"identifier": {"type": kind, "value": value}})


def prove(client, url):
    assert client.post(client.challenge(url)["url"], {}).status_code == 200
    assert client.poll(url, ("valid", "invalid")).json()["status"] == "valid"


@pytest.fixture(scope="module")
def reusing(names, responder):
    server = Server(names, responder, {"ra": {"reuse_authorizations": True, "reuse_orders": True}})
    yield server
    server.close()


def test_rfc8555_7_4_reused_authorization(reusing):
    client = Client(reusing)
    first = client.issue(["again.test"])
    reply = client.order(["again.test", "new.test"])
    order = reply.json()
    assert order["authorizations"][0] == first.order["authorizations"][0]
    assert order["authorizations"][1] != first.order["authorizations"][0] and order["status"] == "pending"
    # an order that shares an authorization doesn't outlive it
    shared = client.get(order["authorizations"][0]).json()
    assert order["expires"] <= shared["expires"]
    assert client.issue(["again.test"]).order["authorizations"] == first.order["authorizations"]
    assert Client(reusing).order(["again.test"]).json()["status"] == "pending"      # another account's is not


def test_rfc8555_7_4_deactivated_authorization_is_not_reused(reusing):
    client = Client(reusing)
    url = client.issue(["gone.test"]).order["authorizations"][0]
    assert client.post(url, {"status": "deactivated"}).status_code == 200
    order = client.order(["gone.test"]).json()
    assert order["status"] == "pending" and url not in order["authorizations"]


def test_rfc8555_7_4_failed_authorization_is_not_reused(reusing):
    client = Client(reusing)
    url = client.order(["failed.test"]).json()["authorizations"][0]
    client.post(client.get(url).json()["challenges"][0]["url"], {})
    assert client.poll(url, ("valid", "invalid")).json()["status"] == "invalid"
    assert client.order(["failed.test"]).json()["authorizations"] != [url]


def test_rfc8555_7_4_reused_order(reusing):
    client = Client(reusing)
    first = client.order(["one.test", "two.test"])
    url = first.headers["Location"]
    later = (datetime.datetime.utcnow() + datetime.timedelta(days=9)).strftime("%Y-%m-%dT%H:%M:%SZ")
    for names in (["one.test", "two.test"], ["TWO.test", "one.test"]):
        again = client.order(names)
        assert again.status_code == 201 and again.headers["Location"] == url
        assert again.json() == first.json()
    for names, more in ((["one.test"], {}), (["one.test", "two.test", "three.test"], {}),
                        (["one.test", "two.test"], {"profile": "shortlived"}),
                        (["one.test", "two.test"], {"notAfter": later})):
        assert client.order(names, **more).headers["Location"] != url
    assert Client(reusing).order(["one.test", "two.test"]).headers["Location"] != url
    # ready still is; valid or invalid is not
    client.authorize(first.json())
    again = client.order(["one.test", "two.test"])
    assert again.headers["Location"] == url and again.json()["status"] == "ready"
    assert client.finalize(again.json(), csr(["one.test", "two.test"], Key())).status_code == 200
    client.poll(url, ("valid",))
    assert client.order(["one.test", "two.test"]).headers["Location"] != url


def test_rfc8555_7_4_no_reuse_in_preset_private(client):
    first = client.issue(["noreuse.test"])
    order = client.order(["noreuse.test"])
    assert order.json()["status"] == "pending"
    assert not set(order.json()["authorizations"]) & set(first.order["authorizations"])
    assert client.order(["noreuse.test"]).headers["Location"] != order.headers["Location"]


# --- which challenges prove it -----------------------------------------------------------------------

CHALLENGES = {"ra": {"challenges": ["http-01", "dns-01"], "reuse_authorizations": True, "reuse_orders": True},
              "ca": {"profiles": {"default": {"lifetime": "1d"},
                                  "dns": {"lifetime": "1d", "challenges": ["dns-01"]}}}}


def test_new_authz_offers_the_configured_challenges(make_server):
    client = Client(make_server(CHALLENGES))
    reply = new_authz(client, "pre-offered.test")
    assert [c["type"] for c in reply.json()["challenges"]] == ["http-01", "dns-01"]
    order = client.order(["pre-offered.test"], profile="dns").json()    # http-01 could still prove the other
    assert order["authorizations"] != [reply.headers["Location"]]
    assert client.order(["pre-offered.test"]).json()["authorizations"] == [reply.headers["Location"]]


def test_reuse_respects_the_challenges_of_a_profile(names, make_server):
    client = Client(make_server(CHALLENGES))
    by_http = client.issue(["reprove.test"]).order["authorizations"]
    assert client.order(["reprove.test"]).json()["authorizations"] == by_http
    order = client.order(["reprove.test"], profile="dns").json()
    assert order["status"] == "pending" and order["authorizations"] != by_http
    by_dns = client.issue(["reprove.test"], kind="dns-01", profile="dns").order["authorizations"]
    assert client.order(["reprove.test"], profile="dns").json()["authorizations"] == by_dns


def test_reuse_keeps_wildcard_and_base_apart(names, make_server):
    client = Client(make_server(CHALLENGES))
    star = client.issue(["*.restar.test"], kind="dns-01").order["authorizations"]
    base = client.order(["restar.test"]).json()
    assert base["status"] == "pending" and base["authorizations"] != star
    again = client.order(["*.restar.test"]).json()
    assert again["status"] == "ready" and again["authorizations"] == star
