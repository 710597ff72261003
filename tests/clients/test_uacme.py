"""uacme (Debian), http-01 by its hook into a webroot."""
import os
import re

import pytest

HOOK = "/usr/share/uacme/uacme.sh"


def version(shell):
    return re.search(r"version ([\d.]+)", shell.run("uacme", "--version", check=False).stderr)[1]


def uacme(shell, *args, kind="EC", bits=256, hook=HOOK, **kw):
    """The library beneath it reads one bundle only, and no variable changes that: in a mount namespace of its own
    the bundle is our root."""
    own = ["-m"] if os.geteuid() == 0 else ["-r", "-m"]
    mount = 'mount --bind "$0" /etc/ssl/certs/ca-certificates.crt && exec "$@"'
    return shell.run("unshare", *own, "sh", "-c", mount, shell.server.root, "uacme", "-a",
                     shell.server.directory_url, "-c", shell.path("uacme"), "-h", hook, "-t", kind, "-b", bits, "-y",
                     *args, env={"UACME_CHALLENGE_PATH": shell.challenges}, **kw)


@pytest.mark.parametrize("account, certificate, shown", [
    (("EC", 256), ("EC", 256), ("P-256", "P-256")),
    (("EC", 384), ("RSA", 2048), ("P-384", "RSA-2048")),
    (("RSA", 2048), ("EC", 384), ("RSA-2048", "P-384")),
])
def test_uacme(shell, record, account, certificate, shown):
    record("uacme", version(shell), *shown, "two names" + ", renewal" * (shown[1] == "P-256"))
    names = ["uacme.test", "www.uacme.test"]
    file = shell.path("uacme/uacme.test/cert.pem")
    uacme(shell, "new", "admin@uacme.test", kind=account[0], bits=account[1])
    uacme(shell, "issue", *names, kind=certificate[0], bits=certificate[1])
    first = shell.verify(file, names, shown[1])
    if shown[1] != "P-256":
        return
    assert uacme(shell, "issue", *names, check=False).returncode == 1       # still good: nothing to do
    uacme(shell, "-f", "issue", *names, kind=certificate[0], bits=certificate[1])
    assert shell.verify(file, names, shown[1]) != first


def test_uacme_account(shell, record):
    record("uacme", version(shell), "P-256", "P-256", "update, deactivate")
    uacme(shell, "new", "one@uacme.test")
    uacme(shell, "update", "two@uacme.test")
    uacme(shell, "deactivate")
    assert uacme(shell, "issue", "late.uacme.test", check=False).returncode != 0
