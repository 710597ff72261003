"""Pebble: what its configuration and its environment make of values at the edge."""
import datetime
import email.utils
import re
import time

import pytest
from harness.keys import Key, csr
from harness.pebble import CALM

YEAR_MAX = 9223372038       # s: more than fits 64 bits of nanoseconds, which Go counts in
NORMAL = 7776000


def lifetime(leaf):
    """In seconds; the last one counts."""
    return (leaf.not_valid_after - leaf.not_valid_before + datetime.timedelta(seconds=1)).total_seconds()


@pytest.mark.parametrize("period,shown", ((0, NORMAL), (3600, 3600), (YEAR_MAX, NORMAL), (YEAR_MAX * 1000, NORMAL), (..., NORMAL)))
def test_validity_period(make_pebble, period, shown):
    profile = {"description": "one"} if period is ... else {"description": "one", "validityPeriod": period}
    client = make_pebble(config={"profiles": {"one": profile}}).client()
    assert abs(lifetime(client.issue(["period.test"]).leaf) - shown) <= 1


def test_the_old_key_for_the_validity_is_ignored(make_pebble):
    client = make_pebble(config={"certificateValidityPeriod": 60}).client()
    assert abs(lifetime(client.issue(["old.test"]).leaf) - NORMAL) <= 1


def test_null_in_the_configuration_is_as_if_it_was_not_there(make_pebble):
    peb = make_pebble(config={name: None for name in (
        "ocspResponderURL", "externalAccountBindingRequired", "externalAccountMACKeys", "caaIdentities", "domainBlocklist",
        "keyAlgorithm", "profiles", "retryAfter")})
    assert peb.http.get(peb.directory_url).json()["meta"]["profiles"] == {"default": "The default profile"}
    peb.client().issue(["null.test"])


def test_members_that_are_empty(make_pebble):
    """No identities are Pebble's own; a profile of null has no words, and all else as usual."""
    peb = make_pebble(config={"caaIdentities": [], "profiles": {"bare": None}})
    meta = peb.http.get(peb.directory_url).json()["meta"]
    assert meta["caaIdentities"] == ["pebble.letsencrypt.org"] and meta["profiles"] == {"bare": ""}
    assert abs(lifetime(peb.client().issue(["bare.test"]).leaf) - NORMAL) <= 1


@pytest.mark.parametrize("seconds,shown", ((-1, None), (7200, "7200")))
def test_retry_after_at_its_edges(make_pebble, seconds, shown):
    client = make_pebble(config={"retryAfter": {"authz": 0, "order": seconds}}).client()
    order, _ = client.ready(["late.test"])
    headers = client.finalize(order, csr(["late.test"], Key())).headers
    if shown is None:
        assert "Retry-After" not in headers
    elif headers["Retry-After"].isdigit():
        assert headers["Retry-After"] == shown
    else:
        date = email.utils.parsedate_to_datetime(headers["Retry-After"]).timestamp()
        assert abs(date - time.time() - int(shown)) < 60


def test_more_than_there_is(make_pebble):
    """Pebble has no most of these; ours is what one gets."""
    peb = make_pebble(config={"keyAlgorithm": "ecdsa"}, env={"PEBBLE_ALTERNATE_ROOTS": "9", "PEBBLE_CHAIN_LENGTH": "9", "PEBBLE_WFE_ORDERS_PER_PAGE": "100000",
        "PEBBLE_WFE_NONCEREJECT": "100"})
    assert "reject 99% of good nonces" in peb.log and "show 100 orders per page" in peb.log
    assert [peb.manage(f"/roots/{i}").status_code for i in (5, 6, 7)] == [200, 200, 404]


def test_dnsserver_without_an_address(make_pebble_both):
    """":8053" is this machine."""
    peb = make_pebble_both(start=False)
    peb.args[3] = ":" + peb.args[3].rsplit(":", 1)[1]
    peb.start()
    peb.client().ready([f"colon.{peb.kind}.test"], "dns-01")


@pytest.mark.parametrize("value", ("1", "true", "True", "TRUE"))
def test_no_sleep(make_pebble_both, value):
    """A minute of it would be seen: a validation is done within the five seconds of the client's patience."""
    client = make_pebble_both(env={"PEBBLE_VA_NOSLEEP": value, "PEBBLE_VA_SLEEPTIME": "60"}).client()
    begin = time.monotonic()
    client.ready([f"{value}.nosleep.test"])
    assert time.monotonic() - begin < 15


@pytest.mark.parametrize("value", ("yes", "0"))
def test_no_other_word_stops_the_sleep(make_pebble_both, value):
    """Eighteen attempts sleep 0 or 1 whole seconds: none sleeps once in 262,144 runs."""
    peb = make_pebble_both(env={"PEBBLE_VA_NOSLEEP": value, "PEBBLE_VA_SLEEPTIME": "2"})
    client = peb.client()
    begin = time.monotonic()
    client.ready([f"s{i}.sleep.test" for i in range(6)])
    assert time.monotonic() - begin > 0.9


@pytest.mark.parametrize("name,value,said", (
    ("PEBBLE_WFE_NONCEREJECT", None, "reject 5% of good nonces"), ("PEBBLE_WFE_NONCEREJECT", "60", "reject 60% of good nonces"),
    ("PEBBLE_WFE_NONCEREJECT", "-1", "reject 0% of good nonces"), ("PEBBLE_WFE_NONCEREJECT", "x", "reject 5% of good nonces"),
    ("PEBBLE_AUTHZREUSE", None, "reuse for each identifier 50% of the time"),
    ("PEBBLE_AUTHZREUSE", "7", "reuse for each identifier 7% of the time"),
    ("PEBBLE_WFE_ORDERS_PER_PAGE", None, "show 3 orders per page"), ("PEBBLE_WFE_ORDERS_PER_PAGE", "9", "show 9 orders per page")))
def test_what_the_log_says_of_the_environment(make_pebble_both, name, value, said):
    peb = make_pebble_both(env={**CALM, name: value or ""}, start=False)
    if value is None:
        del peb.env[name]
    peb.start()
    assert re.search(rf"^Pebble 20\S+ \S+ .*{re.escape(said)}$", peb.log, re.M), peb.log
