"""RFC 9773: ACME Renewal Information."""

from cryptography import x509
from harness.acme import Client
from harness.keys import b64


def certid(leaf):
    key_id = leaf.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
    serial = leaf.serial_number
    return b64(key_id) + "." + b64(serial.to_bytes(serial.bit_length() // 8 + 1, "big"))


def post(client, names, replaces):
    return client.post(client.directory["newOrder"], {
        "identifiers": [{"type": "dns", "value": name} for name in names], "replaces": replaces})


def test_rfc9773_5_reused_order_keeps_what_it_replaces(names, responder, make_server):
    server = make_server({"ra": {"reuse_orders": True, "reuse_authorizations": True}})
    client = Client(server)
    name = certid(client.issue(["replace-reuse.test"]).leaf)
    first = post(client, ["replace-reuse.test"], name)
    assert first.status_code == 201
    again = post(client, ["replace-reuse.test"], name)
    assert again.status_code == 201 and again.headers["Location"] == first.headers["Location"]
    assert client.order(["replace-reuse.test"]).headers["Location"] != first.headers["Location"]
