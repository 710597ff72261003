"""tls-alpn-01 with Debian's lego (its own TLS server), uacme (with ualpn) and dehydrated (a web server that serves
the certificates it writes)."""
import subprocess
import time

import pytest
import test_dehydrated
import test_lego
import test_uacme

LEGO, UALPN = "127.0.8.1", "127.0.8.2"      # va asks one port everywhere, so each has an address of its own


@pytest.mark.parametrize("kind, shown", [("ec256", "P-256"), ("rsa2048", "RSA-2048")])
def test_lego_alpn(shell, record, kind, shown):
    record("lego", test_lego.version(shell), shown, shown, "tls-alpn-01, two names")
    names = [shell.server.names.set(name, a=[LEGO]) for name in ("legoalpn.test", "www.legoalpn.test")]
    domains = [arg for name in names for arg in ("--domains", name)]
    shell.run("lego", "--server", shell.server.directory_url, "--accept-tos", "--email", "a@lego.test", "--path",
              shell.path("lego"), "--key-type", kind, "--tls", "--tls.port",
              f"{LEGO}:{shell.server.responder.tls.port}", *domains, "run")
    shell.verify(shell.path("lego/certificates/legoalpn.test.crt"), names, shown)


@pytest.fixture
def ualpn(shell):
    """The responder, in front of a backend that nobody asks; its hook talks to it by a socket."""
    port, path = shell.server.responder.tls.port, shell.path("ualpn.sock")
    daemon = subprocess.Popen(["ualpn", "-b", f"{UALPN}@{port}", "-c", f"127.0.0.1@{port}", "-s", path, "-p",
                               shell.path("ualpn.pid"), "-P", "0", "-vv"], stderr=subprocess.PIPE, text=True)
    end = time.monotonic() + 10
    while subprocess.run(["test", "-S", path], check=False).returncode != 0:
        assert daemon.poll() is None and time.monotonic() < end
        time.sleep(0.02)
    with open("/usr/share/uacme/ualpn.sh", encoding="ascii") as f:
        text = f.read().replace("| ualpn)", f"| ualpn -s {path})")
    hook = shell.path("hook.sh")
    with open(hook, "w", encoding="ascii") as f:
        f.write(text)
    subprocess.run(["chmod", "755", hook], check=True)
    yield hook
    daemon.terminate()
    daemon.wait(10)


def test_uacme_alpn(shell, record, ualpn):
    record("uacme", test_uacme.version(shell), "P-256", "P-256", "tls-alpn-01 by ualpn, two names")
    names = [shell.server.names.set(name, a=[UALPN]) for name in ("ualpn.test", "www.ualpn.test")]
    test_uacme.uacme(shell, "new", "admin@ualpn.test")
    test_uacme.uacme(shell, "issue", *names, hook=ualpn)
    shell.verify(shell.path("uacme/ualpn.test/cert.pem"), names, "P-256")


def test_dehydrated_alpn(shell, record):
    record("dehydrated", test_dehydrated.version(shell), "P-256", "P-256", "tls-alpn-01, two names")
    names = ["dehydratedalpn.test", "www.dehydratedalpn.test"]
    dehydrated = test_dehydrated.Dehydrated(shell, "prime256v1")
    shell.server.responder.tls.folder = shell.path("alpn")
    try:
        dehydrated("--register", "--accept-terms")
        dehydrated("--cron", "--challenge", "tls-alpn-01", "--alpn", shell.path("alpn"), "--domain", " ".join(names),
                   "--algo", "prime256v1")
    finally:
        shell.server.responder.tls.folder = None
    folder = shell.path("dehydrated/certs/dehydratedalpn.test")
    shell.verify(f"{folder}/cert.pem", names, "P-256", f"{folder}/chain.pem")


def verify_address(shell, certificate, address):
    """openssl's verdict: for this address, and for no other."""
    for asked, good in ((address, 0), ("127.0.8.99", 2)):
        done = shell.run("openssl", "verify", "-x509_strict", "-verify_ip", asked, "-CAfile", shell.server.root,
                         "-untrusted", certificate, certificate, check=False)
        assert done.returncode == good, done.stderr


def test_uacme_address(shell, record, ualpn):
    """RFC 8738."""
    record("uacme", test_uacme.version(shell), "P-256", "P-256", "tls-alpn-01, an IPv4 address")
    test_uacme.uacme(shell, "new", "admin@ualpn.test")
    test_uacme.uacme(shell, "issue", UALPN, hook=ualpn)
    verify_address(shell, shell.path(f"uacme/{UALPN}/cert.pem"), UALPN)
