"""The ACME libraries of Python (Debian), Ruby (Debian) and JavaScript (npm), each by a small program of ours that does
what the JSON on its standard input says."""
import functools
import json
import os

import pytest
from matrix import row
from shell import is_address

HERE = os.path.dirname(os.path.abspath(__file__))
PYTHON, RUBY, NPM = "python3-acme", "ruby-acme-client", "acme-client (npm)"
PROGRAMS = {
    PYTHON: ("/usr/bin/python3", "-B", os.path.join(HERE, "python_acme.py")),
    RUBY: ("ruby", os.path.join(HERE, "acme_client.rb")),
    NPM: ("node", os.path.join(HERE, "npm/acme_client.js")),
}


def folder(shell, challenge):
    """Where the program puts its answers."""
    if challenge == "http-01":
        return shell.challenges
    os.mkdir(shell.path("answers"))
    if challenge == "dns-01":
        shell.server.names.folder = shell.path("answers")
    else:
        shell.server.responder.tls.folder = shell.path("answers")
    return shell.path("answers")


def run_program(shell, client, challenge, names, account="P-256", certificate="P-256", life=False, **more):
    """Runs it, and looks at what it brought."""
    identifiers = [{"type": "ip" if is_address(name) else "dns", "value": name} for name in names]
    try:
        done = shell.run(*PROGRAMS[client], stdin=json.dumps({
            "directory": shell.server.directory_url, "challenge": challenge, "identifiers": identifiers,
            "account": account, "certificate": certificate, "life": life, "folder": folder(shell, challenge), **more}))
    finally:
        shell.server.names.folder = shell.server.responder.tls.folder = None
    first = shell.verify(shell.path("first.pem"), names, certificate)
    if life:
        assert shell.verify(shell.path("second.pem"), names, certificate) != first
        assert shell.revoked(shell.path("first.pem")) == "superseded"
        assert done.stdout == "deactivated\n"


@pytest.fixture
def program(shell):
    return functools.partial(run_program, shell)


def names_of(client):
    label = {PYTHON: "py", RUBY: "rb", NPM: "js"}[client]
    return [f"{label}.test", f"www.{label}.test", f"xn--bcher-kva.{label}.test"]


@pytest.mark.parametrize("client, account, certificate", [
    pytest.param(client, account, certificate, marks=row(
        client, "http-01", "three names, one internationalised", account, certificate,
        "change of contact, renewal, " + "key rollover, " * (client != PYTHON) + "revocation, deactivation"))
    for client in PROGRAMS
    for account, certificate in (("P-256", "P-384"), ("P-384", "RSA-2048"), ("RSA-2048", "P-256"), ("RSA-3072", "P-521"),
                                 ("P-521", "RSA-3072"))])
def test_life(program, client, account, certificate):
    program(client, "http-01", names_of(client), account, certificate, life=True)


@pytest.mark.parametrize("client", [
    pytest.param(client, marks=row(client, "dns-01", "three names, one a wildcard")) for client in PROGRAMS])
def test_dns(program, client):
    names = names_of(client)
    program(client, "dns-01", [names[0], "*." + names[0], names[1]])


@pytest.mark.run_again
def test_python_gets_through_refused_nonces(program):
    program(PYTHON, "http-01", ["again.py.test"])


@row(NPM, "tls-alpn-01", "two names")
def test_tls_alpn(program):
    program(NPM, "tls-alpn-01", names_of(NPM)[:2])


def test_python_tls_alpn_is_of_the_draft(program, shell):
    """Its certificate has the extension's number of the draft, 1.3.6.1.5.5.7.1.30.1, not that of RFC 8737, 6.1."""
    with pytest.raises(AssertionError, match="ValidationError"):
        program(PYTHON, "tls-alpn-01", names_of(PYTHON)[:1])
    assert "the certificate has no acmeIdentifier (1.3.6.1.5.5.7.1.31) extension" in shell.log()


@pytest.mark.parametrize("client, address", [
    pytest.param(client, address, marks=row(client, "http-01", f"an {kind} address"))
    for client in PROGRAMS for kind, address in (("IPv4", "127.0.0.1"), ("IPv6", "::1")) if (client, kind) != (PYTHON, "IPv6")])
def test_address(program, client, address):
    """RFC 8738."""
    program(client, "http-01", [address])


def test_python_writes_ipv6_in_full(program, shell):
    """RFC 8738, 3 wants RFC 5952's form; it orders 0:0:0:0:0:0:0:1."""
    with pytest.raises(AssertionError, match='write "::1"'):
        program(PYTHON, "http-01", ["::1"])


@pytest.mark.parametrize("kind", ["P-256", "P-521"])
def test_ruby_drops_leading_zeros(program, shell, kind):
    """RFC 7518, 6.2.1.2: a coordinate has its curve's length. One account key in 128 of P-256 is such, and three in four
    of P-521."""
    with pytest.raises(AssertionError, match="leading zeros included"):
        program(RUBY, "http-01", names_of(RUBY)[:1], kind, zeros=True)
