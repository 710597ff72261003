"""Pebble: what a validation asks the network for, and what it takes for an answer."""
import pytest
from harness.acme import URN

CHALLENGE = "/.well-known/acme-challenge/"
AGENT = "LetsEncrypt-Pebble-VA (linux; amd64)"


def outcome(client, url, challenge):
    assert client.post(challenge["url"], {}).status_code == 200
    return client.poll(url, ("valid", "invalid")).json()


def named(client, name):
    """Each implementation has names of its own at the challenge server that they share."""
    return f"{name}.{client.server.kind}.test"


def begin(client, name, kind="http-01"):
    url = client.order([name]).json()["authorizations"][0]
    return url, client.challenge(url, kind)


def test_three_attempts_by_http(client_both):
    url, challenge = begin(client_both, named(client_both, "three"))
    challenges = client_both.server.responder.server
    assert outcome(client_both, url, challenge)["status"] == "valid"
    seen = challenges.history("http", named(client_both, "three"))
    assert len(seen) == 3
    port = challenges.ports["http01"]
    for event in seen:
        assert (event["URL"], event["Host"], event["HTTPS"], event["UserAgent"]) == (
            CHALLENGE + challenge["token"], f"{named(client_both, 'three')}:{port}", False, AGENT)


def test_aaaa_then_a_by_tcp(client_both):
    """And the first address alone."""
    challenges = client_both.server.responder.server
    challenges.tell("/add-aaaa", host=named(client_both, "six"), addresses=["::1"])
    challenges.tell("/add-a", host=named(client_both, "six"), addresses=["192.0.2.1"])
    url, challenge = begin(client_both, named(client_both, "six"))
    assert outcome(client_both, url, challenge)["status"] == "valid"
    kinds = [e["Question"]["Qtype"] for e in challenges.history("dns", named(client_both, "six"))]
    assert kinds[0] == 28 and kinds.count(28) == 3 and set(kinds) <= {28, 1}
    challenges.tell("/add-aaaa", host=named(client_both, "seven"), addresses=["::2", "::1"])
    url, challenge = begin(client_both, named(client_both, "seven"))
    assert outcome(client_both, url, challenge)["status"] == "invalid"


def test_a_when_there_is_no_aaaa(client_both):
    challenges = client_both.server.responder.server
    challenges.tell("/set-default-ipv6", ip="")
    try:
        url, challenge = begin(client_both, named(client_both, "four"))
        assert outcome(client_both, url, challenge)["status"] == "valid"
        kinds = [e["Question"]["Qtype"] for e in challenges.history("dns", named(client_both, "four"))]
        assert sorted(kinds) == [1, 1, 1, 28, 28, 28]
    finally:
        challenges.tell("/set-default-ipv6", ip="::1")


def test_no_address(client_both):
    challenges = client_both.server.responder.server
    challenges.tell("/add-a", host=named(client_both, "none"), addresses=["::2"])
    challenges.tell("/add-aaaa", host=named(client_both, "none"), addresses=["192.0.2.1"])
    url, challenge = begin(client_both, named(client_both, "none"))
    assert outcome(client_both, url, challenge)["status"] == "invalid"


def test_redirect_to_https_whose_certificate_is_nobodys(client_both):
    challenges = client_both.server.responder.server
    url, challenge = begin(client_both, named(client_both, "redirect"))
    path = CHALLENGE + challenge["token"]
    challenges.tell("/add-redirect", path=path,
                    targetURL=f"https://{named(client_both, 'elsewhere')}:{challenges.ports['https01']}{path}")
    assert outcome(client_both, url, challenge)["status"] == "valid"
    seen = challenges.history("http", named(client_both, "elsewhere"))
    assert len(seen) == 3 and all(e["HTTPS"] and e["ServerName"] == named(client_both, "elsewhere") for e in seen)


@pytest.mark.parametrize("before,after,status", (("", "\n", "valid"), ("", "\r\n\t\n", "valid"), ("", "x", "invalid"),
                                                 ("x", "", "invalid"), ("", "\nx", "invalid")), ids=repr)
def test_white_space_is_trimmed(client_both, before, after, status):
    # A name for each: the older Pebble reuses one authorization of a hundred even with PEBBLE_AUTHZREUSE=0.
    url, challenge = begin(client_both, named(client_both, "trim" + (before + after + "-").encode().hex()))
    text = f"{challenge['token']}.{client_both.key.thumbprint}"
    client_both.server.responder.put(challenge["token"], before + text + after)
    assert outcome(client_both, url, challenge)["status"] == status


@pytest.mark.parametrize("kind", ("dns-01", "tls-alpn-01"))
def test_another_accounts_key(peb_both, client_both, kind):
    other, name = peb_both.client(), named(client_both, f"{kind}.other")
    url, challenge = begin(client_both, name, kind)
    text = f"{challenge['token']}.{other.key.thumbprint}"
    if kind == "dns-01":
        peb_both.responder.server.tell("/clear-txt", host="_acme-challenge." + name)
        peb_both.responder.txt("_acme-challenge." + name, client_both.digest(text))
    else:
        peb_both.responder.put(name, text)
    assert outcome(client_both, url, challenge)["status"] == "invalid"


def test_the_words_for_a_wrong_text(client_both):
    """aioacme's suite compares them."""
    name = named(client_both, "wrong")
    url, challenge = begin(client_both, name, "dns-01")
    client_both.server.responder.server.tell("/clear-txt", host=f"_acme-challenge.{name}.")
    client_both.server.responder.txt("_acme-challenge." + name, "foo")
    error = outcome(client_both, url, challenge)["challenges"][0]["error"]
    assert (error["type"], error["detail"]) == (URN + "unauthorized", "Correct value not found for DNS challenge")


def test_dns_01_one_right_value_of_several(client_both):
    name = named(client_both, "several")
    client_both.server.responder.txt("_acme-challenge." + name, "stale")
    url, challenge = begin(client_both, name, "dns-01")
    client_both.server.responder.txt("_acme-challenge." + name, "later")
    assert outcome(client_both, url, challenge)["status"] == "valid"


def test_dns_01_through_a_cname(client_both):
    challenges = client_both.server.responder.server
    challenges.tell("/set-cname", host="_acme-challenge." + named(client_both, "alias"), target=named(client_both, "real"))
    url, challenge = begin(client_both, named(client_both, "alias"), "dns-01")
    text = f"{challenge['token']}.{client_both.key.thumbprint}"
    challenges.tell("/set-txt", host=named(client_both, "real"), value=client_both.digest(text))
    assert outcome(client_both, url, challenge)["status"] == "valid"


def test_no_caa(client_both):
    challenges = client_both.server.responder.server
    challenges.tell("/add-caa", host=named(client_both, "caa.validation"), policies=[{"tag": "issue", "value": ";"}])
    url, challenge = begin(client_both, named(client_both, "caa.validation"))
    assert outcome(client_both, url, challenge)["status"] == "valid"
    assert 257 not in [e["Question"]["Qtype"] for e in challenges.history("dns", named(client_both, "caa.validation"))]


def test_tls_alpn_01_sends_only_its_protocol(client_both):
    url, challenge = begin(client_both, named(client_both, "only.alpn"), "tls-alpn-01")
    assert outcome(client_both, url, challenge)["status"] == "valid"
    assert client_both.server.responder.server.history("tlsalpn01", named(client_both, "only.alpn")) == [
        {"ServerName": named(client_both, "only.alpn"), "SupportedProtos": ["acme-tls/1"]}] * 3
