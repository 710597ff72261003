"""lego (Debian), http-01 by its own web server and by webroot."""
import subprocess

import pytest


def version(shell):
    """The program says only "dev"; the package knows."""
    del shell
    return subprocess.run(["dpkg-query", "-W", "-f", "${Version}", "lego"], capture_output=True, text=True,
                          timeout=10).stdout


def lego(shell, *args, names=(), kind="ec256", command="run", **kw):
    domains = [arg for name in names for arg in ("--domains", name)]
    return shell.run("lego", "--server", shell.server.directory_url, "--accept-tos", "--email", "a@lego.test",
                     "--path", shell.path("lego"), "--key-type", kind, "--http", "--http.webroot", shell.webroot,
                     *domains, command, *args, **kw)


@pytest.mark.parametrize("kind, shown", [("ec256", "P-256"), ("ec384", "P-384"), ("rsa2048", "RSA-2048")])
def test_lego(shell, record, kind, shown):
    """lego's --key-type is that of the account and of the certificate alike; then a renewal."""
    record("lego", version(shell), shown, shown, "three names, renewal")
    # renew sorts the names and calls the file after the first
    names = ["a.lego.test", "b.lego.test", "lego.test"]
    file = shell.path("lego/certificates/a.lego.test.crt")
    lego(shell, names=names, kind=kind)
    first = shell.verify(file, names, shown)
    lego(shell, "--days", "900", "--no-random-sleep", names=names, kind=kind, command="renew")
    assert shell.verify(file, names, shown) != first


def test_lego_csr(shell, record):
    record("lego", version(shell), "P-256", "P-384", "an existing CSR")
    key, csr = shell.path("key.pem"), shell.path("csr.pem")
    shell.run("openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:secp384r1", "-nodes",
              "-keyout", key, "-out", csr, "-subj", "/CN=csr.lego.test", "-addext",
              "subjectAltName=DNS:csr.lego.test,DNS:csr2.lego.test")
    shell.run("lego", "--server", shell.server.directory_url, "--accept-tos", "--email", "a@lego.test",
              "--path",
              shell.path("lego"), "--http", "--http.webroot", shell.webroot, "--csr", csr, "run")
    shell.verify(shell.path("lego/certificates/csr.lego.test.crt"), ["csr.lego.test", "csr2.lego.test"],
                 "P-384")
