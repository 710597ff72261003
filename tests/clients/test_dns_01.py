"""dns-01 by the clients' hooks, wildcards among the names. The hook appends a line to a file of the name server."""
import os
import re

import pytest
import test_lego as test_lego_http
import test_uacme as test_uacme_http

NAMES = ["*.{}.test", "{}.test", "www.{}.test"]
# name and value: certbot by its environment; lego "present NAME. VALUE"; dehydrated "deploy_challenge NAME FILE VALUE";
# uacme "begin TYPE NAME TOKEN VALUE", which asks the hook whether it takes the type.
HOOK = """#!/bin/sh
cd {folder} || exit 1
case "$1" in
"") [ -n "$CERTBOT_DOMAIN" ] && echo "$CERTBOT_VALIDATION" >> "_acme-challenge.$CERTBOT_DOMAIN" ;;
present) echo "$3" >> "${{2%.}}" ;;
deploy_challenge) echo "$4" >> "_acme-challenge.$2" ;;
begin) [ "$2" = dns-01 ] && echo "$5" >> "_acme-challenge.$3" ;;
esac
"""


@pytest.fixture
def hook(names, tmp_path):
    names.folder = str(tmp_path / "zone")
    os.mkdir(names.folder)
    path = tmp_path / "hook"
    path.write_text(HOOK.format(folder=names.folder))
    path.chmod(0o755)
    yield str(path)
    names.folder = None


def named(client):
    return [name.format(client) for name in NAMES]


def test_certbot(shell, record, hook):
    record("certbot", re.search(r"[\d.]+", shell.run("certbot", "--version").stdout)[0], "RSA-2048", "P-256",
           "dns-01, wildcard")
    folders = [f"--{what}-dir={shell.path('certbot', what)}" for what in ("config", "work", "logs")]
    shell.run("certbot", "certonly", "--non-interactive", "--server", shell.server.directory_url, *folders,
              "--agree-tos", "--register-unsafely-without-email", "--manual", "--preferred-challenges", "dns",
              "--manual-auth-hook", hook, "--key-type", "ecdsa", "--cert-name", "c",
              *[arg for name in named("dnscertbot") for arg in ("-d", name)])
    live = shell.path("certbot/config/live/c")
    shell.verify(f"{live}/cert.pem", named("dnscertbot"), "P-256", f"{live}/chain.pem")


def test_lego(names, shell, record, hook):
    record("lego", test_lego_http.version(shell), "P-256", "P-256", "dns-01, wildcard")
    shell.run("lego", "--server", shell.server.directory_url, "--accept-tos", "--email", "a@lego.test", "--path",
              shell.path("lego"), "--dns", "exec", "--dns.disable-cp", "--dns.resolvers", names.address,
              *[arg for name in named("dnslego") for arg in ("--domains", name)], "run",
              env={"EXEC_PATH": hook, "EXEC_SEQUENCE_INTERVAL": "1"})
    shell.verify(shell.path("lego/certificates/_.dnslego.test.crt"), named("dnslego"), "P-256")


def test_dehydrated(shell, record, hook):
    record("dehydrated", re.search(r"Dehydrated version: ([\d.]+)", shell.run("dehydrated", "--version").stdout)[1],
           "P-256", "P-256", "dns-01, wildcard")
    with open(shell.path("config"), "w", encoding="ascii") as f:
        f.write(f"CA={shell.server.directory_url}\nBASEDIR={shell.path('dehydrated')}\nCHALLENGETYPE=dns-01\n"
                f"HOOK={hook}\nACCOUNT_KEY_ALGO=prime256v1\nCURL_OPTS='--cacert {shell.server.root}'\n")
    shell.run("mkdir", "-p", shell.path("dehydrated"))
    shell.run("dehydrated", "--config", shell.path("config"), "--register", "--accept-terms")
    shell.run("dehydrated", "--config", shell.path("config"), "--cron", "--algo", "prime256v1", "--alias", "d",
              "--domain", " ".join(named("dnsdehydrated")))
    folder = shell.path("dehydrated/certs/d")
    shell.verify(f"{folder}/cert.pem", named("dnsdehydrated"), "P-256", f"{folder}/chain.pem")


def test_uacme(shell, record, hook):
    record("uacme", test_uacme_http.version(shell), "P-256", "P-256", "dns-01, wildcard")
    test_uacme_http.uacme(shell, "new")
    test_uacme_http.uacme(shell, "issue", *named("dnsuacme")[1:], named("dnsuacme")[0], hook=hook)
    shell.verify(shell.path("uacme/dnsuacme.test/cert.pem"), named("dnsuacme"), "P-256")
