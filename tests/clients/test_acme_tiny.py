"""acme-tiny (Debian), http-01 by its folder; account keys are RSA only, certificate keys whatever the CSR has."""
import pytest
from matrix import row


def acme_tiny(shell, csr, contact):
    """The chain, which it prints."""
    return shell.run("acme-tiny", "--account-key", "account.key", "--csr", csr, "--acme-dir", shell.challenges,
                     "--directory-url", shell.server.directory_url, "--disable-check", "--contact",
                     f"mailto:{contact}@tiny.test")


@pytest.mark.parametrize("account, certificate", [
    pytest.param(account, certificate, marks=row("acme-tiny", "http-01", "three names, one internationalised", account,
                                                 certificate, "change of contact, renewal"))
    for account, certificate in (("RSA-2048", "RSA-2048"), ("RSA-2048", "P-256"), ("RSA-3072", "P-384"),
                                 ("RSA-4096", "Ed25519"))])
def test_acme_tiny(shell, account, certificate):
    names = ["tiny.test", "www.tiny.test", "xn--bcher-kva.tiny.test"]
    shell.openssl("genrsa", "-out", "account.key", account.removeprefix("RSA-"))
    csr = shell.request("own", names, certificate)
    serials = set()
    for contact in ("one", "two"):
        done = acme_tiny(shell, csr, contact)
        assert f"mailto:{contact}@tiny.test" in done.stderr
        serials.add(shell.verify(shell.write("chain.pem", done.stdout), names, certificate))
    assert len(serials) == 2
