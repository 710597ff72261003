"""The conformance suite: an ACME server is driven over the network only. Without --directory that server is signet, and
the words of its problem documents count too; docs/conformance.md says how to point it at another."""
import collections
import re

import pytest
from harness import acme
from harness.names import Names
from harness.responder import Responder
from harness.server import shared_server

from target import Target

# Names and addresses that the suite asks for; the rest of what it orders must be refused.
POLICY = {"ra": {"policy": {"allow": ["*.test", "127.0.0.0/8", "::1/128"], "deny": ["forbidden.test"]}},
          "ca": {"auto_renewal": {"max_duration": "100d", "min_lifetime": "10s"}}}

# A feature: what must be there for its tests to mean something. Files and tests name theirs by a mark.
FEATURES = {
    "keyChange": "directory has no keyChange", "newAuthz": "directory has no newAuthz",
    "revokeCert": "directory has no revokeCert", "renewalInfo": "directory has no renewalInfo (RFC 9773)",
    "profiles": "directory has no meta.profiles", "orders": "accounts have no orders list",
    "tls-alpn-01": "tls-alpn-01 is not offered", "dns-01": "dns-01 is not offered",
    "auto-renewal": "directory has no meta.auto-renewal (RFC 8739)", "http-01": "http-01 is not offered", "dns-account-01": "dns-account-01 is not offered",
    "ip": "identifiers of type ip are refused", "policy": "which names are refused is the server's own policy",
    "signet": "what signet does beyond the RFCs", "crl": "its certificates name no CRL",
}


def pytest_addoption(parser):
    group = parser.getgroup("conformance", "the ACME server under test")
    group.addoption("--directory", metavar="URL", help="its directory; without it, signet is started and tested")
    group.addoption("--cacert", metavar="FILE", help="trust anchors for its TLS; else the system's")
    group.addoption("--dns-port", type=int, default=8053, help="where its validation asks for DNS (8053)")
    group.addoption("--http-port", type=int, default=5002, help="where it connects to for http-01 (5002)")
    group.addoption("--tls-port", type=int, default=5001, help="where it connects to for tls-alpn-01 (5001)")
    group.addoption("--listen", default="127.0.0.1,::1", help="where our responders listen (127.0.0.1,::1)")
    group.addoption("--address", default="127.0.0.1", help="the IPv4 address of every name (127.0.0.1)")
    group.addoption("--eab-kid", metavar="KID", help="external account binding: key identifier")
    group.addoption("--eab-key", metavar="BASE64URL", help="and MAC key")
    group.addoption("--without", default="", metavar="LIST", help="features to leave out: " + ", ".join(FEATURES))


def pytest_configure(config):
    config.addinivalue_line("markers", "needs(feature): left out where the server has no such thing")
    acme.WORDS = not config.getoption("directory", None)       # not there when other folders stand first


@pytest.fixture(scope="session")
def names(request):
    option = request.config.option
    made = Names(option.dns_port, option.listen.split(",")[0], option.address) if not acme.WORDS else Names()
    yield made
    made.close()


@pytest.fixture(scope="session")
def responder(request):
    option = request.config.option
    made = Responder(option.http_port, option.listen.split(","), option.tls_port) if not acme.WORDS else Responder()
    yield made
    made.close()


@pytest.fixture(scope="session")
def server(request, names, responder):
    if not acme.WORDS:
        yield Target(request.config.option, names, responder)
    else:
        yield from shared_server(names, responder, POLICY)


@pytest.fixture(scope="session")
def shared(server):
    """Of this server, where other tests of the same run have another."""
    return acme.Client(server)


@pytest.fixture(scope="session")
def features(request, server, shared):
    """What this server has."""
    found = {name for name in ("keyChange", "newAuthz", "revokeCert", "renewalInfo") if name in shared.directory}
    found |= {name for name in ("profiles", "auto-renewal") if shared.directory.get("meta", {}).get(name)}
    account = shared.get(shared.kid)
    found |= {"orders"} if account.status_code == 200 and "orders" in account.json() else set()
    url = shared.order(["features.test"]).json()["authorizations"][0]
    found |= {challenge["type"] for challenge in shared.get(url).json()["challenges"]}
    reply = shared.post(shared.directory["newOrder"], {"identifiers": [{"type": "ip", "value": "127.0.0.1"}]})
    found |= {"ip"} if reply.status_code == 201 else set()
    found |= {"signet", "policy", "crl"} if acme.WORDS else set()
    return found - set(request.config.getoption("without", "").split(","))


@pytest.fixture(autouse=True)
def needed(request):
    for mark in request.node.iter_markers("needs"):
        missing = set(mark.args) - request.getfixturevalue("features")
        if missing:
            pytest.skip("; ".join(FEATURES[name] for name in sorted(missing)))


def pytest_terminal_summary(terminalreporter):
    """Results by section."""
    sections = collections.defaultdict(collections.Counter)
    for outcome in ("passed", "failed", "skipped"):
        for report in terminalreporter.stats.get(outcome, []):
            name = report.nodeid.rsplit("::", 1)[-1]
            found = re.search(r"\brfc(\d+)-([\d.]+)", name) or re.search(r"_rfc(\d+)((?:_\d+)*)", name)
            if outcome != "passed" or report.when == "call":
                where = f"RFC {found[1]}, {found[2].strip('_').replace('_', '.')}".rstrip(", ") if found else "others"
                sections[where][outcome] += 1
    if sections:
        terminalreporter.section("conformance, by section")
    for name in sorted(sections, key=lambda text: [int(n) if n.isdigit() else 0 for n in re.findall(r"\d+|\D+", text)]):
        shown = ", ".join(f"{sections[name][outcome]} {outcome}" for outcome in sections[name])
        terminalreporter.write_line(f"{name:24} {shown}")
