"""Hostile HTTP, byte by byte (RFC 9110, 9112; RFC 8555, 6.1 to 6.3)."""
import json
import socket
import time

import pytest
from harness.acme import JOSE, Client, check_problem
from harness.raw import Answer, connect, exchange, read_all

CLOSE = "Host: localhost\r\nConnection: close\r\n"


def request(line, headers="", body=b""):
    return f"{line} HTTP/1.1\r\n{CLOSE}{headers}\r\n".encode() + body


def post(path, body, headers="", content_type=JOSE):
    return request(f"POST {path}",
                   f"Content-Type: {content_type}\r\nContent-Length: {len(body)}\r\n{headers}", body)


def chunked(path, body, size=1000):
    pieces = b"".join(b"%x\r\n%s\r\n" % (len(body[i:i + size]), body[i:i + size])
                      for i in range(0, len(body), size))
    return request(f"POST {path}", f"Content-Type: {JOSE}\r\nTransfer-Encoding: chunked\r\n",
                   pieces + b"0\r\n\r\n")


# id -> (bytes, status, words of the detail). Status None: closed without an answer is fine too.
CASES = {
    "rfc9112-3-no-such-path": (request("GET /nothing"), 404, "no such resource"),
    "rfc9112-3-query": (request("GET /directory?x=1"), 404, "query"),
    "rfc9112-3-path-traversal": (request("GET /../../etc/passwd"), 404, "no such resource"),
    "rfc9112-3-encoded-traversal": (request("GET /%2e%2e/%2e%2e/etc/passwd"), 404, "no such resource"),
    "rfc9112-3-encoded-directory": (request("GET /%64irectory"), 404, "no such resource"),
    "rfc9112-3-double-slash": (request("GET //directory"), 404, "no such resource"),
    "rfc9112-3-trailing-slash": (request("GET /directory/"), 404, "no such resource"),
    "rfc9112-3-case": (request("GET /Directory"), 404, "no such resource"),
    "rfc9112-3-nul-in-path": (request("GET /directory%00"), 404, "no such resource"),
    "rfc9112-3-path-of-8-kib": (request("GET /" + "a" * 8000), 404, "no such resource"),
    "rfc8555-6.3-get-new-order": (request("GET /new-order"), 405, "GET is not served"),
    "rfc8555-6.3-trace": (request("TRACE /new-order"), 405, "TRACE"),
    "rfc8555-6.3-made-up-method": (request("HELLO /new-order"), 405, "HELLO"),
    "rfc8555-6.3-long-method": (request("A" * 500 + " /new-order"), 405, "not served"),
    "rfc8555-6.2-no-content-type": (request("POST /new-order", "Content-Length: 2\r\n", b"{}"), 415,
                                    "application/jose+json"),
    "rfc8555-6.2-json-content-type": (post("/new-order", b"{}", content_type="application/json"), 415,
                                      "application/jose+json"),
    "rfc8555-6.2-multipart": (post("/new-order", b"--a\r\n\r\n--a--",
                                   content_type="multipart/form-data; boundary=a"),
                              415, "application/jose+json"),
    "rfc9110-8.4-gzip": (post("/new-order", b"\x1f\x8b", "Content-Encoding: gzip\r\n"), 415,
                         "Content-Encoding"),
    "rfc9110-8.6-body-65537": (post("/new-order", b"x" * 65537), 413, "65536"),
    "rfc9110-8.6-body-500-kib": (post("/new-order", b"x" * 500000), 413, "65536"),
    "rfc9112-7.1-chunked-70-kib": (chunked("/new-order", b"x" * 70000), 413, "65536"),
    "rfc9112-7.1-chunked-is-fine": (chunked("/new-order", b'{"a":1}'), 400, "JWS"),
    "rfc9112-6.1-two-framings": (post("/new-order", b"0\r\n\r\n", "Transfer-Encoding: chunked\r\n"), 400,
                                 "both Content-Length and Transfer-Encoding"),
    "rfc8555-6.2-no-body": (request("POST /new-order", f"Content-Type: {JOSE}\r\nContent-Length: 0\r\n"), 400,
                            "empty"),
    "rfc8259-binary": (post("/new-order", bytes(range(256))), 400, "JSON"),
}


@pytest.mark.parametrize("case", CASES, ids=list(CASES))
def test_hostile_request(server, case):
    data, status, words = CASES[case]
    answer = exchange(server, data)
    assert answer is not None and answer.status == status, answer and answer.status
    assert answer.headers["content-type"] == "application/problem+json"
    problem = json.loads(answer.body)
    assert problem["type"].endswith(":malformed") and problem["status"] == status
    assert words in problem["detail"], problem
    assert 'rel="index"' in answer.headers["link"]
    if status == 405:
        assert "POST" in answer.headers["allow"]


# What no answer need be given to, as long as nothing breaks: id -> (bytes, statuses).
BROKEN = {
    "rfc9112-3-not-http": (b"hello\r\n\r\n", (None, 400)),
    "rfc9112-3-http-2-preface": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", (None, 400, 404, 405, 505)),
    "rfc9112-2.3-http-9": (b"GET /directory HTTP/9.9\r\nHost: a\r\n\r\n", (None, 400, 505)),
    "rfc9112-3.2-no-host": (b"GET /directory HTTP/1.1\r\nConnection: close\r\n\r\n", (None, 400)),
    "rfc9112-5-header-space": (b"GET /directory HTTP/1.1\r\nHost : a\r\nConnection: close\r\n\r\n",
                               (None, 400)),
    "rfc9112-5.2-folding": (b"GET /directory HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\nConnection: close\r\n\r\n",
                            (None, 400, 200)),
    "rfc9112-5-no-colon": (b"GET /directory HTTP/1.1\r\nHost: a\r\nnonsense\r\nConnection: close\r\n\r\n",
                           (None, 400)),
    "rfc9112-6.3-negative-length": (request("POST /new-order",
                                            f"Content-Type: {JOSE}\r\nContent-Length: -1\r\n"),
                                    (None, 400)),
    "rfc9112-6.3-huge-length": (request("POST /new-order",
                                        f"Content-Type: {JOSE}\r\nContent-Length: {2 ** 70}\r\n"),
                                (None, 400, 413)),
    "rfc9112-6.3-length-words": (request("POST /new-order",
                                         f"Content-Type: {JOSE}\r\nContent-Length: ten\r\n"),
                                 (None, 400)),
    "rfc9112-7.1-bad-chunk": (request("POST /new-order",
                                      f"Content-Type: {JOSE}\r\nTransfer-Encoding: chunked\r\n",
                                      b"zz\r\nab\r\n"), (None, 400)),
    "rfc9112-5-header-20-kib": (request("GET /directory", "X: " + "a" * 20000 + "\r\n"), (None, 400, 431)),
    "rfc9112-5-1000-headers": (request("GET /directory", "".join(f"X{i}: abcdefghij\r\n"
                                                                 for i in range(1000))),
                               (None, 400, 431)),
    "rfc9112-3-url-100-kib": (request("GET /" + "a" * 100000), (None, 400, 414, 431)),
    "rfc9112-body-2-mib": (post("/new-order", b"x" * (2 << 20)), (None, 413)),
    "random-bytes": (bytes((i * 7919 >> 3) & 255 for i in range(4000)), (None, 400, 431)),
}


@pytest.mark.parametrize("case", BROKEN, ids=list(BROKEN))
def test_broken_request(server, shared, case):
    data, statuses = BROKEN[case]
    answer = exchange(server, data)
    assert (answer.status if answer else None) in statuses
    assert shared.http.get(server.directory_url).status_code == 200      # and everybody else is served


def test_oversize_header_is_answered(server):
    answer = exchange(server, request("GET /directory", "X: " + "a" * 30000 + "\r\n"))
    assert answer is not None and answer.status == 431


def test_plain_http_to_the_tls_port(server, shared):
    with socket.create_connection(("127.0.0.1", server.port), 10) as sock:
        sock.sendall(request("GET /directory"))
        answer = read_all(sock)
    assert not answer.startswith(b"HTTP/1.1 200")
    assert shared.http.get(server.directory_url).status_code == 200


def test_rfc8555_6_1_acme_is_not_on_the_plain_listener(server):
    for path in ("/directory", "/new-nonce", "/new-order"):
        answer = exchange(server, request(f"GET {path}"), plain=True)
        assert answer.status in (404, 405), path
    answer = exchange(server, post("/new-account", b"{}"), plain=True)
    assert answer.status == 405


def test_rfc9112_9_3_2_pipelining(server):
    line = b"GET /directory HTTP/1.1\r\nHost: localhost\r\n\r\n"
    answer = exchange(server, line * 4 + request("GET /directory"))
    assert answer.body.count(b"HTTP/1.1 200 OK") == 4       # and the one whose head is parsed


def test_rfc9110_10_1_1_expect_continue(server):
    """A refused body need not be sent."""
    with connect(server) as sock:
        sock.sendall(f"POST /new-order HTTP/1.1\r\n{CLOSE}Content-Type: text/plain\r\nContent-Length: 60000\r\n"
                     "Expect: 100-continue\r\n\r\n".encode())
        assert Answer(read_all(sock)).status == 415


def test_client_that_hangs_up_in_the_middle(server, shared):
    for cut in (10, 60, 200):
        with connect(server) as sock:
            sock.sendall(post("/new-order", b"x" * 1000)[:cut])
    body = json.dumps(shared.jws(shared.directory["newOrder"], {"identifiers": [
        {"type": "dns", "value": "hangup.test"}]})).encode()
    for _ in range(20):                     # hang up while ra works
        with connect(server) as sock:
            sock.sendall(post("/new-order", body))
    assert shared.get(shared.kid).status_code == 200


def test_header_injection_by_location(server, shared):
    """Nothing a client sends comes back in a header."""
    evil = "x\r\nSet-Cookie: a=b"
    reply = shared.http.get(server.url + "/%0d%0aSet-Cookie:a=b")
    assert reply.status_code == 404 and "Set-Cookie" not in reply.headers
    reply = shared.post(shared.directory["newOrder"], {"identifiers": [], "profile": evil})
    assert "Set-Cookie" not in reply.headers


def test_log_lines_cannot_be_forged(server):
    client = Client(server)
    client.http.headers["User-Agent"] = 'agent" status=200 role="admin'
    url = client.directory["newOrder"]
    value = "a\n2026-01-01T00:00:00.000Z info ra forged"
    reply = client.post(url, {"identifiers": [{"type": "dns", "value": value}]})
    check_problem(reply, "malformed", 400)
    line = server.wait_log(f"request id={reply.headers['Request-Id']} .*")[0]
    assert '\\" status=200 role=\\"admin' in line
    assert not [one for one in server.log().splitlines() if one.startswith("2026-01-01")]


def test_slow_request_is_dropped_and_others_are_served(make_server):
    """Slow loris: a byte now and then does not hold a connection beyond wfe.request_time."""
    server = make_server({"wfe": {"request_time": "2s", "idle_time": "3s"}})
    slow = [connect(server) for _ in range(30)]
    for sock in slow:
        sock.sendall(b"POST /new-order HTTP/1.1\r\nHost: localhost\r\n")
    begin, client = time.monotonic(), Client(server)
    dropped = {}
    while len(dropped) < len(slow) and time.monotonic() - begin < 8:
        for i, sock in enumerate(slow):
            try:
                sock.sendall(b"X")
            except OSError:
                dropped.setdefault(i, time.monotonic() - begin)
        assert client.get(client.kid).elapsed.total_seconds() < 1
        time.sleep(0.2)
    assert len(dropped) == 30 and 1 < max(dropped.values()) < 6, dropped
    for sock in slow:
        sock.close()
