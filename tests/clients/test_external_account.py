"""External account binding by real clients, with what `signet eab create` says to paste (RFC 8555, 7.3.4)."""
import json

import pytest
from conftest import Shell
from harness.server import Server
from matrix import row


@pytest.fixture
def bound(names, responder, tmp_path):
    """A client's home, a server that asks for a binding, and a key that is good once."""
    server = Server(names, responder, config={"ra": {"external_account_required": True}})
    shell = Shell(server, tmp_path)
    responder.webroot = shell.webroot
    key = json.loads(server.run("eab", "create", "--uses", 1, "--name", "*.eab.test", "--json", "--dir",
                                server.home).stdout)
    yield shell, key
    responder.webroot = None
    server.close()


@row("certbot", "http-01", "one name", "RSA-2048", "P-256", "external account binding")
def test_certbot_external_account(bound):
    shell, key = bound
    folders = [f"--{what}-dir={shell.path('certbot', what)}" for what in ("config", "work", "logs")]
    args = ["certonly", "--non-interactive", "--agree-tos", "--register-unsafely-without-email", "--server",
            shell.server.directory_url, "--webroot", "-w", shell.webroot, "--cert-name", "c", "-d", "certbot.eab.test",
            *folders]
    refused = shell.run("certbot", *args, check=False)
    assert refused.returncode != 0 and "external" in (refused.stdout + refused.stderr).lower()
    shell.run("certbot", *args, "--eab-kid", key["kid"], "--eab-hmac-key", key["hmacKey"])
    live = shell.path("certbot/config/live/c")
    shell.verify(f"{live}/cert.pem", ["certbot.eab.test"], "P-256", f"{live}/chain.pem")


@row("lego", "http-01", "one name", "P-256", "P-256", "external account binding")
def test_lego_external_account(bound):
    shell, key = bound
    args = ["--server", shell.server.directory_url, "--accept-tos", "--email", "a@lego.test", "--path",
            shell.path("lego"), "--key-type", "ec256", "--http", "--http.webroot", shell.webroot, "--domains",
            "lego.eab.test"]
    refused = shell.run("lego", *args, "run", check=False)
    assert refused.returncode != 0 and "External Account Binding" in refused.stdout + refused.stderr
    shell.run("lego", *args, "--eab", "--kid", key["kid"], "--hmac", key["hmacKey"], "run")
    shell.verify(shell.path("lego/certificates/lego.eab.test.crt"), ["lego.eab.test"], "P-256")
