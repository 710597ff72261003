"""The table of clients: a row per test, which the test states by a mark, so that the table in docs/clients.md can be
held to the tests without running them."""
import os
import subprocess

import pytest

HEAD = ("client", "challenge", "identifiers", "account key", "certificate key", "also")
PACKAGES = {"certbot": "certbot", "lego": "lego", "uacme": "uacme", "dehydrated": "dehydrated", "acme-tiny": "acme-tiny"}
DOCS = os.path.join(os.path.dirname(__file__), "../../docs/clients.md")
BEGIN, END = "<!-- table: written by `make clients-table` -->\n", "<!-- end of table -->\n"


def row(client, challenge="-", identifiers="-", account="P-256", certificate="P-256", also=""):
    """A mark for a test, or for one parameter of it."""
    assert client in PACKAGES
    return pytest.mark.client(client, challenge, identifiers, account, certificate, also)


def row_of(item):
    found = item.get_closest_marker("client")
    return found and found.args


def version(client):
    return subprocess.run(["dpkg-query", "-W", "-f", "${Version}", PACKAGES[client]], capture_output=True, text=True,
                          timeout=10).stdout


def markdown(rows):
    rows = sorted(dict.fromkeys(rows), key=lambda row: list(PACKAGES).index(row[0]))
    lines = [HEAD, ["---"] * len(HEAD), *rows]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


def documented(file=DOCS):
    """What stands in the documentation: before the table, the table, after it."""
    with open(file, encoding="utf-8") as f:
        before, rest = f.read().split(BEGIN)
    table, after = rest.split(END)
    return before, table, after


def document(rows, file=DOCS):
    before, _, after = documented(file)
    with open(file, "w", encoding="utf-8") as f:
        f.write(before + BEGIN + markdown(rows) + END + after)
