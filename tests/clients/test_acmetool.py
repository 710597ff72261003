"""acmetool (Debian): webroot, and dns-01 by a hook."""
import os

import pytest
import requests
import yaml
from matrix import row

pytestmark = pytest.mark.long       # it looks at a challenge again after ten seconds

CURVES = {"P-256": "nistp256", "P-384": "nistp384", "P-521": "nistp521"}
# challenge-dns-start NAME TARGET-FILE VALUE; 42 says that the event is not one of its.
HOOK = """#!/bin/sh
[ "$1" = challenge-dns-start ] || exit 42
echo "$4" >> "{folder}/_acme-challenge.$2"
"""


class Acmetool:
    def __init__(self, shell):
        self.shell = shell
        shell.run("mkdir", "-p", "state/conf", "hooks")

    def configure(self, certificate, **challenge):
        kind = {"type": "ecdsa", "ecdsa-curve": CURVES[certificate]} if certificate in CURVES else \
            {"type": "rsa", "rsa-size": int(certificate.removeprefix("RSA-"))}
        self.shell.write("state/conf/target", yaml.safe_dump({"request": {
            "provider": self.shell.server.directory_url, "key": kind, "challenge": {
                "http-ports": [], "http-self-test": False, "webroot-paths": [self.shell.challenges], **challenge}}}))
        meta = requests.get(self.shell.server.directory_url, verify=self.shell.server.root, timeout=10).json()["meta"]
        self.shell.write("state/conf/responses", yaml.safe_dump({
            "acme-enter-email": "one@acmetool.test", f"acme-agreement:{meta.get('termsOfService')}": True}))

    def __call__(self, *args, **kw):
        return self.shell.run("acmetool", "--state", self.shell.path("state"), "--hooks", self.shell.path("hooks"),
                              "--batch", *args, **kw)

    def file(self, name):
        return self.shell.path(f"state/live/{name}/fullchain")


@pytest.fixture
def acmetool(shell):
    return Acmetool(shell)


@pytest.mark.parametrize("certificate", [
    pytest.param(certificate, marks=row("acmetool", "http-01", "three names, one internationalised", "P-256", certificate,
                                        "webroot"))
    for certificate in ("P-256", "P-384", "P-521", "RSA-3072")])
def test_acmetool_webroot(acmetool, certificate):
    names = ["acmetool.test", "www.acmetool.test", "xn--bcher-kva.acmetool.test"]
    acmetool.configure(certificate)
    acmetool("want", "acmetool.test", "www.acmetool.test", "bücher.acmetool.test")
    acmetool.shell.verify(acmetool.file(names[0]), names, certificate)


def test_acmetool_revokes_nothing(acmetool):
    """Its revoke marks the certificate for the next run, as its documentation says, which then asks for nothing."""
    names, shell = ["revoke.acmetool.test"], acmetool.shell
    acmetool.configure("P-256")
    acmetool("want", *names)
    before = len(shell.log())
    acmetool("revoke", os.path.basename(os.readlink(shell.path("state/live", names[0]))))
    acmetool("reconcile")
    assert "route=revoke-cert" not in shell.log()[before:]
    assert shell.revoked(acmetool.file(names[0])) is None


@row("acmetool", "dns-01", "three names, one a wildcard", also="by a hook")
def test_acmetool_dns(acmetool, hook):
    names, shell = ["dns.acmetool.test", "*.dns.acmetool.test", "www.dns.acmetool.test"], acmetool.shell
    acmetool.configure("P-256", **{"webroot-paths": []})
    shell.write("hooks/dns", HOOK.format(folder=shell.server.names.folder), 0o755)
    acmetool("want", *names)
    shell.verify(acmetool.file(names[0]), names, "P-256")
