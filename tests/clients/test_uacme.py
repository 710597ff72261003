"""uacme (Debian): http-01 by its hook into a webroot, dns-01 by a hook, tls-alpn-01 by ualpn."""
import os
import subprocess
import time

import pytest
from matrix import row
from shell import find_program

HOOK = "/usr/share/uacme/uacme.sh"
# The library beneath it reads one bundle only, and no variable changes that: in a mount namespace of its own the
# bundle is our root.
MOUNT = 'mount --bind "$0" /etc/ssl/certs/ca-certificates.crt && exec "$@"'


class Uacme:
    def __init__(self, shell):
        self.shell = shell

    def __call__(self, *args, kind="P-256", hook=HOOK, **kw):
        shell, own = self.shell, ["-m"] if os.geteuid() == 0 else ["-r", "-m"]
        key = ["-t", "RSA", "-b", kind.removeprefix("RSA-")] if kind.startswith("RSA") else \
            ["-t", "EC", "-b", kind.removeprefix("P-")]
        return shell.run("unshare", *own, "sh", "-c", MOUNT, shell.server.root, find_program("uacme"), "-a",
                         shell.server.directory_url, "-c", shell.path("uacme"), "-h", hook, *key, "-y", *args,
                         env={"UACME_CHALLENGE_PATH": shell.challenges}, **kw)

    def file(self, name):
        return self.shell.path(f"uacme/{name}/cert.pem")


@pytest.fixture
def uacme(shell):
    return Uacme(shell)


@pytest.mark.parametrize("account, certificate", [
    pytest.param(account, certificate, marks=row("uacme", "http-01", "three names, one internationalised", account,
                                                 certificate, "webroot"))
    for account, certificate in (("P-384", "RSA-2048"), ("RSA-2048", "P-384"), ("RSA-3072", "RSA-3072"), ("RSA-4096", "RSA-4096"))])
def test_uacme_webroot(uacme, account, certificate):
    names = ["uacme.test", "www.uacme.test", "xn--bcher-kva.uacme.test"]
    uacme("new", "admin@uacme.test", kind=account)
    uacme("issue", *names, kind=certificate)
    uacme.shell.verify(uacme.file(names[0]), names, certificate)


@row("uacme", "http-01", "one name",
     also="change of contact, renewal, key rollover, revocation by the account and by the certificate's key, deactivation")
def test_uacme_life(uacme):
    name = "life.uacme.test"
    uacme("new", "one@uacme.test")
    uacme("update", "two@uacme.test")
    uacme("issue", name)
    first = uacme.shell.verify(uacme.file(name), [name], "P-256")
    old = [uacme.shell.copy(uacme.file(name), file) for file in ("old.pem", "same.pem")]     # it renames the file
    assert uacme("issue", name, check=False).returncode == 1       # still good: nothing to do
    uacme("newkey")
    uacme("-f", "issue", name)
    assert uacme.shell.verify(uacme.file(name), [name], "P-256") != first
    new = uacme.shell.copy(uacme.file(name), "new.pem")
    uacme("-r", 4, "revoke", old[0])
    assert uacme.shell.revoked(old[1]) == "superseded"
    uacme("-r", 1, "revoke", uacme.file(name), uacme.shell.path(f"uacme/private/{name}/key.pem"))
    assert uacme.shell.revoked(new) == "keyCompromise"
    uacme("deactivate")
    assert uacme("issue", "late.uacme.test", check=False).returncode != 0


@row("uacme", "http-01", "two names", "P-256", "Ed25519", "an existing CSR")
def test_uacme_csr(uacme):
    names = ["csr.uacme.test", "csr2.uacme.test"]
    uacme("new")
    uacme("issue", uacme.shell.request("own", names, "Ed25519"))
    uacme.shell.verify(uacme.shell.path("own-cert.pem"), names, "Ed25519")


@pytest.mark.parametrize("address", [
    pytest.param("127.0.0.1", marks=row("uacme", "http-01", "an IPv4 address")),
    pytest.param("::1", marks=row("uacme", "http-01", "an IPv6 address"))])
def test_uacme_address(uacme, address):
    """RFC 8738."""
    uacme("new")
    uacme("issue", address)
    uacme.shell.verify(uacme.file(address), [address], "P-256")


@row("uacme", "dns-01", "three names, one a wildcard", also="by a hook")
def test_uacme_dns(uacme, hook):
    names = ["dns.uacme.test", "*.dns.uacme.test", "www.dns.uacme.test"]
    uacme("new")
    uacme("issue", *names, hook=hook)
    uacme.shell.verify(uacme.file(names[0]), names, "P-256")


@pytest.fixture
def ualpn(shell):
    """The responder, in front of a backend that nobody asks; its hook talks to it by a socket. (address, hook)"""
    names = ["alpn.uacme.test", "www.alpn.uacme.test"]
    address, port, path = shell.address(*names), shell.server.responder.tls.port, shell.path("ualpn.sock")
    daemon = subprocess.Popen([find_program("ualpn"), "-b", f"{address}@{port}", "-c", f"127.0.0.1@{port}", "-s", path,
                               "-p", shell.path("ualpn.pid"), "-P", "0", "-vv"], stderr=subprocess.DEVNULL)
    end = time.monotonic() + 10
    while not os.path.exists(path):
        assert daemon.poll() is None and time.monotonic() < end
        time.sleep(0.02)
    with open("/usr/share/uacme/ualpn.sh", encoding="ascii") as f:
        hook = shell.write("hook.sh", f.read().replace("| ualpn)", f"| ualpn -s {path})"), 0o755)
    yield address, names, hook
    daemon.kill()
    daemon.wait(10)


@row("uacme", "tls-alpn-01", "two names", also="by ualpn")
def test_uacme_tls_alpn(uacme, ualpn):
    _, names, hook = ualpn
    uacme("new", "admin@ualpn.test")
    uacme("issue", *names, hook=hook)
    uacme.shell.verify(uacme.file(names[0]), names, "P-256")


@row("uacme", "tls-alpn-01", "an IPv4 address", also="by ualpn")
def test_uacme_tls_alpn_address(uacme, ualpn):
    """RFC 8738."""
    address, _, hook = ualpn
    uacme("new", "admin@ualpn.test")
    uacme("issue", address, hook=hook)
    uacme.shell.verify(uacme.file(address), [address], "P-256")
