"""dehydrated (Debian), http-01 by its webroot."""
import re

import pytest


def version(shell):
    return re.search(r"Dehydrated version: ([\d.]+)", shell.run("dehydrated", "--version").stdout)[1]


class Dehydrated:
    def __init__(self, shell, account):
        self.shell = shell
        with open(shell.path("config"), "w", encoding="ascii") as f:
            f.write(f"CA={shell.server.directory_url}\nBASEDIR={shell.path('dehydrated')}\n"
                    f"WELLKNOWN={shell.challenges}\nCONTACT_EMAIL=admin@dehydrated.test\n"
                    f"ACCOUNT_KEY_ALGO={account}\nACCOUNT_KEYSIZE=2048\nKEYSIZE=2048\n"
                    f"CURL_OPTS='--cacert {shell.server.root}'\n")
        shell.run("mkdir", "-p", shell.path("dehydrated"))

    def __call__(self, *args, **kw):
        return self.shell.run("dehydrated", *args, "--config", self.shell.path("config"), **kw)


@pytest.mark.parametrize("account, algorithm, shown", [
    ("rsa", "rsa", ("RSA-2048", "RSA-2048")), ("prime256v1", "prime256v1", ("P-256", "P-256")),
    ("secp384r1", "secp384r1", ("P-384", "P-384")),
])
def test_dehydrated(shell, record, account, algorithm, shown):
    record("dehydrated", version(shell), *shown, "two names" + ", renewal" * (account == "rsa"))
    names = ["dehydrated.test", "www.dehydrated.test"]
    dehydrated = Dehydrated(shell, account)
    dehydrated("--register", "--accept-terms")
    args = ("--cron", "--domain", " ".join(names), "--algo", algorithm)
    dehydrated(*args)
    folder = shell.path("dehydrated/certs/dehydrated.test")
    first = shell.verify(f"{folder}/cert.pem", names, shown[1], f"{folder}/chain.pem")
    if account != "rsa":
        return
    dehydrated(*args, "--force")
    assert shell.verify(f"{folder}/cert.pem", names, shown[1], f"{folder}/chain.pem") != first


def test_dehydrated_account(shell, record):
    record("dehydrated", version(shell), "RSA-2048", "-", "update, deactivate")
    dehydrated = Dehydrated(shell, "rsa")
    dehydrated("--register", "--accept-terms")
    dehydrated("--account")
    dehydrated("--deactivate")
