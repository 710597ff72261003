"""lacme (Debian): its own web server, or a webroot. Account keys are RSA only; it has no renewal but by force, and no
deactivation."""
import pytest
from matrix import row


class Lacme:
    def __init__(self, shell):
        self.shell = shell

    def configure(self, account, names, listen=""):
        """Its processes run as whoever runs the tests; the client is told its root by its environment, of which it
        keeps nothing else."""
        shell = self.shell
        shell.openssl("genrsa", "-out", shell.path("account.key"), account.removeprefix("RSA-"))
        self.sign_with("account.key")
        challenge = f"listen = {listen}" if listen else f"listen =\nchallenge-directory = {shell.challenges}"
        shell.write("lacme.conf", f"""
config-certs = {shell.path("certs.conf")}
[client]
user =
group =
server = {shell.server.directory_url}
command = /usr/bin/env PERL_LWP_SSL_CA_FILE={shell.server.root} /usr/libexec/lacme/client
[webserver]
{challenge}
user =
group =
[accountd]
config = {shell.path("accountd.conf")}
""")
        shell.write("certs.conf", f"""
[c]
certificate-key = {shell.path("own.key")}
certificate-chain = {shell.path("chain.pem")}
subject = /CN={names[0]}
subjectAltName = {",".join("DNS:" + name for name in names)}
CAfile = {shell.ca_file}
""")
        self("account", "--tos-agreed", "--register", "mailto:one@lacme.test")

    def sign_with(self, file):
        self.shell.write("accountd.conf", f"privkey = file:{self.shell.path(file)}\n")

    def __call__(self, *args, **kw):
        return self.shell.run("lacme", "--config", self.shell.path("lacme.conf"), *args, **kw)

    def verify(self, names, kind):
        return self.shell.verify(self.shell.path("chain.pem"), names, kind)


@pytest.fixture
def lacme(shell):
    return Lacme(shell)


@pytest.mark.parametrize("account, certificate", [
    pytest.param(account, certificate, marks=row("lacme", "http-01", "three names, one internationalised", account,
                                                 certificate, "webroot, change of contact, renewal, revocation"))
    for account, certificate in (("RSA-2048", "P-256"), ("RSA-3072", "RSA-3072"), ("RSA-4096", "P-384"))])
def test_lacme_webroot(lacme, account, certificate):
    names, shell = ["lacme.test", "www.lacme.test", "xn--bcher-kva.lacme.test"], lacme.shell
    shell.request("own", names, certificate)
    lacme.configure(account, names)
    lacme("account", "mailto:two@lacme.test")
    lacme("newOrder")
    first = lacme.verify(names, certificate)
    old = shell.copy(shell.path("chain.pem"), "old.pem")
    lacme("newOrder", "--force")
    assert lacme.verify(names, certificate) != first
    lacme("revokeCert", old)
    assert shell.revoked(old) == "unspecified"


@row("lacme", "http-01", "one name", "RSA-2048", "RSA-2048", "webroot, revocation by the certificate's key")
def test_lacme_revokes_by_the_certificate_key(lacme):
    """It signs with whatever key its agent has, of RSA alone."""
    names, shell = ["leaked.lacme.test"], lacme.shell
    shell.request("own", names, "RSA-2048")
    lacme.configure("RSA-2048", names)
    lacme("newOrder")
    lacme.verify(names, "RSA-2048")
    lacme.sign_with("own.key")
    lacme("revokeCert", shell.path("chain.pem"))
    assert shell.revoked(shell.path("chain.pem")) == "keyCompromise"


@pytest.mark.run_again
def test_lacme_gets_through_refused_nonces(lacme):
    names = ["again.lacme.test"]
    lacme.shell.request("own", names, "P-256")
    lacme.configure("RSA-2048", names)
    lacme("newOrder")
    lacme.verify(names, "P-256")


@row("lacme", "http-01", "two names", "RSA-2048", "P-256", "its own web server")
def test_lacme_server(lacme):
    names = ["server.lacme.test", "server2.lacme.test"]
    address = lacme.shell.address(*names)
    lacme.shell.request("own", names, "P-256")
    lacme.configure("RSA-2048", names, f"{address}:{lacme.shell.server.responder.port}")
    lacme("newOrder")
    lacme.verify(names, "P-256")
