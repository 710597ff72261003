"""dehydrated (Debian): http-01 by its webroot, dns-01 by a hook, tls-alpn-01 by a web server that serves what it writes.
It sleeps a second for each challenge."""
import os

import pytest
from matrix import row


class Dehydrated:
    def __init__(self, shell):
        self.shell = shell
        os.mkdir(shell.path("dehydrated"))

    def configure(self, account="P-256", more=""):
        algorithm = {"P-256": "prime256v1", "P-384": "secp384r1"}.get(account, "rsa")
        size = account.removeprefix("RSA-") if account.startswith("RSA") else "2048"
        self.shell.write("config", f"CA={self.shell.server.directory_url}\nBASEDIR={self.shell.path('dehydrated')}\n"
                         f"WELLKNOWN={self.shell.challenges}\nCONTACT_EMAIL=admin@dehydrated.test\n"
                         f"ACCOUNT_KEY_ALGO={algorithm}\nACCOUNT_KEYSIZE={size}\nKEYSIZE={size}\nKEY_ALGO={algorithm}\n"
                         f"CURL_OPTS='--cacert {self.shell.server.root}'\n{more}\n")
        self("--register", "--accept-terms")

    def __call__(self, *args, **kw):
        return self.shell.run("dehydrated", *args, "--config", self.shell.path("config"), **kw)

    def sign(self, *names, more=()):
        """The certificate lies at file(...)."""
        self("--cron", "--alias", "c", "--domain", " ".join(names), *more)

    def file(self, name):
        return self.shell.path("dehydrated/certs/c", name)

    def verify(self, names, kind):
        return self.shell.verify(self.file("cert.pem"), names, kind, self.file("chain.pem"))


@pytest.fixture
def dehydrated(shell):
    return Dehydrated(shell)


@pytest.mark.parametrize("kind", [
    pytest.param(kind, marks=row("dehydrated", "http-01", "two names, one internationalised", kind, kind, "webroot"))
    for kind in ("RSA-2048", "RSA-3072", "RSA-4096", "P-256", "P-384")])
def test_dehydrated_webroot(dehydrated, kind):
    names = ["dehydrated.test", "xn--bcher-kva.dehydrated.test"]
    dehydrated.configure(kind)
    dehydrated.sign(*names)
    dehydrated.verify(names, kind)


@row("dehydrated", "http-01", "one name", also="change of contact, renewal, revocation, deactivation")
def test_dehydrated_life(dehydrated):
    names = ["life.dehydrated.test"]
    dehydrated.configure()
    dehydrated("--account")
    dehydrated.sign(*names)
    first = dehydrated.verify(names, "P-256")
    dehydrated.sign(*names, more=["--force"])
    assert dehydrated.verify(names, "P-256") != first
    gone = dehydrated.shell.copy(dehydrated.file("cert.pem"), "gone.pem")
    dehydrated("--revoke", dehydrated.file("cert.pem"))
    assert dehydrated.shell.revoked(gone) == "unspecified"
    dehydrated("--deactivate")
    assert dehydrated("--account", check=False).returncode != 0


def test_dehydrated_revokes_by_no_certificate_key(dehydrated):
    """Of whatever key --privkey names it asks for the account first."""
    names = ["leaked.dehydrated.test"]
    dehydrated.configure(more="KEY_ALGO=rsa\nKEYSIZE=2048")
    dehydrated.sign(*names)
    dehydrated.verify(names, "RSA-2048")
    done = dehydrated("--revoke", dehydrated.file("cert.pem"), "--privkey", dehydrated.file("privkey.pem"), check=False)
    assert done.returncode == 1 and "no account has this key" in done.stdout + done.stderr
    assert dehydrated.shell.revoked(dehydrated.file("cert.pem")) is None


@pytest.mark.run_again
def test_dehydrated_gets_through_refused_nonces(dehydrated):
    names = ["again.dehydrated.test"]
    dehydrated.configure()
    dehydrated.sign(*names)
    dehydrated.verify(names, "P-256")


@pytest.mark.private        # with --full-chain it follows the last certificate's caIssuers, which Pebble's has not
@row("dehydrated", "http-01", "two names", "P-256", "Ed25519", "an existing CSR")
def test_dehydrated_csr(dehydrated):
    names = ["csr.dehydrated.test", "csr2.dehydrated.test"]
    dehydrated.configure()
    done = dehydrated("--signcsr", dehydrated.shell.request("own", names, "Ed25519"), "--full-chain")
    dehydrated.shell.verify(dehydrated.shell.write("own.pem", done.stdout), names, "Ed25519")


@row("dehydrated", "dns-01", "three names, one a wildcard", also="by a hook")
def test_dehydrated_dns(dehydrated, hook):
    names = ["*.dns.dehydrated.test", "dns.dehydrated.test", "www.dns.dehydrated.test"]
    dehydrated.configure(more=f"CHALLENGETYPE=dns-01\nHOOK={hook}")
    dehydrated.sign(*names)
    dehydrated.verify(names, "P-256")


@row("dehydrated", "tls-alpn-01", "two names")
def test_dehydrated_tls_alpn(dehydrated):
    names, tls = ["alpn.dehydrated.test", "www.alpn.dehydrated.test"], dehydrated.shell.server.responder.tls
    dehydrated.configure(more=f"CHALLENGETYPE=tls-alpn-01\nALPNCERTDIR={dehydrated.shell.path('alpn')}")
    tls.folder = dehydrated.shell.path("alpn")
    try:
        dehydrated.sign(*names)
    finally:
        tls.folder = None
    dehydrated.verify(names, "P-256")
