"""Perspectives on other machines, as far as one machine shows them: mutual TLS, votes, and what happens without."""
import os
import re
import signal
import socket
import ssl
import struct
import time

import pytest
import yaml
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from harness.acme import URN, Client
from harness.keys import unb64
from harness.names import Names
from harness.perspective import Perspective, join
from harness.server import signet
from harness.tlsalpn import certificate


@pytest.fixture
def second_names():
    made = Names()
    yield made
    made.close()


@pytest.fixture
def setup(make_server, second_names):
    """A server and its perspectives, which ask second_names: setup("fra", "nyc")."""
    made = []

    def build(*names, before=None, **more):
        server = make_server(start=False, env={"SIGNET_SANDBOX_TRACE": "1"})
        for name in names:
            made.append(Perspective(server, name, {"va": {"resolvers": [second_names.address]}}))
        join(server, *made, **more)
        if before:
            before(server, made)
        for one in made:
            one.start()
        server.start()
        for one in made:
            server.wait_log(rf"a perspective is up perspective={one.name}")
        return server, made

    yield build
    for one in made:
        one.stop()
        for bad in ("Sanitizer", "runtime error:", "forbidden system call"):
            assert bad not in one.log(), one.log()


def begun(account, name, kind="http-01"):
    url = account.order([name]).json()["authorizations"][0]
    account.post(account.challenge(url, kind)["url"], {})
    return account.poll(url, ("valid", "invalid")).json()


@pytest.mark.parametrize("kind", ["http-01", "dns-01", "tls-alpn-01"])
def test_a_remote_perspective_signs_what_it_saw(setup, second_names, kind):
    server, (fra,) = setup("fra")
    second_names.zones = server.names.zones
    assert Client(server).issue([f"{kind}.test"], kind=kind).names == [f"{kind}.test"]
    fra.wait_log(rf"validated perspective=fra identifier={kind}.test method={kind} outcome=valid")
    assert any(name.endswith(f"{kind}.test") for name, _, _ in second_names.asked)


def test_it_outvotes_the_primary(setup, second_names, responder):
    server, _ = setup("fra")
    second_names.set("bank.test", a=["127.0.0.9"])
    error = begun(Client(server), "bank.test")["challenges"][0]["error"]
    assert error["type"] == URN + "connection"
    assert f"from fra: 127.0.0.9 port {responder.port} (bank.test) refused the connection" in error["detail"], error


def test_caa_is_looked_at_there(setup, second_names):
    def before(server, perspectives):
        server.configure({"ra": {"caa_identities": ["ca.test"]}, "va": {"caa": "enforce"}})
        for one in perspectives:
            with open(one.file, encoding="utf-8") as f:
                own = yaml.safe_load(f)
            own["ra"]["caa_identities"] = ["ca.test"]
            own["va"]["caa"] = "enforce"
            with open(one.file, "w", encoding="utf-8") as f:
                yaml.safe_dump(own, f)

    server, _ = setup("fra", before=before)
    second_names.set("caa.test", a=["127.0.0.1"], caa=[(0, "issue", "other.test")])
    error = begun(Client(server), "caa.test")["challenges"][0]["error"]
    assert error["type"] == URN + "caa" and "from fra: the CAA records" in error["detail"], error


def test_one_that_is_down_costs_a_quorum_only(setup):
    server, (fra, nyc) = setup("fra", "nyc")
    account = Client(server)
    assert nyc.stop() == 0
    server.wait_log(r"warning va a perspective is down perspective=nyc .*cause=\"the peer closed the connection\"")
    assert account.issue(["one-down.test"]).names == ["one-down.test"]
    assert fra.stop() == 0
    server.wait_log(r"a perspective is down perspective=fra")
    error = begun(account, "two-down.test")["challenges"][0]["error"]
    assert error["type"] == URN + "serverInternal", error
    assert "from fra: this perspective of the CA can't be reached at the moment" in error["detail"], error
    since = len(server.log())
    nyc.start()
    server.wait_log(r"a perspective is up perspective=nyc", since=since, timeout=15)
    assert account.issue(["back.test"]).names == ["back.test"]


def test_it_survives_its_own_death(setup):
    """kill -9 of its va: the supervisor there starts it again, and the primary comes back to it."""
    server, (fra,) = setup("fra")
    since, here = len(fra.log()), len(server.log())
    with open(f"/proc/{fra.process.pid}/task/{fra.process.pid}/children", encoding="ascii") as f:
        os.kill(int(f.read().split()[0]), 9)
    fra.wait_log(r" ready perspective=fra", since=since)
    server.wait_log(r"a perspective is up perspective=fra", since=here, timeout=15)
    assert Client(server).issue(["again.test"]).names == ["again.test"]


@pytest.mark.long
def test_one_that_is_frozen_is_waited_for_so_long_and_no_longer(setup):
    """It holds its connection and says nothing: va.timeout and the way there and back."""
    server, (fra,) = setup("fra", timeout="1s")
    account = Client(server)
    with open(f"/proc/{fra.process.pid}/task/{fra.process.pid}/children", encoding="ascii") as f:
        role = int(f.read().split()[0])
    os.kill(role, signal.SIGSTOP)
    try:
        begin = time.monotonic()
        error = begun(account, "frozen.test")["challenges"][0]["error"]
        assert error["type"] == URN + "serverInternal" and 3.9 < time.monotonic() - begin < 7
        assert "from fra: this perspective of the CA did not answer in time" in error["detail"], error
        assert "is down perspective=fra" not in server.log()
    finally:
        os.kill(role, signal.SIGCONT)
    assert account.issue(["thawed.test"]).names == ["thawed.test"]


def other_keys(server, perspectives):
    """The file that is run is an older one's: every key of it is another."""
    with open(perspectives[0].file, encoding="utf-8") as f:
        own = yaml.safe_load(f)
    made = signet("perspective", "create", "fra", "--dir", server.home, "--output", server.dir + "/second.yaml")
    assert made.returncode == 0
    with open(server.dir + "/second.yaml", encoding="utf-8") as f:
        second = yaml.safe_load(f)
    for key in ("tls_key", "evidence_key"):
        own["perspective"][key] = second["perspective"][key]
    with open(perspectives[0].file, "w", encoding="utf-8") as f:
        yaml.safe_dump(own, f)


def test_another_key_is_no_perspective(make_server):
    server = make_server(start=False)
    fra = Perspective(server, "fra")
    join(server, fra)
    other_keys(server, [fra])
    fra.start()
    try:
        server.start()
        server.wait_log(r"a perspective is down perspective=fra .*cause=\"the peer shows another key than the "
                        "configuration names")
        fra.wait_log(r"warning va a client was refused")
    finally:
        fra.stop()


def test_a_statement_by_another_key_counts_for_nothing(setup):
    """The TLS key is the right one, and what is said is signed by another."""
    def before(server, perspectives):
        with open(perspectives[0].file, encoding="utf-8") as f:
            tls = yaml.safe_load(f)["perspective"]["tls_key"]
        other_keys(server, perspectives)
        with open(perspectives[0].file, encoding="utf-8") as f:
            own = yaml.safe_load(f)
        own["perspective"]["tls_key"] = tls
        with open(perspectives[0].file, "w", encoding="utf-8") as f:
            yaml.safe_dump(own, f)

    server, _ = setup("fra", before=before)
    error = begun(Client(server), "forged.test")["challenges"][0]["error"]
    assert "from fra: its statement is not authentic" in error["detail"], error
    server.wait_log(r"error va a perspective's statement is not authentic")


def dial(fra, key):
    """A connection to the perspective by someone with that key, or None."""
    key_file = fra.file + ".pem"
    with open(key_file, "wb") as f:
        if key is not None:
            f.write(key.pem() + certificate("x.test", "", key, identifier=False))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(["signet-perspective/1"])
    if key is not None:
        context.load_cert_chain(key_file)
    host, port = fra.address.rsplit(":", 1)
    return context.wrap_socket(socket.create_connection((host, int(port)), timeout=10))


class Raw:
    """A raw Ed25519 key where harness.tlsalpn wants one."""

    kind = "Ed25519"

    def __init__(self, secret=None):
        self.private = Ed25519PrivateKey.from_private_bytes(secret) if secret else Ed25519PrivateKey.generate()

    def pem(self):
        from cryptography.hazmat.primitives import serialization
        return self.private.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                          serialization.NoEncryption())


def read_all(sock):
    data = b""
    try:
        while piece := sock.recv(65536):
            data += piece
    except (OSError, ssl.SSLError):
        pass
    return data


def text(value):
    return struct.pack(">I", len(value)) + value


def ask(name=b"a.test", token=b"t" * 43, method=1):
    body = b"\2" + struct.pack(">Q", 1) + bytes([0, 0, method, 0, 1]) + text(name) + text(token) + text(b"p" * 43) + \
        text(b"https://ca.test/account/1") + struct.pack(">I", 0)
    return struct.pack(">I", len(body)) + body


def test_only_the_primary_may_ask_and_only_soundly(make_server, second_names, responder):
    """Strangers get no word; what the holder of the primary's key says wrong ends the connection, and is logged."""
    server = make_server(start=False)
    fra = Perspective(server, "fra", {"va": {"resolvers": [second_names.address]}}).start()
    before = len(responder.asked)
    try:
        for stranger in (None, Raw()):
            with dial(fra, stranger) as sock:
                assert read_all(sock) == b""
        fra.wait_log(r"a client was refused .*another key|a client was refused .*TLS failed")
        with open(server.home + "/keys/perspective.key", "rb") as f:
            primary = Raw(f.read())
        hello = b"\0\0\0\x09\1\1\0\0\0\3fra"
        # RFC 8555, 8.3: a token that would choose the page; an unknown method; an answer; no frame at all
        for wrong in (ask(token=b"../../../../../../../../../../../../secret?12"), ask(token=b"t"), ask(method=77),
                      ask(name=b"*.a.test"), b"\0\0\0\1\3", b"\0\0\0\1\x63", b"\xff\xff\xff\xff", b"\0\0\0\0"):
            since = len(fra.log())
            with dial(fra, primary) as sock:
                assert sock.recv(13) == hello
                sock.sendall(wrong)
                assert read_all(sock) == b"", wrong
            fra.wait_log(r"the primary is gone .*cause=\"the peer sent a", since=since)
        assert not [one for one in responder.asked[before:] if one[0] in ("a.test", "*.a.test")]
        with dial(fra, primary) as sock:
            assert sock.recv(13) == hello
            sock.sendall(ask())
            answer = sock.recv(65536)
            assert answer[4] == 3 and b"404" in answer, answer
    finally:
        fra.stop()


def test_the_file_is_secret_and_checked(make_server):
    server = make_server(start=False)
    fra = Perspective(server, "fra", region="eu")
    assert os.stat(fra.file).st_mode & 0o777 == 0o600
    assert os.stat(server.home + "/keys/perspective.key").st_mode & 0o777 == 0o600
    assert fra.entry["region"] == "eu" and len(unb64(fra.entry["tls_key"])) == 32
    with open(fra.file, encoding="utf-8") as f:
        secret = yaml.safe_load(f)["perspective"]
    assert secret["tls_key"] not in fra.output and secret["evidence_key"] not in fra.output
    done = signet("check", "--config", fra.file)
    assert "ok       perspective.name: fra" in done.stdout and "sound: 0 problems" in done.stdout, done.stdout
    os.chmod(fra.file, 0o644)
    assert "chmod 600" in signet("check", "--config", fra.file, check=False).stdout
    join(server, fra)
    done = signet("check", "--dir", server.home)
    assert "ok       va.perspectives: 1, 1 of them on other machines; 0 may fail" in done.stdout, done.stdout
    os.unlink(server.home + "/keys/perspective.key")
    assert "signet perspective create makes one" in signet("check", "--dir", server.home, check=False).stdout
    again = signet("perspective", "create", "fra", "--dir", server.home, "--output", fra.file, check=False)
    assert again.returncode == 1 and "never overwritten" not in again.stdout and "it exists" in again.stderr


def test_one_that_is_down_is_told_once(make_server):
    """However often it is tried."""
    server = make_server(start=False)
    fra = Perspective(server, "fra")
    join(server, fra)
    host, port = fra.address.rsplit(":", 1)
    with socket.create_server((host, int(port))) as listener:
        listener.settimeout(10)
        server.start()
        for _ in range(4):
            listener.accept()[0].close()
    assert server.log().count("a perspective is down perspective=fra") == 1, server.log()


def test_one_that_greets_and_hangs_up_is_left_alone_longer_each_time(make_server):
    server = make_server(start=False)
    fra = Perspective(server, "fra")
    with open(fra.file, encoding="utf-8") as f:
        own = Raw(unb64(yaml.safe_load(f)["perspective"]["tls_key"]))
    with open(fra.file + ".pem", "wb") as f:
        f.write(own.pem() + certificate("x.test", "", own, identifier=False))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(fra.file + ".pem")
    context.set_alpn_protocols(["signet-perspective/1"])
    join(server, fra)
    host, port = fra.address.rsplit(":", 1)
    times = []
    with socket.create_server((host, int(port))) as listener:
        listener.settimeout(10)
        server.start()
        for _ in range(4):
            with context.wrap_socket(listener.accept()[0], server_side=True) as sock:
                times.append(time.monotonic())
                sock.sendall(b"\0\0\0\x09\1\1\0\0\0\3fra")
    server.wait_log(r"(?s)(a perspective is up perspective=fra.*a perspective is down perspective=fra.*){4}")
    assert times[3] - times[2] > 0.7 and times[3] - times[0] < 5, times       # 0.25, 0.5, 1 s, or up to a quarter less


@pytest.mark.parametrize("args,words", [
    (["primary"], '"primary" is what the server calls its own; choose another name'),
    (["a b"], 'the name: "a b" is no name; use letters, digits'), (["x" * 64], "the name has 1 to 63 characters"),
    ([""], "the name has 1 to 63 characters"), (["fra", "--region", "e u"], '--region: "e u" is no name'),
    (["fra", "--address", "203.0.113.5"], '--address: "203.0.113.5" is no address with a port')], ids=str)
def test_what_is_no_perspective(make_server, args, words):
    """One line that says it, before anything is made."""
    server = make_server(start=False)
    done = signet("perspective", "create", *args, "--dir", server.home, "--output", server.dir + "/new.yaml", check=False)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1) and words in done.stderr, done
    assert not os.path.exists(server.dir + "/new.yaml") and not os.path.exists(server.home + "/keys/perspective.key")


@pytest.mark.parametrize("command,file,word", [
    ("run", "fra.yaml", "run it with `signet va --config`"), ("va", "signet.yaml", "run it with `signet run`")])
def test_each_command_has_its_file(make_server, command, file, word):
    server = make_server(start=False)
    fra = Perspective(server, "fra")
    path = fra.file if file == "fra.yaml" else server.yaml
    done = signet(command, "--config", path, check=False)
    assert done.returncode == 1 and word in done.stderr, done.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a role a user of its own")
def test_it_is_confined_as_on_the_main_machine(setup):
    """no_new_privs, a user and a root directory of its own, seccomp."""
    _, (fra,) = setup("fra")
    with open(f"/proc/{fra.process.pid}/task/{fra.process.pid}/children", encoding="ascii") as f:
        (pid,) = f.read().split()
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        status = f.read()
    assert re.search(r"NoNewPrivs:\t1", status) and re.search(r"Seccomp:\t2", status), status
    assert re.search(r"CapEff:\t0+\n", status) and not re.search(r"Uid:\t0", status), status
    assert os.listdir(f"/proc/{pid}/root") == []


def test_one_without_which_there_is_no_quorum_is_waited_for(setup, second_names):
    server, _ = setup("fra")
    begun_at = time.monotonic()
    second_names.set("slow.test", a=["127.0.0.1"], delay=1)
    assert begun(Client(server), "slow.test")["status"] == "valid"
    assert time.monotonic() - begun_at > 1


def test_its_address_may_be_a_name(make_server, names):
    """Looked up at each connection, by the server's resolvers: every address is tried, and a new one is found. A question
    that comes meanwhile waits."""
    server = make_server(start=False, env={"SIGNET_SANDBOX_TRACE": "1"})
    fra = Perspective(server, "fra")
    port = fra.address.rsplit(":", 1)[1]
    with open(fra.file, encoding="utf-8") as f:
        own = yaml.safe_load(f)
    own["perspective"]["listen"] = [f"127.0.0.3:{port}"]
    own["va"]["resolvers"] = [names.address]
    with open(fra.file, "w", encoding="utf-8") as f:
        yaml.safe_dump(own, f)
    fra.entry["address"] = f"fra.site.test:{port}"
    join(server, fra)
    names.set("fra.site.test", a=["127.0.0.9", "127.0.0.3"], delay=0.5)
    fra.start()
    try:
        server.start()
        assert Client(server).issue(["named.test"]).names == ["named.test"]
        assert "a perspective is down" not in server.log()
        since = len(server.log())
        assert fra.stop() == 0
        server.wait_log(r"a perspective is down perspective=fra", since=since)
        names.set("fra.site.test", rcode="NXDOMAIN")
        own["perspective"]["listen"] = [f"127.0.0.4:{port}"]
        with open(fra.file, "w", encoding="utf-8") as f:
            yaml.safe_dump(own, f)
        fra.start()
        names.set("fra.site.test", aaaa=["::1"], a=["127.0.0.4"])
        server.wait_log(r"a perspective is up perspective=fra", since=since, timeout=15)
        assert Client(server).issue(["moved.test"]).names == ["moved.test"]
    finally:
        fra.stop()


def test_a_name_that_nobody_knows(make_server, names):
    server = make_server(start=False)
    fra = Perspective(server, "fra")
    fra.entry["address"] = "nowhere.site.test:9444"
    names.set("nowhere.site.test", rcode="NXDOMAIN")
    join(server, fra)
    server.start()
    server.wait_log(r"a perspective is down perspective=fra address=nowhere.site.test:9444 cause=\"resolver "
                    rf"{re.escape(names.address)} answered NXDOMAIN")
    error = begun(Client(server), "alone.test")["challenges"][0]["error"]
    assert error["type"] == URN + "serverInternal", error
