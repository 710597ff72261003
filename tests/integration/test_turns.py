"""Who asks for much and gets nothing from it waits while others are there (wfe/turns.h): what is his is done, but later."""
import contextlib
import json
import re
import socket
import threading
import time

import pytest
from harness.acme import Client, check_problem
from harness.raw import read_one, tls_context

GREEDY, OTHER = "127.0.0.2", "127.0.0.3"
GET = b"GET /directory HTTP/1.1\r\nHost: localhost\r\n\r\n"
WAITS = "clients that ask for much wait for their turn"


@pytest.fixture
def server(make_server):
    return make_server()


def connect(server, source):
    sock = socket.create_connection(("127.0.0.1", server.port), 20, source_address=(source, 0))
    return tls_context(server).wrap_socket(sock, server_hostname="localhost")


def ask(sock, data=GET):
    sock.sendall(data)
    return read_one(sock).status


@contextlib.contextmanager
def presence(server):
    """Somebody else asks now and then."""
    gone, there = threading.Event(), threading.Event()
    statuses = []

    def work():
        with connect(server, OTHER) as sock:
            while not gone.wait(0.1 if statuses else 0):
                statuses.append(ask(sock))
                there.set()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        assert there.wait(20)
        yield
    finally:
        gone.set()
        thread.join()
    assert statuses and set(statuses) == {200}


def owe(sock):
    """More than is forgiven within ten seconds."""
    for _ in range(140):
        assert ask(sock) == 200


def waited(server):
    return sum(int(n) for n in re.findall(WAITS + r".*?requests=(\d+)", server.log()))


def test_alone_nobody_waits(server):
    with connect(server, GREEDY) as sock:
        owe(sock)
        owe(sock)
    time.sleep(1.2)     # it is logged once a second
    assert WAITS not in server.log()


def test_beside_others_the_greedy_wait_and_are_answered(server):
    with connect(server, GREEDY) as sock, presence(server):
        owe(sock)
        owe(sock)
        server.wait_log(WAITS, timeout=5)
        # a new connection waits before its handshake
        with connect(server, GREEDY) as another:
            assert ask(another) == 200
        body = b"x" * 70000
        head = b"POST /new-order HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/jose+json\r\nContent-Length: "
        assert ask(sock, head + b"3\r\n\r\n{}\n") == 400
        # RFC 9110, 10.1.1: "continue" comes after its turn
        sock.sendall(head + b"3\r\nExpect: 100-continue\r\n\r\n")
        assert sock.recv(100).startswith(b"HTTP/1.1 100 ")
        assert ask(sock, b"{}\n") == 400
        assert ask(sock, head + b"70000\r\n\r\n" + body) == 413
    time.sleep(1.2)
    assert waited(server) > 100


def test_those_who_get_certificates_never_wait(server):
    with presence(server):
        client = Client(server)
        for n in range(6):
            client.issue([f"turn{n}.test"])
    time.sleep(1.2)
    assert WAITS not in server.log()


def test_who_leaves_while_he_waits_is_no_loss(server):
    with connect(server, GREEDY) as sock, presence(server):
        owe(sock)
        many = [connect(server, GREEDY) for _ in range(20)]
        for leaving in many:
            leaving.sendall(GET)
            leaving.close()
        assert ask(sock) == 200


def test_rfc8555_6_6_requests_of_an_address_are_limited(make_server):
    """wfe.limits: so many of a kind at once; the others go on, and so do other addresses."""
    server = make_server({"wfe": {"limits": {"directory": "3/1h", "new_order": "2/1h"}}})
    with connect(server, GREEDY) as sock, connect(server, OTHER) as other:
        assert [ask(sock) for _ in range(4)] == [200, 200, 200, 429]
        sock.sendall(GET)
        refused = read_one(sock)
        assert refused.status == 429 and refused.headers["content-type"] == "application/problem+json"
        problem = json.loads(refused.body)
        assert problem["type"] == "urn:ietf:params:acme:error:rateLimited"
        assert "3/1h" in problem["detail"] and GREEDY in problem["detail"]
        assert 1000 < int(refused.headers["retry-after"]) <= 1200
        assert ask(sock, b"HEAD /new-nonce HTTP/1.1\r\nHost: localhost\r\n\r\n") == 200
        assert ask(other) == 200
    client = Client(server)     # its GET of the directory is its own address's first
    for n in range(2):
        client.order([f"limited{n}.test"])
    refused = client.post(server.url + "/new-order", {"identifiers": [{"type": "dns", "value": "limited2.test"}]})
    check_problem(refused, "rateLimited", 429, "2/1h")
    assert f'<{server.plain_url}/limits>;rel="help"' in refused.headers["Link"] and refused.headers["Replay-Nonce"]
    assert int(refused.headers["Retry-After"]) > 1700


@pytest.mark.parametrize("preset, limited", [("private", False), ("webpki", True)])
def test_limits_of_presets(make_server, preset, limited):
    server = make_server(init=("--preset", preset))
    with connect(server, GREEDY) as sock:
        statuses = [ask(sock) for _ in range(200)]
    assert (429 in statuses) is limited and statuses[:40] == [200] * 40
