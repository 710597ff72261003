"""pebble-challtestsrv: http-01, plain and by TLS, with the management calls that set it."""
import socket
import ssl

import pytest

CHALLENGE = "/.well-known/acme-challenge/"


@pytest.mark.parametrize("listener", ("http01", "https01"))
def test_token(srv_both, listener):
    srv_both.tell("/add-http01", token="Token_1", content="Token_1.<thumb>")
    reply = srv_both.get(CHALLENGE + "Token_1", listener)
    assert (reply.status_code, reply.text) == (200, "Token_1.<thumb>")
    assert reply.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert srv_both.get(CHALLENGE + "Token_1", listener, method="HEAD").headers["Content-Length"] == "15"
    assert srv_both.get(CHALLENGE + "Token_1", listener, method="POST", data="x").text == "Token_1.<thumb>"
    assert srv_both.get(CHALLENGE + "%54oken_1?a=b", listener).text == "Token_1.<thumb>"
    for path in (CHALLENGE + "token_1", CHALLENGE + "Token_1/", CHALLENGE, "/Token_1", "/"):
        reply = srv_both.get(path, listener)
        assert (reply.status_code, reply.content) == (200, b""), path
    srv_both.tell("/add-http01", token="Token_1", content="new")
    assert srv_both.get(CHALLENGE + "Token_1", listener).text == "new"
    srv_both.tell("/del-http01", token="Token_1")
    reply = srv_both.get(CHALLENGE + "Token_1", listener)
    assert (reply.status_code, reply.content) == (200, b"")
    srv_both.tell("/del-http01", token="Token_1")


@pytest.mark.parametrize("target,location", (
    ("http://other.test:5002/x?y=z", "http://other.test:5002/x?y=z"), ("/abs?q=1", "/abs?q=1"),
    ("relative", "/.well-known/relative"), ("https://\u00e9.test/", "https://%c3%a9.test/")))
def test_redirect(srv_both, target, location):
    srv_both.tell("/add-redirect", path="/.well-known/moved", targetURL=target)
    reply = srv_both.get("/.well-known/moved")
    assert (reply.status_code, reply.headers["Location"]) == (302, location)
    assert srv_both.get("/.well-known/moved?a=b").status_code == 302
    # Not on the other side, so that one path may lead from the one to the other.
    assert srv_both.get("/.well-known/moved", "https01").status_code == 200
    srv_both.tell("/del-redirect", path="/.well-known/moved")
    assert srv_both.get("/.well-known/moved").status_code == 200


def test_redirect_goes_before_the_token(srv_both):
    srv_both.tell("/add-http01", token="both", content="text")
    srv_both.tell("/add-redirect", path=CHALLENGE + "both", targetURL="https://x.test/")
    assert srv_both.get(CHALLENGE + "both").status_code == 302
    assert srv_both.get(CHALLENGE + "both", "https01").text == "text"
    srv_both.tell("/del-redirect", path=CHALLENGE + "both")
    assert srv_both.get(CHALLENGE + "both").text == "text"


@pytest.mark.parametrize("listener", ("http01", "https01"))
def test_the_connection_closes(srv_both, listener):
    with socket.create_connection(("127.0.0.1", srv_both.ports[listener]), 10) as sock:
        if listener == "https01":
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            sock = context.wrap_socket(sock, server_hostname="close.test")
        sock.sendall(b"GET /x HTTP/1.1\r\nHost: close.test\r\n\r\n")
        data = b""
        while piece := sock.recv(4096):
            data += piece
        sock.close()
    assert data.startswith(b"HTTP/1.1 200 OK\r\n") and b"\r\nConnection: close\r\n" in data


def test_http_1_0(srv_both):
    srv_both.tell("/add-http01", token="old", content="text")
    with socket.create_connection(("127.0.0.1", srv_both.ports["http01"]), 10) as sock:
        sock.sendall(b"GET " + CHALLENGE.encode() + b"old HTTP/1.0\r\n\r\n")
        data = b""
        while piece := sock.recv(4096):
            data += piece
    assert data.startswith((b"HTTP/1.0 200 OK\r\n", b"HTTP/1.1 200 OK\r\n")) and data.endswith(b"\r\n\r\ntext")


def test_history(srv_both):
    """UserAgent came after 2.4.0."""
    srv_both.get("/one?a=%20b", headers={"Host": "http.test", "User-Agent": "tests/1"})
    srv_both.get("/two", headers={"Host": "http.test:5002", "User-Agent": "tests/2"}, method="POST", data="x")
    srv_both.get("/three", "https01", headers={"Host": "http.test"})
    events = srv_both.history("http", "http.test")
    if srv_both.kind != "debian":
        assert [e.pop("UserAgent")[:7] for e in events] == ["tests/1", "tests/2", "python-"]
    assert events == [
        {"URL": "/one?a=%20b", "Host": "http.test", "HTTPS": False, "ServerName": ""},
        {"URL": "/two", "Host": "http.test:5002", "HTTPS": False, "ServerName": ""},
        {"URL": "/three", "Host": "http.test", "HTTPS": True, "ServerName": ""}]
    srv_both.tell("/clear-request-history", host="http.test", type="http")
    assert srv_both.history("http", "http.test") == []


def test_history_has_the_server_name(srv_both):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with socket.create_connection(("127.0.0.1", srv_both.ports["https01"]), 10) as sock, \
            context.wrap_socket(sock, server_hostname="sni.test") as tls:
        tls.sendall(b"GET /x HTTP/1.1\r\nHost: host.test\r\n\r\n")
        assert tls.recv(4096)
    event = srv_both.history("http", "host.test")[0]
    assert (event["ServerName"], event["Host"], event["HTTPS"]) == ("sni.test", "host.test", True)


def test_history_of_an_ipv6_address(srv_both):
    srv_both.get("/six", headers={"Host": "[2001:db8::1]:80"})
    assert [e["URL"] for e in srv_both.history("http", "2001:db8::1")] == ["/six"]


@pytest.mark.parametrize("target", ("http://x.test/\r\nX: y", "a\x7f"))
def test_redirect_with_control_characters(srv, target):
    """2.4.0 puts blanks for them."""
    reply = srv.post("/add-redirect", path="/bad", targetURL=target)
    assert (reply.status_code, reply.text) == (400, "targetURL holds a control character\n")
