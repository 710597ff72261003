"""What the client tests share: the CAs, in each mode; the clients' homes; the table at the end."""
import os

import matrix
import pytest
from harness.server import Server
from shell import Pebble, PebbleShell, Shell


@pytest.fixture(scope="session", params=["private", *matrix.PEBBLE])
def mode(request):
    return request.param


@pytest.fixture(scope="session")
def server(mode, names, responder):
    """One for all tests, in each mode."""
    made = Server(names, responder) if mode == "private" else Pebble(names, responder, matrix.PEBBLE[mode])
    yield made
    code, log = made.stop(), made.log if isinstance(made, Pebble) else made.log()
    made.close()
    assert code == 0
    assert "role died" not in log, log[-6000:]


@pytest.fixture
def shell(server, tmp_path):
    made = (PebbleShell if isinstance(server, Pebble) else Shell)(server, tmp_path)
    server.responder.webroot = made.webroot
    yield made
    server.responder.webroot = None


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
def hook(names, shell):
    """A dns-01 hook for every client: it appends a line to a file of the name server."""
    names.folder = shell.path("zone")
    os.mkdir(names.folder)
    yield shell.write("hook", HOOK.format(folder=names.folder), 0o755)
    names.folder = None


# --- the table -------------------------------------------------------------------------------------


def pytest_addoption(parser):
    parser.addoption("--clients-table", metavar="FILE", help="with --collect-only: writes the table of clients there")


def pytest_configure(config):
    config.addinivalue_line("markers", "client(...): the test's row in the table of clients")
    config.addinivalue_line("markers", "private: not against signet pebble, for the client's own fault")
    config.addinivalue_line("markers", "run_again: against signet pebble alone, with refused nonces, at which the client gives up")


def mode_of(item):
    return item.callspec.params.get("mode", "private") if hasattr(item, "callspec") else "private"


def is_for(mode, found, item):
    """Whether the row is run in that mode; a test without a row is about the CA's own words."""
    if item.get_closest_marker("run_again"):
        return mode == "pebble"
    if mode == "private":
        return True
    if found is None or item.get_closest_marker("private"):
        return False
    return mode == matrix.BEARS.get(found[0], "pebble")


def pytest_collection_modifyitems(config, items):
    """Against signet pebble, each way of a client to get a certificate is gone once, with one kind of key."""
    seen, dropped = set(), []
    for item in items:
        found = matrix.row_of(item)
        way = found and mode_of(item) != "private" and (*found[:3], found[5])
        if not is_for(mode_of(item), found, item) or way in seen:
            dropped.append(item)
        elif way:
            seen.add(way)
        # the row travels with the test's reports, so that it arrives whichever process ran the test
        if found:
            item.user_properties.append(("client", (mode_of(item).split(",")[0], *found)))
    items[:] = [item for item in items if item not in dropped]
    config.hook.pytest_deselected(items=dropped)


def pytest_collection_finish(session):
    file = session.config.getoption("--clients-table")
    if file:
        matrix.document([(mode_of(item).split(",")[0], matrix.row_of(item)) for item in session.items if matrix.row_of(item)], file)


def pytest_terminal_summary(terminalreporter):
    results = {}
    for outcome, result in (("passed", "ok"), ("failed", "FAILED"), ("error", "FAILED")):
        for report in terminalreporter.stats.get(outcome, []):
            found = dict(getattr(report, "user_properties", [])).get("client")
            if found:
                results.setdefault(tuple(found[1:]), {})[found[0]] = result
    if not results:
        return
    versions = {client: matrix.version(client) for client in {row[0] for row in results}}
    lines = [(matrix.HEAD[0], "version", *matrix.HEAD[1:], *matrix.MODES)]
    lines += sorted((row[0], versions[row[0]], *row[1:], *(of.get(mode, "-") for mode in matrix.MODES))
                    for row, of in results.items())
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    terminalreporter.section("clients")
    for line in lines:
        terminalreporter.write_line("  ".join(text.ljust(width) for text, width in zip(line, widths)).rstrip())
