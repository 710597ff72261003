"""certbot (Debian), http-01 by webroot and standalone."""
import os
import re

import pytest
from harness.ports import free_port
from harness.responder import Responder
from harness.server import Server


def version(shell):
    return re.search(r"[\d.]+", shell.run("certbot", "--version").stdout)[0]


class Certbot:
    def __init__(self, shell):
        self.shell = shell

    def __call__(self, *args, **kw):
        folders = [f"--{what}-dir={self.shell.path('certbot', what)}" for what in ("config", "work", "logs")]
        return self.shell.run("certbot", *args, "--non-interactive", "--server",
                              self.shell.server.directory_url,
                              *folders, **kw)

    def certonly(self, *names, more=()):
        args = [arg for name in names for arg in ("-d", name)]
        return self("certonly", "--agree-tos", "--register-unsafely-without-email", "--webroot",
                    "-w", self.shell.webroot, *args, *more)

    def live(self, name, file):
        return self.shell.path("certbot/config/live", name, file)

    def verify(self, names, kind):
        return self.shell.verify(self.live(names[0], "cert.pem"), names, kind,
                                 self.live(names[0], "chain.pem"))


@pytest.mark.parametrize("kind, flags", [
    ("P-256", ["--key-type", "ecdsa", "--elliptic-curve", "secp256r1"]),
    ("P-384", ["--key-type", "ecdsa", "--elliptic-curve", "secp384r1"]),
    ("RSA-3072", ["--key-type", "rsa", "--rsa-key-size", "3072"]),
])
def test_certbot_certificate(shell, record, kind, flags):
    record("certbot", version(shell), "RSA-2048", kind, "three names")
    certbot, names = Certbot(shell), ["certbot.test", "www.certbot.test", "mail.certbot.test"]
    certbot.certonly(*names, more=flags)
    certbot.verify(names, kind)


def test_certbot_life(shell, record):
    """Register with a contact, issue, renew by force, change the contact, unregister."""
    record("certbot", version(shell), "RSA-2048", "P-256", "renew, update, unregister")
    certbot, names = Certbot(shell), ["life.certbot.test"]
    certbot("register", "--agree-tos", "-m", "one@certbot.test", "--no-eff-email")
    certbot.certonly(*names, more=["--key-type", "ecdsa"])
    first = certbot.verify(names, "P-256")
    certbot("renew", "--force-renewal", "--no-random-sleep-on-renew")
    assert certbot.verify(names, "P-256") != first
    certbot("update_account", "-m", "two@certbot.test", "--no-eff-email")
    assert "two@certbot.test" in certbot("show_account").stdout
    certbot("unregister")
    assert certbot("show_account", check=False).returncode != 0 or "Could not find" in certbot(
        "show_account", check=False).stdout
    assert os.path.exists(certbot.live(names[0], "cert.pem"))


def test_certbot_standalone(names, shell, record, tmp_path):
    """The command that `signet init` prints: certbot's own web server on the port that the CA asks."""
    record("certbot", version(shell), "RSA-2048", "RSA-2048", "standalone")
    server = Server(names, Responder())
    try:
        port = free_port()
        server.configure({"va": {"http_port": port}})
        server.stop()
        server.start()
        mine = type(shell)(server, tmp_path / "standalone")
        certbot = Certbot(mine)
        certbot("certonly", "--standalone", "--http-01-port", port, "--agree-tos", "--key-type", "rsa",
                "--register-unsafely-without-email", "-d", "alone.certbot.test")
        certbot.verify(["alone.certbot.test"], "RSA-2048")
    finally:
        server.responder.close()
        server.close()


def test_certbot_tells_the_cause(shell, record):
    """What the CA says about a failure reaches the terminal."""
    record("certbot", version(shell), "RSA-2048", "-", "failure is explained")
    shell.server.names.set("nowhere.certbot.test", rcode="NXDOMAIN")
    done = Certbot(shell)("certonly", "--agree-tos", "--register-unsafely-without-email", "--webroot",
                          "-w", shell.webroot, "-d", "nowhere.certbot.test", check=False)
    assert done.returncode == 1
    assert "NXDOMAIN" in done.stdout + done.stderr
