"""External account binding (RFC 8555, 7.3.4): a CA that requires it, keys by `signet eab create`, and every client that
has it. Which key made the account is what `signet account list` says."""
import json

import pytest
from harness.server import Server
from matrix import row
from test_caddy import Caddy, options
from test_certbot import Certbot, key_flags
from test_dehydrated import Dehydrated
from test_lego import Lego
from test_libraries import NPM, PYTHON, run_program
from test_mod_md import Apache
from test_uacme import Uacme


@pytest.fixture(scope="module")
def server(names, responder):
    """A CA that requires it."""
    made = Server(names, responder, {"ra": {"external_account_required": True}})
    yield made
    made.close()


@pytest.fixture
def key(server):
    """{"kid", "hmacKey"} of a key for one account, which the client has made at the end."""
    made = json.loads(server.run("eab", "create", "--dir", server.home, "--uses", "1", "--name", "*.test", "--json").stdout)
    yield {"kid": made["kid"], "hmacKey": made["hmacKey"]}
    listed = server.run("eab", "list", "--dir", server.home, "--json").stdout.splitlines()
    assert [one["used"] for one in map(json.loads, listed) if one["kid"] == made["kid"]] == [1]


def eab(client, challenge="http-01", account="P-256", certificate="P-256"):
    return row(client, challenge, "one name", account, certificate, "external account binding")


@eab("certbot", account="RSA-2048")
def test_certbot(shell, key):
    certbot = Certbot(shell)
    certbot.certonly("eab.certbot.test", how=["--webroot", "-w", shell.webroot, "--eab-kid", key["kid"],
                                              "--eab-hmac-key", key["hmacKey"], *key_flags("P-256")])
    certbot.verify(["eab.certbot.test"], "P-256")
    certbot("update_account", "-m", "two@certbot.test", "--no-eff-email")
    certbot("unregister")


@eab("lego")
def test_lego(shell, key):
    lego = Lego(shell)
    lego("run", names=["eab.lego.test"], how=["--http", "--http.webroot", shell.webroot, "--eab", "--kid", key["kid"],
                                              "--hmac", key["hmacKey"]])
    shell.verify(lego.file("eab.lego.test"), ["eab.lego.test"], "P-256")


@eab("uacme")
def test_uacme(shell, key):
    uacme = Uacme(shell)
    uacme("-e", f"{key['kid']}:{key['hmacKey']}", "new")
    uacme("issue", "eab.uacme.test")
    shell.verify(uacme.file("eab.uacme.test"), ["eab.uacme.test"], "P-256")


@eab("dehydrated")
def test_dehydrated(shell, key):
    dehydrated = Dehydrated(shell)
    dehydrated.configure(more=f"EAB_KID={key['kid']}\nEAB_HMAC_KEY={key['hmacKey']}")
    dehydrated.sign("eab.dehydrated.test")
    dehydrated.verify(["eab.dehydrated.test"], "P-256")


@eab("Caddy", "tls-alpn-01")
def test_caddy(shell, key):
    caddy = Caddy(shell)
    try:
        caddy.start(shell.address("eab.caddy.test"),
                    options(shell, f"acme_eab {{\nkey_id {key['kid']}\nmac_key {key['hmacKey']}\n}}"),
                    "eab.caddy.test {\nrespond hello\n}")
        caddy.certificate("eab.caddy.test")
    finally:
        caddy.stop()


@eab("mod_md", account="RSA-3072")
def test_mod_md(shell, key):
    apache = Apache(shell)
    try:
        apache.start(["eab.md.test"], "P-256", "http-01", f"MDExternalAccountBinding {key['kid']} {key['hmacKey']}")
        apache.activate("eab.md.test")
    finally:
        apache.close()


@pytest.mark.parametrize("client", [pytest.param(client, marks=eab(client)) for client in (PYTHON, NPM)])
def test_library(shell, key, client):
    run_program(shell, client, "http-01", ["eab.library.test"], eab=key)


def test_without(shell):
    """What a client that has no such key is told."""
    done = Lego(shell)("run", names=["no.lego.test"], check=False)
    assert done.returncode == 1 and "Server requires External Account Binding" in done.stderr
