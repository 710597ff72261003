"""The table of clients: a row per test, which the test states by a mark, so that the table in docs/clients.md can be
held to the tests without running them."""
import json
import os
import subprocess

import pytest

MODES = ("private", "pebble")      # signet run, signet pebble
# signet pebble, turned up; and what of it a client's own faults can't bear.
PEBBLE = {"pebble": {}, "pebble, all nonces good": {"PEBBLE_WFE_NONCEREJECT": "0"},
          "pebble, a token in each challenge": {"PEBBLE_CHALLENGES": "http-01,tls-alpn-01,dns-01,dns-account-01"}}
BEARS = {
    # Give up at the first nonce that is taken back, python3-acme at the second in a row, against RFC 8555, 6.5.
    **dict.fromkeys(("dehydrated", "lacme", "python3-acme"), "pebble, all nonces good"),
    # Wants a token in each challenge, though RFC 8555, 8 leaves a challenge's members to its type.
    "ruby-acme-client": "pebble, a token in each challenge"}
HEAD = ("client", "challenge", "identifiers", "account key", "certificate key", "also")
ORDER = ("certbot", "lego", "uacme", "dehydrated", "acme-tiny", "acmetool", "lacme", "Caddy", "mod_md", "python3-acme",
         "ruby-acme-client", "acme-client (npm)")
PACKAGES = {"Caddy": "caddy", "mod_md": "apache2-bin"}      # where it has another name
BUILD = os.path.join(os.path.dirname(__file__), "../../build/clients")      # what make test-deps unpacks
DOCS = os.path.join(os.path.dirname(__file__), "../../docs/clients.md")
BEGIN, END = "<!-- table: written by `make clients-table` -->\n", "<!-- end of table -->\n"


def row(client, challenge="-", identifiers="-", account="P-256", certificate="P-256", also=""):
    """A mark for a test, or for one parameter of it."""
    assert client in ORDER
    return pytest.mark.client(client, challenge, identifiers, account, certificate, also)


def row_of(item):
    found = item.get_closest_marker("client")
    return found and found.args


def version(client):
    package = PACKAGES.get(client, client)
    if package == "acme-client (npm)":
        with open(os.path.join(BUILD, "npm/node_modules/acme-client/package.json"), encoding="utf-8") as f:
            return json.load(f)["version"]
    unpacked = os.path.join(BUILD, "debian/versions", package)
    if os.path.exists(unpacked):
        with open(unpacked, encoding="ascii") as f:
            return f.read().strip()
    return subprocess.run(["dpkg-query", "-W", "-f", "${Version}", package], capture_output=True, text=True,
                          timeout=10).stdout


def markdown(tests):
    """tests: of each its mode and its row."""
    modes = {}
    for mode, found in tests:
        modes.setdefault(found, set()).add(mode)
    lines = [(*HEAD, "in `signet pebble` too"), ["---"] * (len(HEAD) + 1)]
    lines += [(*found, "yes" if "pebble" in modes[found] else "") for found in sorted(
        modes, key=lambda found: ORDER.index(found[0]))]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


def documented(file=DOCS):
    """What stands in the documentation: before the table, the table, after it."""
    with open(file, encoding="utf-8") as f:
        before, rest = f.read().split(BEGIN)
    table, after = rest.split(END)
    return before, table, after


def document(tests, file=DOCS):
    before, _, after = documented(file)
    with open(file, "w", encoding="utf-8") as f:
        f.write(before + BEGIN + markdown(tests) + END + after)
