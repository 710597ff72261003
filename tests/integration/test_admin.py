"""The administration socket and the commands that use it (DESIGN.md, 5)."""
import json
import os
import pwd
import re
import socket
import stat
import subprocess
import time

import pytest
import requests
from cryptography import x509
from harness import proc
from harness.acme import Client, check_problem
from harness.keys import Key
from harness.server import Server

AS_ROOT = os.geteuid() == 0


@pytest.fixture(scope="module")
def own(names, responder):
    server = Server(names, responder)
    yield server
    server.close()


@pytest.fixture(scope="module")
def still(names, responder):
    """Nothing happens there but issued."""
    server = Server(names, responder)
    yield server
    server.close()


@pytest.fixture(scope="module")
def issued(still):
    """Three certificates of two accounts; the last one is revoked."""
    first, second = Client(still, contact=["mailto:admin@example.org"]), Client(still)
    made = [first.issue(["one.test", "two.test"]), second.issue(["sub.two.test"]), first.issue(["gone.test"])]
    admin(still, "cert", "revoke", serial(made[2]), "--reason", "superseded")
    return first, second, made


def serial(issued):
    return f"{issued.leaf.serial_number:x}"


def admin(server, *args, check=True):
    return server.run(*args, "--dir", server.home, check=check)


def rows(server, *args):
    return [json.loads(line) for line in admin(server, *args, "--json").stdout.splitlines()]


def account_id(client):
    return client.kid.rsplit("/", 1)[1]


def dial(server):
    """A connection to the socket itself."""
    sock = socket.socket(socket.AF_UNIX)
    sock.settimeout(10)
    sock.connect(f"{server.home}/data/admin.sock")
    return sock


def lines(sock, request):
    """The answer to one request, as objects."""
    sock.sendall(request if isinstance(request, bytes) else json.dumps(request).encode() + b"\n")
    stream, found = sock.makefile("rb"), []
    for line in stream:
        found.append(json.loads(line))
        if "row" not in found[-1]:
            break
    return found


# --- lists ---------------------------------------------------------------------------------------------

def test_cert_list_filters(still, issued):
    first, second, (one, two, gone) = issued
    listed = rows(still, "cert", "list")
    assert [row["serial"].lstrip("0") for row in listed] == [serial(gone), serial(two), serial(one)]
    assert listed[2]["names"] == ["one.test", "two.test"] and listed[2]["account"] == account_id(first)

    def found(*args):
        return [row["serial"].lstrip("0") for row in rows(still, "cert", "list", *args)]

    assert found("--name", "two.test") == [serial(one)]
    assert found("--name", "*.two.test") == [serial(two)]
    assert found("--name", "TWO.test", "--state", "valid") == [serial(one)]
    assert found("--account", account_id(second)) == [serial(two)]
    assert found("--state", "revoked") == [serial(gone)]
    assert found("--state", "valid") == [serial(two), serial(one)]
    assert found("--state", "expired") == []
    assert found("--expiring-before", "91d") == [serial(one), serial(two), serial(gone)]    # first to end first
    assert found("--expiring-before", "89d") == []
    assert found("--expiring-before", "2099-01-01T00:00:00Z", "--account", account_id(second)) == [serial(two)]
    assert found("--serial", serial(two)) == [serial(two)]
    assert found("--serial", serial(two), "--state", "revoked") == []
    assert found("--limit", "1") == [serial(gone)]


def test_cert_list_for_people(still, issued):
    text = admin(still, "cert", "list", "--limit", "2").stdout.splitlines()
    assert text[0].split() == ["SERIAL", "STATE", "ENDS", "ACCOUNT", "NAMES"] and len(text) == 3
    assert "revoked" in text[1] and "gone.test" in text[1]


def test_cert_show(still, issued):
    shown, = rows(still, "cert", "show", serial(issued[2][0]))
    assert x509.load_pem_x509_certificate(shown["pem"].encode()) == issued[2][0].leaf
    assert shown["state"] == "valid" and shown["profile"] == "default"
    with_colons = ":".join(serial(issued[2][0]).rjust(36, "0")[i:i + 2] for i in range(0, 36, 2)).upper()
    assert "-----BEGIN CERTIFICATE-----" in admin(still, "cert", "show", with_colons).stdout


def test_accounts(still, issued):
    listed = rows(still, "account", "list")
    assert [row["id"] for row in listed] == [account_id(issued[1]), account_id(issued[0])]
    found, = rows(still, "account", "list", "--contact", "ADMIN@")
    assert found["id"] == account_id(issued[0]) and found["contact"] == ["mailto:admin@example.org"]
    shown, = rows(still, "account", "show", account_id(issued[0]))
    assert shown["thumbprint"] == issued[0].key.thumbprint and shown["orders"] == 2
    assert shown["key"] == issued[0].key.jwk and shown["status"] == "valid"


def test_account_deactivate(own):
    """RFC 8555, 7.3.6: as if its owner had done it, and its open order says who did."""
    client = Client(own)
    order = client.order(["ends.test"])
    done, = rows(own, "account", "deactivate", account_id(client))
    assert done["status"] == "deactivated"
    check_problem(client.get(order.headers["Location"]), "unauthorized", 401)
    again = admin(own, "account", "deactivate", account_id(client), check=False)
    assert again.returncode == 1 and "is deactivated already" in again.stderr
    assert [row["id"] for row in rows(own, "account", "list", "--state", "deactivated")] == [account_id(client)]


# --- revocation ------------------------------------------------------------------------------------------

def on_crl(issued, within=1.0):
    points = issued.leaf.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
    until = time.monotonic() + within
    while True:
        crl = x509.load_der_x509_crl(requests.get(points[0].full_name[0].value, timeout=10).content)
        entry = crl.get_revoked_certificate_by_serial_number(issued.leaf.serial_number)
        if entry is not None or time.monotonic() > until:
            return entry
        time.sleep(0.01)


def test_revocation_is_on_the_list_within_a_second(own):
    issued = Client(own).issue(["revoked.test"])
    admin(own, "cert", "revoke", serial(issued), "--reason", "cessationOfOperation")
    entry = on_crl(issued)
    assert entry is not None
    assert entry.extensions.get_extension_for_class(x509.CRLReason).value.reason.name == "cessation_of_operation"
    again = admin(own, "cert", "revoke", serial(issued), check=False)
    assert again.returncode == 1 and "is revoked already" in again.stderr


def test_compromised_key_is_blocked(own):
    """As when the key itself had asked (RFC 8555, 7.6): no certificate has it again, and no account."""
    key = Key()
    client = Client(own)
    issued = client.issue(["stolen.test"], key=key)
    admin(own, "cert", "revoke", serial(issued), "--reason", "superseded")
    changed, = rows(own, "cert", "revoke", serial(issued), "--reason", "keyCompromise")
    assert changed["reason"] == "keyCompromise"
    check_problem(Client(own, key, register=False).register(), "badPublicKey", 400)


# --- refusals ----------------------------------------------------------------------------------------------

@pytest.mark.parametrize("args,code,words", [
    (["cert", "show", "abcdef"], 1, "no certificate has the serial abcdef"),
    (["cert", "revoke", "abcdef"], 1, "no certificate has the serial abcdef"),
    (["cert", "show", "xyz"], 1, "\"serial\" has to be a serial number in hexadecimal"),
    (["account", "show", "AAAAAAAAAAAAAAAAAAAAAA"], 1, "there is no account AAAAAAAAAAAAAAAAAAAAAA"),
    (["account", "deactivate", "x"], 1, "an id of 22 characters"),
    (["cert", "list", "--state", "old"], 1, "\"state\" has to be valid|revoked|expired"),
    (["cert", "list", "--expiring-before", "soon"], 2, "no duration"),
    (["cert", "list", "--limit", "0"], 2, "a whole number from 1 on"),
    (["cert", "list", "--limit", "1", "--limit", "2"], 2, "given twice"),
    (["cert", "list", "--colour"], 2, "unrecognized option"),
    (["cert", "list", "more"], 2, "one word too many"),
    (["cert", "show"], 2, "SERIAL: is missing"),
    (["cert", "frobnicate"], 2, "unknown: frobnicate"),
    (["cert", "list", "--dir", "/", "--config", "x"], 2, "only one of them"),
])
def test_wrong_commands(own, args, code, words):
    done = own.run(*args, *(["--dir", own.home] if "--dir" not in args and code != 2 else []), check=False)
    assert (done.returncode, words in done.stderr) == (code, True), done.stderr


@pytest.mark.parametrize("group", ["cert", "account", "eab", "limit", "authz", "try"])
@pytest.mark.parametrize("option", ["--colour", "-1", "--limit="])
def test_an_option_that_is_none_ends_every_command(own, group, option):
    told = own.run(group, "--help").stdout
    verbs = re.findall(r"^  (\w+) +\w", told, re.M) if "VERB" in told else [None]
    for verb in verbs:
        words = [group] + ([verb] if verb else [])
        done = own.run(*words, "a", "b", option, check=False)
        assert done.returncode == 2 and done.stdout == "", (words, done)
        assert "usage: signet " + " ".join(words) in done.stderr
        assert "UTF-8" not in done.stderr


@pytest.mark.parametrize("args", [["cert"], ["cert", "list"], ["cert", "revoke"], ["account"], ["account", "show"]])
def test_help(own, args):
    done = own.run(*args, "--help")
    assert done.returncode == 0 and f"usage: signet {' '.join(args)} " in done.stdout


def test_help_of_a_choice_has_columns(own):
    told = own.run("limit", "override", "--help").stdout
    assert "usage: signet limit override WORD SUBJECT RATE " in told
    assert "\n  WORD                     which of ra.limits (accounts_per_address|" in told


def test_server_is_not_running(make_server):
    server = make_server(start=False)
    done = admin(server, "cert", "list", check=False)
    assert done.returncode == 1 and "the server is not running" in done.stderr and "signet run" in done.stderr
    server.start()
    server.stop()
    done = admin(server, "cert", "list", check=False)       # the socket's name is still there
    assert done.returncode == 1 and "the server is not running" in done.stderr


# --- who may -------------------------------------------------------------------------------------------------

def test_mode_and_owner(own):
    seen, folder = os.stat(f"{own.home}/data/admin.sock"), os.stat(f"{own.home}/data")
    assert stat.S_ISSOCK(seen.st_mode) and stat.S_IMODE(seen.st_mode) == 0o600
    assert seen.st_uid == folder.st_uid
    if AS_ROOT:
        assert seen.st_uid == int(proc.status(own.roles()["ra"])["Uid"].split()[0]) != 0


@pytest.mark.skipif(not AS_ROOT, reason="needs other users")
def test_others_may_not(own):
    """Neither by the modes, nor when somebody has loosened them (SO_PEERCRED)."""
    as_nobody = ["setpriv", f"--reuid={pwd.getpwnam('nobody').pw_uid}", "--clear-groups"]
    program = [own.program, "cert", "list", "--dir", own.home]
    done = subprocess.run(as_nobody + program, capture_output=True, text=True, timeout=30)
    assert done.returncode != 0
    talk = ("import socket, sys\ns = socket.socket(socket.AF_UNIX)\ns.settimeout(10)\n"
            "s.connect(sys.argv[1])\nprint(s.recv(4096))")
    path = f"{own.home}/data/admin.sock"
    os.chmod(f"{own.home}/data", 0o711)
    os.chmod(path, 0o666)
    try:
        done = subprocess.run(as_nobody + ["/usr/bin/python3", "-c", talk, path], capture_output=True, text=True,
                              timeout=30)
    finally:
        os.chmod(f"{own.home}/data", 0o700)
        os.chmod(path, 0o600)
    assert "denied" in done.stdout and "only root and the owner" in done.stdout, done
    assert f"uid={pwd.getpwnam('nobody').pw_uid}" in own.wait_log(r".*a stranger was turned away.*").group()


@pytest.mark.skipif(not AS_ROOT, reason="needs other users")
def test_the_folders_owner_may(names, responder):
    """A server that a plain user runs is administered by that user, and by root."""
    server = Server(names, responder, user="nobody")
    try:
        issued = Client(server).issue(["plain.test"])
        assert serial(issued) in admin(server, "cert", "list").stdout         # as nobody
        root = subprocess.run([server.program, "cert", "list", "--dir", server.home], capture_output=True, text=True,
                              timeout=30)
        assert serial(issued) in root.stdout
    finally:
        server.close()


def test_actions_are_logged_with_the_uid(still, issued):
    admin(still, "cert", "show", serial(issued[2][1]))
    line = still.wait_log(rf".*admin command.*of=0*{serial(issued[2][1])}.*").group()
    assert f"uid={os.geteuid()} " in line and 'command="cert show"' in line and "outcome=done" in line


# --- the socket itself -----------------------------------------------------------------------------------------

def test_requests_follow_one_another(still, issued):
    with dial(still) as sock:
        sock.sendall(b'{"command": "cert list", "limit": 1}\n{"command": "cert list", "limit": 2}\n')
        kinds = [next(iter(json.loads(line))) for line in [sock_line(sock) for _ in range(5)]]
        assert kinds == ["row", "end", "row", "row", "end"]
        assert lines(sock, {"command": "no such"})[-1]["error"]["code"] == "malformed"
        assert lines(sock, {"command": "cert list", "limit": 1})[-1] == {"end": {"rows": 1}}


def sock_line(sock):
    line = b""
    while not line.endswith(b"\n"):
        byte = sock.recv(1)
        assert byte, line
        line += byte
    return line


@pytest.mark.parametrize("bytes_", [b"\n", b"{}\n", b"\0\n", b"[1]\n", b'{"command": "cert list", "limit": -1}\n',
                                    b"\xff\xfe\n", b"{" * 1000 + b"\n"])
def test_hostile_lines(own, bytes_):
    with dial(own) as sock:
        answer = lines(sock, bytes_)
        assert len(answer) == 1 and answer[0]["error"]["code"] == "malformed" and answer[0]["error"]["message"]


def test_line_without_an_end(own):
    with dial(own) as sock:
        try:
            sock.sendall(b"x" * 100000)
        except OSError:
            pass
        answer = sock_line(sock)
    assert "none is longer than 32768 bytes" in answer.decode()


def test_clients_are_bounded(still, issued):
    """The ninth is told to come again; when one has gone, there is room."""
    held = [dial(still) for _ in range(8)]
    try:
        assert [lines(sock, {"command": "cert list", "limit": 1})[-1] for sock in held] == [{"end": {"rows": 1}}] * 8
        with dial(still) as ninth:
            assert json.loads(sock_line(ninth))["error"]["code"] == "busy"
        held.pop().close()
        until = time.monotonic() + 5
        while admin(still, "cert", "list", check=False).returncode != 0:
            assert time.monotonic() < until
    finally:
        for sock in held:
            sock.close()


def test_a_slow_reader_disturbs_nobody(own):
    """It asks for far more than the socket holds, and doesn't read: ACME goes on, and so do other commands; SIGTERM
    isn't held up either."""
    with dial(own) as slow:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.sendall(b'{"command": "account list"}\n' * 1000)
        begin = time.monotonic()
        Client(own).issue(["fast.test"])
        assert rows(own, "cert", "list", "--limit", "1")[0]["names"] == ["fast.test"]
        assert time.monotonic() - begin < 5
    with dial(own) as slow:
        slow.sendall(b'{"command": "account list"}\n' * 1000)
        assert own.stop() == 0
    own.start()
    assert rows(own, "cert", "list", "--limit", "1")[0]["names"] == ["fast.test"]


def test_no_key_looks_like_an_option(own):
    """certbot's --eab-hmac-key takes no value that begins with "-": one in 64 would."""
    sock = dial(own)
    keys = [lines(sock, {"command": "eab create"})[0]["row"]["hmacKey"] for _ in range(400)]
    sock.close()
    assert [key for key in keys if key.startswith("-")] == [] and len(set(keys)) == 400
