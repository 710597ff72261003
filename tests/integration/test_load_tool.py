"""The load tool of tests/bench/ obtains certificates by every challenge type, with the keys that it offers."""
import os
import sys

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../bench"))

from signet import Signet  # noqa: E402


@pytest.fixture(scope="module")
def target():
    target = Signet({"ra": {"policy": {"allow": ["*.load.test"]}}})
    yield target
    target.close()


@pytest.mark.parametrize("options", [
    ["--challenge", "http-01", "--names", 7],
    ["--challenge", "dns-01", "--account-key", "rs256", "--key-type", "rsa2048"],
    ["--challenge", "tls-alpn-01", "--key-type", "ed25519", "--fresh-connections"],
], ids=lambda options: options[1])
def test_every_issuance_succeeds(target, options):
    code, summary = target.run("--clients", 4, "--issuances", 12, "--timeout", 30, *options)
    assert (code, summary["issued"], summary["failed"], summary["failures"]) == (0, 12, 0, [])
    assert summary["server"]["cpu_ms"] > 0


def test_rate_and_idle_connections(target):
    """--rate begins no issuance before its time; --idle's connections are there to the end."""
    code, summary = target.run("--clients", 4, "--issuances", 12, "--timeout", 30, "--rate", 20, "--idle", 30)
    assert (code, summary["issued"], summary["idle_open"]) == (0, 12, 30)
    assert summary["seconds"] >= 11 / 20
    assert 0 < summary["server"]["pss_kib"] < summary["server"]["resident_kib"]


def test_a_failure_is_told(target):
    """A name that the policy refuses: the tool exits with 1 and says what the server said."""
    code, summary = target.run("--clients", 1, "--issuances", 1, "--timeout", 10, "--domain", "elsewhere.test")
    assert (code, summary["issued"], summary["failed"]) == (1, 0, 1)
    assert "rejectedIdentifier" in summary["failures"][0]["kind"] + summary["failures"][0]["first"]
