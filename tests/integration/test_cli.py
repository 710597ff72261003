"""The commands: files, modes, output, exit codes (DESIGN.md, 5)."""
import os
import re
import shutil
import stat
import subprocess

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from harness.acme import Client
from harness.ports import free_port
from harness.server import PROGRAM, signet

COMMANDS = ("init", "run", "check", "ledger", "cert", "account", "eab", "limit")


@pytest.fixture
def home(tmp_path):
    made = tmp_path / "ca"
    signet("init", "--dir", made, "--name", "Kommando CA", "--dns", "ca.home.arpa", "--port", free_port())
    return made


def edit(home, old, new):
    text = (home / "signet.yaml").read_text()
    assert old in text, text
    (home / "signet.yaml").write_text(text.replace(old, new, 1))


# --- init --------------------------------------------------------------------------------------------

def test_init_files_and_modes(home):
    modes = {os.path.relpath(os.path.join(folder, name), home):
             stat.S_IMODE(os.stat(os.path.join(folder, name)).st_mode)
             for folder, folders, files in os.walk(home) for name in folders + files}
    assert modes["keys"] == 0o700 and modes["data"] == 0o700
    keys = {name: mode for name, mode in modes.items() if name.startswith("keys/")}
    assert len(keys) == 3 and set(keys.values()) == {0o600}, keys
    assert "PRIVATE KEY" in (home / "keys/intermediate.pem").read_text()
    for name in ("pki/root.pem", "pki/intermediate.pem", "signet.yaml"):
        assert modes[name] & 0o077 == 0o044 and modes[name] & 0o100 == 0, name
        assert "PRIVATE" not in (home / name).read_text()


def test_init_output(tmp_path):
    home, port = tmp_path / "out", free_port()
    out = signet("init", "--dir", home, "--dns", "ca.home.arpa", "--port", port).stdout
    fingerprint = subprocess.run(["openssl", "x509", "-in", home / "pki/root.pem", "-noout", "-fingerprint",
                                  "-sha256"], capture_output=True, text=True, check=True).stdout
    assert fingerprint.strip().split("=")[1] in out
    assert f"https://ca.home.arpa:{port}/directory" in out
    assert "signet run --dir" in out and "certbot" in out and str(home / "pki/root.pem") in out


def test_init_never_overwrites(home):
    before = {path: path.read_bytes() for path in home.rglob("*") if path.is_file()}
    done = signet("init", "--dir", home, check=False)
    assert done.returncode == 1 and "never overwrites" in done.stderr
    assert {path: path.read_bytes() for path in home.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("kept", ["signet.yaml", "keys/root.pem", "pki/intermediate.pem"])
def test_init_spares_a_single_file(tmp_path, kept):
    home = tmp_path / "half"
    (home / kept).parent.mkdir(parents=True)
    (home / kept).write_text("precious")
    done = signet("init", "--dir", home, check=False)
    assert done.returncode == 1 and kept in done.stderr
    assert (home / kept).read_text() == "precious"
    assert [path for path in home.rglob("*") if path.is_file()] == [home / kept]    # and nothing half made


@pytest.mark.parametrize("kind", ["p256", "p384", "rsa3072", "rsa4096", "ed25519"])
def test_init_key_types(make_server, kind):
    """Each makes a CA that issues, whose chain openssl verifies."""
    server = make_server(init=("--key-type", kind))
    issued = Client(server).issue(["kind.test"])
    for certificate in (issued.chain[1], x509.load_pem_x509_certificate(open(server.root, "rb").read())):
        key = certificate.public_key()
        if kind.startswith("p"):
            assert isinstance(key, ec.EllipticCurvePublicKey) and key.key_size == int(kind[1:])
        elif kind.startswith("rsa"):
            assert isinstance(key, rsa.RSAPublicKey) and key.key_size == int(kind[3:])
        else:
            assert isinstance(key, ed25519.Ed25519PublicKey)
    chain = os.path.join(server.dir, "chain.pem")
    with open(chain, "w", encoding="ascii") as f:
        f.write(issued.pem)
    subprocess.run(["openssl", "verify", "-x509_strict", "-CAfile", server.root, "-untrusted", chain, chain],
                   check=True, capture_output=True, timeout=10)


@pytest.mark.parametrize("preset, url", [("private", ":9443/directory"), ("webpki", ":9443/directory")])
def test_init_presets(tmp_path, preset, url):
    out = signet("init", "--dir", tmp_path / "p", "--preset", preset, "--dns", "a.test").stdout
    assert url in out
    assert f"preset: {preset}" in (tmp_path / "p/signet.yaml").read_text()
    assert signet("check", "--dir", tmp_path / "p").returncode == 0


@pytest.mark.parametrize("args", [
    ["--key-type", "rsa512"], ["--key-type", "dsa"], ["--port", "0"], ["--port", "70000"], ["--port", "x"],
    ["--preset", "nonsuch"], ["--dns", "bad_name"], ["--dns",
                                                     "a..b"], ["--name", ""], ["--nonsense"], ["extra"],
    ["--dir"],
], ids=" ".join)
def test_init_usage_errors(tmp_path, args):
    done = signet("init", "--dir", tmp_path / "u", *args, check=False)
    assert done.returncode == 2, done.stderr
    assert done.stderr.strip() and not (tmp_path / "u").exists()


def test_init_where_it_cannot_write():
    done = signet("init", "--dir", "/proc/signet", check=False)
    assert done.returncode == 1 and "/proc/signet" in done.stderr


# --- help, version, usage ----------------------------------------------------------------------------

@pytest.mark.parametrize("command", COMMANDS)
def test_help(command):
    done = signet(command, "--help")
    assert done.stdout.startswith(f"usage: signet {command}") and done.stderr == ""
    assert "Exit codes" in done.stdout


def test_help_and_version():
    assert all(command in signet("--help").stdout for command in COMMANDS)
    assert re.fullmatch(r"signet \d+\.\d+\.\d+\n", signet("--version").stdout)


@pytest.mark.parametrize("command", COMMANDS)
def test_version_everywhere(command):
    assert signet(command, "--version").stdout == signet("--version").stdout


@pytest.mark.parametrize("args", [[], ["nonsense"], ["--nonsense"], ["run", "--nonsense"], ["run", "extra"],
                                  ["run", "--dir", "a", "--config",
                                   "b"], ["check", "extra"], ["check", "--dir"],
                                  ["role", "wfe"], ["role"]], ids=" ".join)
def test_usage_errors(args):
    done = signet(*args, check=False)
    assert done.returncode == 2 and done.stdout == "" and (done.stderr or args == ["role"])


# --- run ---------------------------------------------------------------------------------------------

def test_run_without_a_configuration(tmp_path):
    done = signet("run", "--dir", tmp_path, check=False)
    assert done.returncode == 1 and "signet.yaml" in done.stderr


def test_run_with_config_instead_of_dir(make_server):
    server = make_server(start=False)
    process = subprocess.Popen([PROGRAM, "run", "--config", server.yaml], stderr=subprocess.PIPE, text=True)
    try:
        for line in process.stderr:
            if " ready " in line:
                break
        else:
            pytest.fail("it ended")
        assert Client(server).kid
    finally:
        process.terminate()
        process.stderr.close()
        assert process.wait(15) == 0


def test_run_refuses_a_broken_configuration(home):
    edit(home, "policy:", "polcy:")
    done = signet("run", "--dir", home, check=False)
    assert done.returncode == 1 and "polcy" in done.stderr


# --- check -------------------------------------------------------------------------------------------

def test_check_sound(home):
    done = signet("check", "--dir", home)
    assert "sound: 0 problems" in done.stdout
    assert signet("check", "--config", home / "signet.yaml").returncode == 0
    assert signet("check", cwd=home).returncode == 0


def test_check_while_it_runs(server):
    assert signet("check", "--dir", server.home).returncode == 0


@pytest.mark.parametrize("old, new, words", [
    ("policy:", "polcy:", "polcy"), ("preset: private", "preset: privat", "preset"),
    ("listen: [", "listen: [5, ", "wfe.listen"), ("allow: [\"*\"]", "allow: [\"a b\"]", "ra.policy.allow"),
    ("url: \"https", "url: \"ftp", "wfe.url"), ("va:", "va:\n  timeout: soon", "va.timeout"),
    ("va:", "va:\n  http_port: 99999", "va.http_port"), ("va:", "va:\n  resolvers: [example.com]",
                                                         "va.resolvers"),
    ("wfe:", "wfe:\n  threads: many", "wfe.threads"), ("ra:", "ra: [",
                                                       "yaml"), ("ra:", "ra:\n  ra: 1", "ra.ra"),
    ("name:", "name: a\nname:", "name"),
], ids=lambda value: value.replace("\n", " ")[:20])
def test_check_configuration(home, old, new, words):
    edit(home, old, new)
    done = signet("check", "--dir", home, check=False)
    assert done.returncode == 1
    line = next((line for line in done.stdout.splitlines() if re.match(r".*signet\.yaml:\d+: ", line)),
                done.stdout)
    assert words in done.stdout and re.match(r".*signet\.yaml:\d+: ", line), done.stdout


def test_check_tells_everything_at_once(home):
    edit(home, "policy:", "polcy:")
    edit(home, "va:", "va:\n  timeout: soon\n  http_port: 0")
    done = signet("check", "--dir", home, check=False)
    lines = [line for line in done.stdout.splitlines() if re.match(r".*signet\.yaml:\d+: ", line)]
    assert len(lines) >= 3, done.stdout
    numbers = [int(re.search(r"yaml:(\d+)", line)[1]) for line in lines]
    assert numbers == sorted(numbers)
    text = (home / "signet.yaml").read_text().splitlines()
    for line, number in zip(lines, numbers):
        key = line.split(": ")[1].split(".")[-1]
        assert key in text[number - 1], (line, text[number - 1])


@pytest.mark.parametrize("breakage, words", [
    (lambda home: (home / "keys/intermediate.pem").unlink(), "keys/intermediate.pem"),
    (lambda home: (home / "pki/intermediate.pem").unlink(), "pki/intermediate.pem"),
    (lambda home: (home / "keys/evidence.key").unlink(), "evidence"),
    (lambda home: (home / "keys/evidence.key").write_bytes(b"short"), "5 bytes"),
    (lambda home: (home / "keys/intermediate.pem").chmod(0o644), "keys/intermediate.pem"),
    (lambda home: shutil.copy(home / "keys/root.pem", home / "keys/intermediate.pem"), "not the key of"),
    (lambda home: (home / "keys/intermediate.pem").write_text("nonsense"), "keys/intermediate.pem"),
    (lambda home: (home / "pki/intermediate.pem").write_text("nonsense"), "pki/intermediate.pem"),
    (lambda home: (home / "data/signet.db").write_bytes(b"this is no database" * 100), "signet.db"),
    (lambda home: (home / "signet.yaml").unlink(), "signet.yaml"),
], ids=["no-key", "no-certificate", "no-evidence-key", "short-evidence-key", "readable-key", "other-key",
        "garbage-key", "garbage-certificate", "garbage-database", "no-configuration"])
def test_check_files(home, breakage, words):
    breakage(home)
    done = signet("check", "--dir", home, check=False)
    assert done.returncode == 1, done.stdout
    assert words in done.stdout + done.stderr, done.stdout + done.stderr


# --- ledger ------------------------------------------------------------------------------------------

def test_ledger_has_what_was_issued(make_server):
    """DESIGN.md, rule 4: written down before it exists."""
    server = make_server()
    issued = Client(server).issue(["ledger.test"])
    server.stop()
    listed = signet("ledger", "list", "--dir", server.home).stdout
    assert f"{issued.leaf.serial_number:x}" in listed.lower().replace(":", "")
    assert issued.order_url.rsplit("/", 1)[1] in listed and "server" in listed
    assert signet("ledger", "verify", "--dir", server.home).returncode == 0


def test_ledger_shows_a_changed_byte(make_server):
    server = make_server()
    Client(server).issue(["changed.test"])
    server.stop()
    segment = next(os.path.join(server.home, "ledger", name)
                   for name in sorted(os.listdir(server.home + "/ledger"))
                   if name.endswith(".log"))
    with open(segment, "r+b") as f:
        f.seek(200)
        byte = f.read(1)
        f.seek(200)
        f.write(bytes([byte[0] ^ 1]))
    done = signet("ledger", "verify", "--dir", server.home, check=False)
    assert done.returncode == 1 and done.stdout + done.stderr
