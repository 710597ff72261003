"""The four roles as the kernel sees them, and what happens when they die or are told to stop
(DESIGN.md, 1; issue: supervisor and roles)."""
import base64
import os
import re
import signal
import socket
import threading
import time

import pytest
from cryptography.hazmat.primitives import serialization
from harness import proc
from harness.acme import Client, check_problem
from harness.ports import free_port
from harness.raw import connect
from harness.server import ROLES, SLOW, Server

AS_ROOT = os.geteuid() == 0


@pytest.fixture(scope="module", params=["root", "plain"] if AS_ROOT else ["plain"])
def running(request, names, responder):
    """One server started as root, whose roles get users of their own, and one as a plain user."""
    server = Server(names, responder, user="nobody" if AS_ROOT and request.param == "plain" else None)
    server.by_root = request.param == "root"
    Client(server).issue(["running.test"])
    with connect(server) as sock:           # an open connection: its descriptor belongs to wfe alone
        sock.sendall(b"GET /")
        yield server
    assert server.stop() == 0
    server.close()


def test_four_roles_run(running):
    assert sorted(running.roles()) == sorted(ROLES)


@pytest.mark.parametrize("role", ROLES)
def test_status(running, role):
    status = proc.status(running.roles()[role])
    assert status["Seccomp"] == "2"                         # a filter
    assert status["NoNewPrivs"] == "1"
    for capabilities in ("CapInh", "CapPrm", "CapEff", "CapAmb") + (("CapBnd",) if running.by_root else ()):
        assert int(status[capabilities], 16) == 0, (capabilities, status[capabilities])
    if running.by_root:
        assert status["Groups"].strip() == ""
        assert "0" not in status["Uid"].split() and "0" not in status["Gid"].split()


@pytest.mark.parametrize("role", ROLES)
def test_every_thread_is_confined(running, role):
    pid = running.roles()[role]
    for task in proc.tasks(pid):
        status = proc.status(f"{pid}/task/{task}")
        assert (status["Seccomp"], status["NoNewPrivs"], int(status["CapEff"],
                                                             16)) == ("2", "1", 0), status["Name"]


def test_users_differ(running):
    users = {role: proc.status(pid)["Uid"].split()[0] for role, pid in running.roles().items()}
    if running.by_root:
        assert len(set(users.values())) == 4, users
    else:
        assert len(set(users.values())) == 1 and "0" not in users.values()


@pytest.mark.parametrize("role", ROLES)
def test_not_dumpable(running, role):
    """The kernel gives the files of a process that may not be dumped to root."""
    pid = running.roles()[role]
    assert os.stat(f"/proc/{pid}/environ").st_uid == 0
    with open(f"/proc/{pid}/limits", encoding="ascii") as f:
        assert re.search(r"Max core file size\s+0\s+0", f.read())


@pytest.mark.parametrize("role", ROLES)
def test_root_folder(running, role):
    pid = running.roles()[role]
    if not running.by_root:
        # Only root can change its root folder; for others Landlock stands in (tests/unit/test_sandbox.c).
        assert os.readlink(f"/proc/{pid}/root") == "/"
        return
    own = {"ra": ("signet.db", "admin.sock"), "ca": ("0000",)}.get(role, ())
    seen = os.listdir(f"/proc/{pid}/root/")
    assert all(name.startswith(own) for name in seen) and (own or not seen), seen


@pytest.mark.skipif(not AS_ROOT, reason="only root reads the descriptors of what may not be dumped")
@pytest.mark.parametrize("role", ROLES)
def test_descriptors(running, role):
    """No role holds a file but ra's database and ca's ledger; nobody holds a key's file; ca has no network. One socket
    has a name: the administrators'."""
    pid = running.roles()[role]
    files = [target for target in proc.descriptors(pid).values()
             if target.startswith("/") and not target.startswith("/dev/") and target != running.log_file]
    allowed = {"wfe": (), "va": (), "ra": ("signet.db",), "ca": ("ledger",)}[role]
    for target in files:
        assert any(word in target for word in allowed), (role, files)
    if role in ("wfe", "va"):
        assert files == []
    if role in ("ra", "ca"):
        assert files
    network = proc.internet_sockets(pid)
    if role in ("ra", "ca"):
        assert network == [], network
    assert proc.named_sockets(pid) == (["admin.sock"] if role == "ra" else [])
    if role == "wfe":
        assert len(network) >= 3            # its listeners and our connection


@pytest.mark.skipif(not AS_ROOT, reason="only root reads the descriptors of what may not be dumped")
def test_supervisor_reads_nothing_from_the_network(running):
    """It holds the listening sockets, and no connection, key or database."""
    files = [target for target in proc.descriptors(running.process.pid).values() if target.startswith("/")
             and not target.startswith("/dev/") and target != running.log_file]
    assert not [name for name in files if "keys" in name or "signet.db" in name or "ledger" in name], files
    assert proc.status(running.process.pid)["NoNewPrivs"] == "1"
    # chown, dac_override, dac_read_search, fowner, kill, setgid, setuid, setpcap, net_bind_service, net_admin,
    # sys_chroot, sys_resource
    allowed = sum(1 << bit for bit in (0, 1, 2, 3, 5, 6, 7, 8, 10, 12, 18, 24))
    assert int(proc.status(running.process.pid)["CapEff"], 16) & ~allowed == 0


@pytest.mark.skipif(not AS_ROOT, reason="only root reads the files of a role's user")
def test_the_database_holds_no_secret_key(running):
    """Who gets a copy of it, a backup for instance, can sign nothing with it: neither certificates nor evidence."""
    client = Client(running)
    client.issue(["thief.test"])
    secrets = {}
    for name in os.listdir(f"{running.home}/keys"):
        with open(f"{running.home}/keys/{name}", "rb") as f:
            data = f.read()
        if data.startswith(b"-----BEGIN"):
            number = serialization.load_pem_private_key(data, None).private_numbers().private_value
            data = number.to_bytes((number.bit_length() + 7) // 8, "big")
        secrets[name] = data
    assert {"evidence.key", "intermediate.pem"} <= set(secrets) and all(len(one) >= 30 for one in secrets.values())
    kept = b""
    for name in os.listdir(f"{running.home}/data"):
        if name.startswith("signet.db"):
            with open(f"{running.home}/data/{name}", "rb") as f:
                kept += f.read()
    assert b"thief.test" in kept
    for name, secret in secrets.items():
        for form in (secret, secret.hex().encode(), secret.hex().upper().encode(), base64.b64encode(secret).rstrip(b"="),
                     base64.urlsafe_b64encode(secret).rstrip(b"=")):
            assert form not in kept, name


@pytest.mark.skipif(not AS_ROOT, reason="only root reads the environment of what may not be dumped")
@pytest.mark.parametrize("role", ROLES)
def test_environment_is_empty(running, role):
    with open(f"/proc/{running.roles()[role]}/environ", "rb") as f:
        variables = {one.split(b"=")[0] for one in f.read().split(b"\0") if one}
    for_sanitizers = {name for name in variables if name.endswith(b"SAN_OPTIONS")}
    assert variables - for_sanitizers <= {b"SIGNET_SANDBOX_TRACE", b"TZ", b"PATH", b"LANG"}, variables


# --- death -------------------------------------------------------------------------------------------

class Knocking:
    """Connects all the time; counts refusals."""

    def __init__(self, port):
        self.port, self.connected, self.refused, self.stop = port, 0, [], False
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        while not self.stop:
            try:
                socket.create_connection(("127.0.0.1", self.port), 10).close()
                self.connected += 1
            except OSError as e:
                self.refused.append(e)
            time.sleep(0.002)

    def end(self):
        self.stop = True
        self.thread.join()
        assert self.connected > 10
        assert self.refused == []


@pytest.fixture(scope="module")
def mortal(names, responder):
    server = Server(names, responder)
    yield server
    server.close()


@pytest.mark.alone
@pytest.mark.parametrize("role", ROLES)
def test_kill_9(mortal, role):
    """All roles are back within a second, no connection is refused, and the account is still known."""
    client = Client(mortal)
    before = mortal.roles()
    knocking = Knocking(mortal.port)
    begin, offset = time.monotonic(), len(mortal.log())
    os.kill(before[role], signal.SIGKILL)
    mortal.wait_log(r" ready url=", since=offset)
    took = time.monotonic() - begin
    knocking.end()
    after = mortal.roles()
    assert sorted(after) == sorted(ROLES) and after[role] != before[role]
    assert took < 1 * SLOW, took
    client = Client(mortal, client.key)
    assert client.issue([f"after-{role}.test"]).names == [f"after-{role}.test"]
    assert f"which={role}" in mortal.log()[offset:]         # the log says who died, and how


def test_kill_9_during_a_validation(mortal, names):
    """What was begun is driven to its end by the next start (DESIGN.md, rule 4)."""
    names.set("slow-revive.test", a=["127.0.0.1"], delay=1)
    client = Client(mortal)
    order = client.order(["slow-revive.test"])
    url = order.json()["authorizations"][0]
    client.post(client.challenge(url)["url"], {})
    offset = len(mortal.log())
    os.kill(mortal.roles()["ra"], signal.SIGKILL)
    mortal.wait_log(r" ready url=", since=offset)
    again = Client(mortal, client.key)
    assert again.poll(url, ("valid", "invalid")).json()["status"] == "valid"


def test_kill_9_of_the_supervisor(make_server):
    """Nobody outlives it."""
    server = make_server()
    roles = server.roles()
    server.process.kill()
    server.process.wait()
    until = time.monotonic() + 5
    while any(os.path.exists(f"/proc/{pid}") and proc.status(pid)["State"][0] != "Z"
              for pid in roles.values()):
        assert time.monotonic() < until, roles
        time.sleep(0.02)


def test_start_at_once_after_kill_9_of_the_supervisor(make_server):
    """The roles that are still dying hold the ports, with all their connections; whoever starts it again doesn't see it."""
    server = make_server()
    for turn in range(3):
        held = [socket.create_connection(("127.0.0.1", server.port), 10) for _ in range(300)]
        server.process.kill()
        server.process.wait()
        server.start()
        assert Client(server).issue([f"again-{turn}.test"]).names == [f"again-{turn}.test"]
        for sock in held:
            sock.close()


def test_restart_keeps_everything(make_server):
    server = make_server()
    client = Client(server)
    issued = client.issue(["kept.test"])
    assert server.stop() == 0
    server.start()
    again = Client(server, client.key)
    assert again.kid == client.kid
    assert again.get(issued.order["certificate"]).text == issued.pem
    # a nonce of the life before is refused, and the answer brings a good one
    old = client.nonces.pop()
    check_problem(again.post(again.kid, nonce=old), "badNonce", 400)
    assert again.get(again.kid).status_code == 200


# --- signals -----------------------------------------------------------------------------------------

def test_sigterm_finishes_what_is_in_hand(make_server):
    """A request on its way when SIGTERM comes is answered; then the exit code is 0."""
    server = make_server({"ra": {"finalize_wait": "3s"}})
    server.names.set("term.test", a=["127.0.0.1"], delay=1)
    client = Client(server)
    url = client.challenge(client.order(["term.test"]).json()["authorizations"][0])["url"]
    body = client.jws(url, {})                              # it waits for the validation
    answers = []
    thread = threading.Thread(target=lambda: answers.append(client.send(url, body)))
    thread.start()
    time.sleep(0.3)
    assert not answers
    assert server.stop() == 0
    thread.join()
    assert answers[0].status_code == 200
    assert not re.search(r" error |role died", server.log()), server.log()[-3000:]
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.1", server.port), 2)


def test_sigint_too(make_server):
    server = make_server()
    server.signal(signal.SIGINT)
    assert server.process.wait(15) == 0


def test_sighup_takes_a_new_policy(make_server):
    server = make_server()
    client = Client(server)
    identifiers = {"identifiers": [{"type": "dns", "value": "late.newzone.example2"}]}
    check_problem(client.post(client.directory["newOrder"], identifiers), "rejectedIdentifier", 400)
    pending = client.order(["before.test"])
    server.configure({"ra": {"policy": {"allow": ["*.newzone.example2"]}}})
    knocking, offset = Knocking(server.port), len(server.log())
    server.signal(signal.SIGHUP)
    server.wait_log(r" ready url=", since=offset, timeout=15)
    knocking.end()
    client = Client(server, client.key)
    assert client.post(client.directory["newOrder"], identifiers).status_code == 201
    check_problem(client.post(client.directory["newOrder"],
                              {"identifiers": [{"type": "dns", "value": "a.test"}]}),
                  "rejectedIdentifier", 400)
    assert client.get(pending.headers["Location"]).json()["status"] == "pending"
    assert " error " not in server.log()[offset:], server.log()[offset:]


def test_sighup_with_a_new_listener(make_server):
    server = make_server()
    port = free_port()
    server.configure({"wfe": {"listen": [f"127.0.0.1:{server.port}", f"127.0.0.1:{port}"]}})
    offset = len(server.log())
    server.signal(signal.SIGHUP)
    server.wait_log(r" ready url=", since=offset)
    for one in (server.port, port):
        socket.create_connection(("127.0.0.1", one), 5).close()


@pytest.mark.parametrize("change, words", [
    ({"ra": {"polcy": {}}}, "polcy"), ({"va": {"timeout": "soon"}}, "va.timeout"),
    ({"wfe": {"listen": ["192.0.2.77:9443"]}}, "192.0.2.77"),
], ids=["unknown-key", "bad-duration", "foreign-address"])
def test_sighup_with_a_broken_configuration(mortal, change, words):
    """It goes on with the old one, and says what is wrong with the new."""
    with open(mortal.yaml, encoding="utf-8") as f:
        before = f.read()
    roles, offset = mortal.roles(), len(mortal.log())
    mortal.configure(change)
    mortal.signal(signal.SIGHUP)
    line = mortal.wait_log(r"configuration refused, the old one stays.*", since=offset)[0]
    assert words in line
    assert mortal.roles() == roles
    assert Client(mortal).kid
    with open(mortal.yaml, "w", encoding="utf-8") as f:
        f.write(before)


def test_sighup_with_issuer_files_gone(make_server):
    """Sound as text, but its ca can't start: back to the configuration that worked."""
    server = make_server()
    server.configure({"ca": {"issuers": [{"certificate": "pki/none.pem", "key": "keys/none.pem"}]}})
    offset = len(server.log())
    server.signal(signal.SIGHUP)
    server.wait_log(r"back to the one before", since=offset, timeout=15)
    server.wait_log(r" ready url=", since=offset, timeout=15)
    assert Client(server).issue(["rolledback.test"])


# --- start -------------------------------------------------------------------------------------------

def test_second_server_on_the_same_ports(server):
    done = server.run("run", "--dir", server.home, check=False)
    assert done.returncode == 1
    assert str(server.port) in done.stderr and "another program has this port" in done.stderr
    assert "wfe.listen" in done.stderr and "wfe.plain_listen" in done.stderr        # both at once


@pytest.mark.alone
def test_ready_line(make_server):
    server = make_server(start=False)
    begin = time.monotonic()
    server.start()
    assert time.monotonic() - begin < 3 * SLOW
    lines = [line for line in server.log().splitlines() if " ready " in line]
    assert len(lines) == 1 and server.directory_url in lines[0]


def test_newer_database_is_refused(make_server):
    import sqlite3
    server = make_server()
    server.stop()
    db = sqlite3.connect(f"{server.home}/data/signet.db")
    tables = [row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    version = next((name for name in tables if "schema" in name or "migration" in name), None)
    if version:
        column = db.execute(f"SELECT * FROM {version}").description[0][0]
        db.execute(f"UPDATE {version} SET {column} = 9999")
    else:
        db.execute("PRAGMA user_version = 9999")
    db.commit()
    db.close()
    server.start(wait=False)
    assert server.process.wait(15) == 1
    assert "newer" in server.log(), server.log()[-2000:]


@pytest.mark.parametrize("user", ["root", "plain"] if AS_ROOT else ["plain"])
def test_sandbox_trace_of_a_whole_life(make_server, user):
    """SIGNET_SANDBOX_TRACE=1 logs instead of kills: the allow-lists are complete when nothing is logged."""
    server = make_server({"wfe": {"metrics_listen": f"127.0.0.1:{free_port()}"}},
                         user="nobody" if AS_ROOT and user == "plain" else None, env={"SIGNET_SANDBOX_TRACE": "1"})
    server.responder.by_host["trace-fails.test"] = {"status": 404}
    server.names.set("trace-nx.test", rcode="NXDOMAIN")
    server.names.set("trace-refused.test", a=["127.0.0.2"])
    client = Client(server, contact=["mailto:a@example.test"])
    client.issue(["trace.test", "trace2.test", "app.localhost"])
    client.authorize(client.order(["trace-fails.test", "trace-nx.test", "trace-refused.test"]).json())
    client.post(client.directory["newOrder"], {})
    client.http.get(server.plain_url + "/", timeout=10)
    client.http.get(server.plain_url + "/root.pem", timeout=10)
    client.post(client.kid, {"status": "deactivated"})
    threads = [threading.Thread(target=lambda i=i: Client(server).issue([f"trace{i}.test"]))
               for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert server.stop() == 0
    forbidden = [line for line in server.log().splitlines() if "forbidden system call" in line]
    assert forbidden == []
