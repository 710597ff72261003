"""lego (Debian): webroot, its own web and TLS servers, hooks."""
import pytest
from matrix import row


class Lego:
    def __init__(self, shell):
        self.shell = shell

    def __call__(self, command, *args, names=(), how=None, kind="ec256", **kw):
        """how: the challenge's options; else a webroot. args: those of the command."""
        return self.shell.run("lego", "--server", self.shell.server.directory_url, "--accept-tos", "--email",
                              "a@lego.test", "--path", self.shell.path("lego"), "--key-type", kind,
                              *(how or ["--http", "--http.webroot", self.shell.webroot]),
                              *[arg for name in names for arg in ("--domains", name)], command, *args, **kw)

    def file(self, name):
        return self.shell.path(f"lego/certificates/{name}.crt")


@pytest.fixture
def lego(shell):
    return Lego(shell)


@pytest.mark.parametrize("kind, shown", [
    pytest.param(kind, shown, marks=row("lego", "http-01", "three names, one internationalised", shown, shown,
                                        "webroot, renewal, revocation"))
    for kind, shown in (("ec256", "P-256"), ("ec384", "P-384"), ("rsa2048", "RSA-2048"), ("rsa4096", "RSA-4096"))])
def test_lego_webroot(lego, kind, shown):
    """lego's --key-type is that of the account and of the certificate alike."""
    # renew sorts the names and calls the file after the first
    names = ["a.lego.test", "lego.test", "xn--bcher-kva.lego.test"]
    lego("run", names=["a.lego.test", "lego.test", "bücher.lego.test"], kind=kind)
    first = lego.shell.verify(lego.file(names[0]), names, shown)
    lego("renew", "--days", "900", "--no-random-sleep", "--reuse-key", names=names, kind=kind)
    assert lego.shell.verify(lego.file(names[0]), names, shown) != first
    lego("revoke", "--keep", "--reason", 4, names=names[:1], kind=kind)
    assert lego.shell.revoked(lego.file(names[0])) == "superseded"


@pytest.mark.parametrize("kind", [
    pytest.param(kind, marks=row("lego", "http-01", "two names", "P-256", kind, "its own web server, an existing CSR"))
    for kind in ("P-384", "RSA-3072", "Ed25519")])
def test_lego_csr(lego, kind):
    names = ["csr.lego.test", "csr2.lego.test"]
    address = lego.shell.address(*names)
    csr = lego.shell.request("own", names, kind)
    lego("run", how=["--http", "--http.port", f"{address}:{lego.shell.server.responder.port}", "--csr", csr])
    lego.shell.verify(lego.file(names[0]), names, kind)


@pytest.mark.parametrize("kind, shown", [
    pytest.param(kind, shown, marks=row("lego", "tls-alpn-01", "two names", shown, shown))
    for kind, shown in (("ec256", "P-256"), ("rsa2048", "RSA-2048"))])
def test_lego_tls_alpn(lego, kind, shown):
    names = ["alpn.lego.test", "www.alpn.lego.test"]
    address = lego.shell.address(*names)
    lego("run", names=names, how=["--tls", "--tls.port", f"{address}:{lego.shell.server.responder.tls.port}"], kind=kind)
    lego.shell.verify(lego.file(names[0]), names, shown)


@row("lego", "dns-01", "three names, one a wildcard", also="by a hook")
def test_lego_dns(names, lego, hook):
    wanted = ["*.dns.lego.test", "dns.lego.test", "www.dns.lego.test"]
    lego("run", names=wanted, how=["--dns", "exec", "--dns.disable-cp", "--dns.resolvers", names.address],
         env={"EXEC_PATH": hook, "EXEC_SEQUENCE_INTERVAL": "1", "EXEC_POLLING_INTERVAL": "1"})
    lego.shell.verify(lego.file("_.dns.lego.test"), wanted, "P-256")


def test_lego_tells_the_cause(lego):
    """It knows DNS names only; the order's refusal says what RFC 8738 has instead."""
    done = lego("run", names=["127.0.8.1"], check=False)
    assert done.returncode == 1 and '"127.0.8.1" is an IP address, not a DNS name; use the identifier type "ip"' in \
        done.stderr
