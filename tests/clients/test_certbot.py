"""certbot (Debian): webroot, standalone, hooks, a DNS plugin."""
import os

import pytest
from matrix import row


class Certbot:
    def __init__(self, shell):
        self.shell = shell

    def __call__(self, *args, **kw):
        folders = [f"--{what}-dir={self.shell.path('certbot', what)}" for what in ("config", "work", "logs")]
        return self.shell.run("certbot", *args, "--non-interactive", "--server", self.shell.server.directory_url,
                              *folders, **kw)

    def certonly(self, *names, how=None, **kw):
        """how: the plugin and its options; else webroot. The certificate lies at live("c", ...)."""
        return self("certonly", "--agree-tos", "--register-unsafely-without-email", "--cert-name", "c",
                    *(how or ["--webroot", "-w", self.shell.webroot]), *[arg for name in names for arg in ("-d", name)],
                    **kw)

    def live(self, file):
        return self.shell.path("certbot/config/live/c", file)

    def verify(self, names, kind):
        return self.shell.verify(self.live("cert.pem"), names, kind, self.live("chain.pem"))


@pytest.fixture
def certbot(shell):
    return Certbot(shell)


CURVES = {"P-256": "secp256r1", "P-384": "secp384r1", "P-521": "secp521r1"}


def key_flags(kind):
    if kind.startswith("RSA"):
        return ["--key-type", "rsa", "--rsa-key-size", kind.removeprefix("RSA-")]
    return ["--key-type", "ecdsa", "--elliptic-curve", CURVES[kind]]


@pytest.mark.parametrize("kind", [
    # --rsa-key-size is the account's too
    pytest.param(kind, marks=row("certbot", "http-01", "three names, one internationalised",
                                 kind if kind.startswith("RSA") else "RSA-2048", kind, "webroot"))
    for kind in ("P-256", "P-384", "P-521", "RSA-3072", "RSA-4096")])
def test_certbot_webroot(certbot, kind):
    names = ["certbot.test", "www.certbot.test", "xn--bcher-kva.certbot.test"]
    certbot.certonly(*names, how=["--webroot", "-w", certbot.shell.webroot, *key_flags(kind)])
    certbot.verify(names, kind)


@row("certbot", "http-01", "one name", "RSA-2048", "P-256", "change of contact, renewal, revocation by the account and "
     "by the certificate's key, deactivation")
def test_certbot_life(certbot):
    names = ["life.certbot.test"]
    certbot("register", "--agree-tos", "-m", "one@certbot.test", "--no-eff-email")
    certbot.certonly(*names, how=["--webroot", "-w", certbot.shell.webroot, *key_flags("P-256")])
    first = certbot.verify(names, "P-256")
    old = certbot.shell.copy(certbot.live("cert.pem"), "old.pem")
    old_key = certbot.shell.copy(certbot.live("privkey.pem"), "old.key")
    certbot("renew", "--force-renewal", "--no-random-sleep-on-renew")
    assert certbot.verify(names, "P-256") != first
    certbot("update_account", "-m", "two@certbot.test", "--no-eff-email")
    assert "two@certbot.test" in certbot("show_account").stdout
    certbot("revoke", "--cert-path", certbot.live("cert.pem"), "--reason", "superseded", "--no-delete-after-revoke")
    assert certbot.shell.revoked(certbot.live("cert.pem")) == "superseded"
    certbot("revoke", "--cert-path", old, "--key-path", old_key, "--reason", "keycompromise",
            "--no-delete-after-revoke")
    assert certbot.shell.revoked(old) == "keyCompromise"
    certbot("unregister")
    assert "Could not find an existing account" in certbot("show_account", check=False).stderr
    assert os.path.exists(certbot.live("cert.pem"))


@row("certbot", "http-01", "one name", "RSA-2048", "RSA-2048", "standalone")
def test_certbot_standalone(certbot):
    """certbot's own web server, on the port that the CA asks."""
    address = certbot.shell.address("alone.certbot.test")
    certbot.certonly("alone.certbot.test", how=[
        "--standalone", "--http-01-address", address, "--http-01-port", certbot.shell.server.responder.port,
        *key_flags("RSA-2048")])
    certbot.verify(["alone.certbot.test"], "RSA-2048")


@row("certbot", "dns-01", "three names, one a wildcard", "RSA-2048", "P-256", "by a hook")
def test_certbot_dns(certbot, hook):
    names = ["*.dns.certbot.test", "dns.certbot.test", "www.dns.certbot.test"]
    certbot.certonly(*names, how=["--manual", "--preferred-challenges", "dns", "--manual-auth-hook", hook,
                                  *key_flags("P-256")])
    certbot.verify(names, "P-256")


def test_certbot_tells_the_cause(certbot):
    """What the CA says about a failure reaches the terminal."""
    certbot.shell.server.names.set("nowhere.certbot.test", rcode="NXDOMAIN")
    done = certbot.certonly("nowhere.certbot.test", check=False)
    assert done.returncode == 1
    assert "NXDOMAIN" in done.stdout + done.stderr


def test_certbot_refuses_addresses(certbot):
    """By itself: the CA is never asked."""
    before = len(certbot.shell.log())
    done = certbot.certonly("127.0.8.1", check=False)
    assert done.returncode != 0 and "127.0.8.1 is an IP address" in done.stdout + done.stderr
    assert "new-order" not in certbot.shell.log()[before:]
