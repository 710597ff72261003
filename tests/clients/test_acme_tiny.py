"""acme-tiny (Debian), http-01 by its folder; account keys are RSA only, certificate keys whatever the CSR has."""
import subprocess

import pytest


def version(shell):
    del shell
    return subprocess.run(["dpkg-query", "-W", "-f", "${Version}", "acme-tiny"], capture_output=True,
                          text=True,
                          timeout=10).stdout


@pytest.mark.parametrize("bits, newkey, shown", [
    (2048, ["rsa:2048"], ("RSA-2048", "RSA-2048")),
    (2048, ["ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"], ("RSA-2048", "P-256")),
])
def test_acme_tiny(shell, record, bits, newkey, shown):
    record("acme-tiny", version(shell), *shown, "two names, renewal")
    names = ["tiny.test", "www.tiny.test"]
    shell.run("openssl", "genrsa", "-out", "account.key", bits)
    shell.run("openssl", "req", "-new", "-newkey", *newkey, "-nodes", "-keyout", "tls.key", "-out", "tls.csr",
              "-subj", "/", "-addext", "subjectAltName=" + ",".join(f"DNS:{name}" for name in names))
    serials = []
    for _ in range(2):
        done = shell.run("acme-tiny", "--account-key", "account.key", "--csr", "tls.csr", "--acme-dir",
                         shell.challenges, "--directory-url", shell.server.directory_url, "--disable-check",
                         "--contact", "mailto:admin@tiny.test")
        with open(shell.path("chain.pem"), "w", encoding="ascii") as f:
            f.write(done.stdout)
        serials.append(shell.verify(shell.path("chain.pem"), names, shown[1]))
    assert serials[0] != serials[1]
