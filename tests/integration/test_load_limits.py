"""Many clients at once, and the limits that keep a few from taking everything (issue: front end)."""
import contextlib
import os
import resource
import socket
import ssl
import threading
import time

import pytest
import requests
from harness.acme import Client
from harness.keys import Key
from harness.proc import status
from harness.raw import connect, read_one, tls_context
from harness.server import SLOW

pytestmark = pytest.mark.alone

GET = b"GET /directory HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.fixture(autouse=True)
def descriptors():
    """2,000 connections and more are ours too."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 16384), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def descriptors_of(pid):
    """What its descriptors are; those that close meanwhile are left out."""
    targets = []
    for fd in os.listdir(f"/proc/{pid}/fd"):
        with contextlib.suppress(FileNotFoundError):
            targets.append(os.readlink(f"/proc/{pid}/fd/{fd}"))
    return targets


def open_many(server, count, threads=8):
    """TLS connections, each idle from then on; handshakes come from several threads."""
    context = tls_context(server)
    first = connect(server, context)
    first.sendall(GET)
    read_one(first)
    made, failed, lock = [first], [], threading.Lock()

    def work(n):
        for _ in range(n):
            try:
                sock = connect(server, context, timeout=30)
                with lock:
                    made.append(sock)
            except (OSError, ssl.SSLError) as e:
                failed.append(e)

    workers = [threading.Thread(target=work, args=(count // threads,)) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return made, failed


def test_2000_idle_and_200_busy(make_server):
    server = make_server(start=False)
    # wfe.connections is shared out among the listeners: one, as signet init writes it
    server.configure({"wfe": {"listen": [f"127.0.0.1:{server.port}"]}})
    server.start()
    key = Key()
    Client(server, key)
    idle, failed = open_many(server, 2000)
    try:
        assert failed == [] and len(idle) >= 2000
        answers, lock = [], threading.Lock()

        def busy():
            client = Client(server, key)
            for _ in range(3):
                reply = client.get(client.kid)
                with lock:
                    answers.append((reply.status_code, reply.elapsed.total_seconds()))

        begin = time.monotonic()
        workers = [threading.Thread(target=busy) for _ in range(200)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        assert [code for code, _ in answers] == [200] * 600, len(answers)
        assert time.monotonic() - begin < 30 * SLOW
        begin = time.monotonic()
        Client(server, key).issue(["crowded.test"])
        assert time.monotonic() - begin < 3 * SLOW
        # the idle ones are alive still
        for sock in idle[::200]:
            sock.sendall(GET)
            assert read_one(sock).status == 200
        assert int(status(server.roles()["wfe"])["VmRSS"].split()[0]) < 400_000 * SLOW      # kB
    finally:
        for sock in idle:
            sock.close()
    assert server.stop() == 0
    assert "role died" not in server.log()


@pytest.mark.skipif(SLOW > 1, reason="a sanitizer keeps what was freed")
def test_a_crowd_s_memory_is_given_back(make_server):
    server = make_server()

    def resident():
        return int(status(server.roles()["wfe"])["VmRSS"].split()[0])      # kB

    before = resident()
    crowd, _ = open_many(server, 1000)
    taken = resident() - before
    for sock in crowd:
        sock.close()
    assert taken > 20_000
    until = time.monotonic() + 10
    while resident() - before > taken // 3:
        assert time.monotonic() < until, (before, taken, resident())
        time.sleep(0.1)


def test_connection_limit(make_server):
    """There are never more than wfe.connections; when some leave, others get in, and the plain listener has its own
    share."""
    server = make_server({"wfe": {"connections": 64, "threads": 1}}, start=False)
    server.configure({"wfe": {"listen": [f"127.0.0.1:{server.port}"], "plain_listen":
                              [f"127.0.0.1:{server.plain_port}"]}})
    server.start()
    context, made = tls_context(server), []
    for _ in range(80):
        try:
            made.append(connect(server, context, timeout=2))
        except (OSError, ssl.SSLError):
            break
    sockets = sum(target.startswith("socket:") for target in descriptors_of(server.roles()["wfe"]))
    assert len(made) >= 40 and 20 <= sockets <= 64 + 10, (len(made), sockets)     # listeners and wires are some
    assert requests.get(server.plain_url + "/root.pem", timeout=5).status_code == 200
    for sock in made:
        sock.close()
    time.sleep(0.3)
    assert Client(server).kid


def test_one_address_does_not_keep_the_others_out(make_server):
    """When most connections are taken, idle ones of an address that has many make room, those that never said a
    word first of all; what is left of its share stays open."""
    server = make_server({"wfe": {"connections": 128, "threads": 1}}, start=False)
    server.configure({"wfe": {"listen": [f"127.0.0.1:{server.port}"], "plain_listen":
                              [f"127.0.0.1:{server.plain_port}"]}})
    server.start()
    greedy = [socket.create_connection(("127.0.0.1", server.port), 5, source_address=("127.0.0.2", 0))
              for _ in range(200)]
    begin = time.monotonic()
    assert Client(server).kid       # from 127.0.0.1
    assert time.monotonic() - begin < 6 * SLOW
    server.wait_log("slow clients dropped", timeout=5)
    for sock in greedy:
        sock.close()


def test_idle_connections_are_closed(make_server):
    server = make_server({"wfe": {"idle_time": "1s", "request_time": "1s"}})
    with connect(server) as sock:
        sock.sendall(GET)
        assert read_one(sock).status == 200
        begin = time.monotonic()
        sock.settimeout(10)
        assert sock.recv(1) == b""
        assert 0.5 < time.monotonic() - begin < 6


def test_handshake_that_never_ends(make_server):
    server = make_server({"wfe": {"idle_time": "1s", "request_time": "1s"}})
    with socket.create_connection(("127.0.0.1", server.port), 10) as sock:
        sock.sendall(b"\x16\x03\x01")
        begin = time.monotonic()
        while sock.recv(4096):
            pass
        assert time.monotonic() - begin < 8


def test_client_that_does_not_read(make_server):
    """Answers nobody fetches don't hold the server."""
    server = make_server({"wfe": {"idle_time": "2s", "request_time": "2s"}})
    lazy = [connect(server) for _ in range(20)]
    for sock in lazy:
        sock.settimeout(0.2)
        try:
            for _ in range(400):
                sock.sendall(GET * 20)
        except (OSError, ssl.SSLError):
            pass
    client = Client(server)
    assert client.get(client.kid).elapsed.total_seconds() < 2
    for sock in lazy:
        sock.close()


def test_flood_of_garbage(server, shared):
    """Garbage costs the one who sends it; others are served meanwhile."""
    stop, sent = [], []

    def flood():
        client = Client(server, register=False)
        while not stop:
            client.send(client.directory["newOrder"], {"protected": "e30", "payload": "", "signature": "AA"})
            sent.append(1)

    workers = [threading.Thread(target=flood) for _ in range(8)]
    for worker in workers:
        worker.start()
    begin = time.monotonic()
    shared.issue(["flooded.test"])
    took = time.monotonic() - begin
    stop.append(1)
    for worker in workers:
        worker.join()
    assert took < 5 * SLOW and sent


def test_same_account_concurrency(server):
    """A rival fails when one account does several things at once (PROTOCOL.md, D)."""
    key, issued, failed = Key(), [], []
    Client(server, key)

    def work(i):
        try:
            issued.append(Client(server, key).issue([f"same{i}.test", "shared.test"]).leaf.serial_number)
        except AssertionError as e:
            failed.append(e)

    workers = [threading.Thread(target=work, args=(i,)) for i in range(16)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert failed == [] and len(set(issued)) == 16
