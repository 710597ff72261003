"""RFC 8555, 7.1.2, 7.3 and 11.1: accounts."""
import threading

import pytest
from harness import acme
from harness.acme import Client, check_problem
from harness.keys import Key, csr
from requests.utils import parse_header_links


def test_rfc8555_7_3_new_account(server):
    client = Client(server, register=False)
    reply = client.register(contact=["mailto:admin@example.test"], termsOfServiceAgreed=True)
    assert reply.status_code == 201
    assert reply.headers["Location"].startswith(server.url + "/")
    account = reply.json()
    assert account["status"] == "valid"
    assert account["contact"] == ["mailto:admin@example.test"]
    assert account["orders"].startswith(server.url + "/")


def test_rfc8555_7_3_unknown_fields_are_ignored_and_not_reflected(server):
    client = Client(server, register=False)
    reply = client.register(favouriteColour="blue", status="revoked", orders="https://evil.test/")
    assert reply.status_code == 201
    assert "favouriteColour" not in reply.json()
    assert reply.json()["status"] == "valid" and "evil" not in reply.json()["orders"]


def test_rfc8555_7_3_1_known_key(server):
    client = Client(server, contact=["mailto:one@example.test"])
    reply = client.register(contact=["mailto:two@example.test"])
    assert reply.status_code == 200
    assert reply.headers["Location"] == client.kid
    assert reply.json()["contact"] == ["mailto:one@example.test"]


def test_rfc8555_7_3_1_only_return_existing(server):
    known, stranger = Client(server), Client(server, register=False)
    reply = known.register(onlyReturnExisting=True)
    assert reply.status_code == 200 and reply.headers["Location"] == known.kid
    check_problem(stranger.register(onlyReturnExisting=True), "accountDoesNotExist", 400, "7.3.1")
    check_problem(stranger.register(onlyReturnExisting=True), "accountDoesNotExist", 400)  # nothing was made


def test_rfc8555_7_3_one_key_many_threads(server):
    """One key gives one account, however many ask at once."""
    key, kids, statuses = Key(), set(), []

    def register():
        client = Client(server, key, register=False)
        reply = client.register()
        statuses.append(reply.status_code)
        kids.add(reply.headers["Location"])

    threads = [threading.Thread(target=register) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(kids) == 1 and sorted(statuses) == [200] * 7 + [201]


@pytest.mark.parametrize("contact, kind, detail", [
    (["mailto:a@example.test?subject=x"], "invalidContact", "header fields"),
    (["mailto:a@example.test,b@example.test"], "invalidContact", "more than one address"),
    (["mailto:nobody"], "invalidContact", "not a mail address"),
    (["mailto:"], "invalidContact", "not a mail address"),
    (["mailto:a@exa mple.test"], "invalidContact", "not a mail address"),
    (["tel:+123456"], "unsupportedContact", "mailto"),
    (["https://example.test/"], "unsupportedContact", "mailto"),
    (["mailto:a@example.test", "tel:1"], "unsupportedContact", "mailto"),
    ("mailto:a@example.test", "malformed", "array"),
    ([1], "malformed", "not a string"),
    pytest.param(["mailto:a@example.test"] * 11, "invalidContact", "10 is the most", marks=pytest.mark.needs("signet")),
])
def test_rfc8555_7_3_contacts(server, shared, contact, kind, detail):
    check_problem(Client(server, register=False).register(contact=contact), kind, 400, detail)
    check_problem(shared.post(shared.kid, {"contact": contact}), kind, 400, detail)


def test_rfc8555_7_3_flags_are_booleans(server):
    for flag in ("onlyReturnExisting", "termsOfServiceAgreed"):
        check_problem(Client(server, register=False).register(**{flag: "yes"}), "malformed", 400, flag)


def test_rfc8555_7_3_2_update(client):
    reply = client.post(client.kid, {"contact": ["mailto:new@example.test"], "termsOfServiceAgreed": False,
                                     "orders": "https://evil.test/", "key": {}})
    assert reply.status_code == 200
    assert reply.json()["contact"] == ["mailto:new@example.test"]
    seen = client.get(client.kid).json()
    assert seen["contact"] == ["mailto:new@example.test"] and "evil" not in seen["orders"] and seen.get("key") != {}
    assert client.post(client.kid, {}).json() == seen or not acme.WORDS  # nothing asked, nothing changed
    assert client.post(client.kid, {"contact": []}).json().get("contact", []) == []


def test_rfc8555_7_3_2_status_only_to_deactivated(client):
    check_problem(client.post(client.kid, {"status": "revoked"}), "malformed", 400, "deactivated")
    check_problem(client.post(client.kid, {"status": 5}), "malformed", 400, "deactivated")
    assert client.get(client.kid).json()["status"] == "valid"


def test_rfc8555_7_3_6_deactivation(server):
    client = Client(server)
    pending = client.order(["deactivated.test"])
    ready, ready_url = client.ready(["deactivated-ready.test"])
    reply = client.post(client.kid, {"status": "deactivated"})
    assert reply.status_code == 200 and reply.json()["status"] == "deactivated"
    for url, payload in ((client.kid, None), (ready_url, None), (pending.headers["Location"], None),
                         (client.directory["newOrder"],
                          {"identifiers": [{"type": "dns", "value": "a.test"}]}),
                         (ready["finalize"], {"csr": ""}), (client.kid, {"status": "valid"})):
        check_problem(client.post(url, payload), "unauthorized", 401, "deactivated")
    # 11.1: its key is never used again
    check_problem(client.register(), "unauthorized", 401, "deactivated")
    check_problem(client.register(onlyReturnExisting=True), "unauthorized", 401, "deactivated")


def test_rfc8555_7_3_others_account_is_refused(server, client):
    other = Client(server)
    for url in (other.kid, other.get(other.kid).json()["orders"]):
        check_problem(client.get(url), "unauthorized", 403, "not the account")
    check_problem(client.post(other.kid, {"status": "deactivated"}), "unauthorized", 403)
    assert other.get(other.kid).json()["status"] == "valid"


def test_rfc8555_7_3_account_key_signs_for_no_other_account(server, client):
    """My key under your kid."""
    other = Client(server)
    check_problem(client.post(other.kid, kid=other.kid), "malformed", 400, "signature")


@pytest.mark.needs("orders")
def test_rfc8555_7_1_2_1_orders_list(client):
    url = client.get(client.kid).json()["orders"]
    assert client.get(url).json() == {"orders": []}
    made = [client.order([f"list{i}.test"]).headers["Location"] for i in range(3)]
    listed = client.get(url).json()["orders"]
    assert sorted(listed) == sorted(made)       # pending ones are there


@pytest.mark.needs("orders")
def test_rfc8555_7_1_2_1_orders_list_leaves_out_invalid_orders(server):
    client = Client(server)
    kept, failed = (client.order([name]) for name in ("list-kept.test", "list-failed.test"))
    done = client.issue(["list-issued.test"])
    client.post(failed.json()["authorizations"][0], {"status": "deactivated"})
    assert client.get(failed.headers["Location"]).json()["status"] == "invalid"
    listed = client.get(client.get(client.kid).json()["orders"]).json()["orders"]
    assert sorted(listed) == sorted([done.order_url, kept.headers["Location"]])


@pytest.mark.needs("signet")
def test_rfc8555_7_1_2_1_orders_list_in_pages(server):
    """230 orders: Link;rel="next" leads through all of them, once each, and an order made meanwhile disturbs
    nothing."""
    client = Client(server)
    made = [client.order([f"page{i}.test"]).headers["Location"] for i in range(230)]
    url, seen, sizes = client.get(client.kid).json()["orders"], [], []
    while url:
        reply = client.get(url)
        assert reply.status_code == 200, reply.text
        sizes.append(len(reply.json()["orders"]))
        seen += reply.json()["orders"]
        links = [link["url"] for link in parse_header_links(reply.headers["Link"]) if link["rel"] == "next"]
        assert len(links) <= 1
        url = links[0] if links else None
        client.order(["page-between.test"])
    assert sorted(seen) == sorted(made) and sizes == [100, 100, 30]
    # a page is the account's own, and signed for like everything else
    first = client.get(client.get(client.kid).json()["orders"])
    page = next(link["url"] for link in parse_header_links(first.headers["Link"]) if link["rel"] == "next")
    check_problem(Client(server).get(page), "unauthorized", 403, "not the account")
    check_problem(client.post(page, url=client.kid + "/orders"), "unauthorized", 403, "was signed for")
    check_problem(client.get(client.kid + "/orders/nonsense"), "malformed", 404, "7.1.2.1")
    assert client.get(client.kid + "/orders/" + "A" * 22).json() == {"orders": []}


def test_rfc8555_11_1_account_key_is_no_certificate_key(server, client):
    order, url = client.ready(["ownkey.test"])
    for key in (client.key, Client(server).key):        # nor another's
        check_problem(client.finalize(order, csr(["ownkey.test"], key)), "badCSR", 400, "11.1",
                      others=("malformed", "badPublicKey"))
    assert client.get(url).json()["status"] == "ready"
