"""Pebble: what a validation asks the network for, and what it takes for an answer."""
import pytest

CHALLENGE = "/.well-known/acme-challenge/"
AGENT = "LetsEncrypt-Pebble-VA (linux; amd64)"


def outcome(client, url, challenge):
    assert client.post(challenge["url"], {}).status_code == 200
    return client.poll(url, ("valid", "invalid")).json()


def begin(client, name, kind="http-01"):
    url = client.order([name]).json()["authorizations"][0]
    return url, client.challenge(url, kind)


def test_three_attempts_by_http(client_both):
    url, challenge = begin(client_both, "three.test")
    challenges = client_both.server.responder.server
    assert outcome(client_both, url, challenge)["status"] == "valid"
    seen = challenges.history("http", "three.test")
    assert len(seen) == 3
    port = challenges.ports["http01"]
    for event in seen:
        assert (event["URL"], event["Host"], event["HTTPS"], event["UserAgent"]) == (
            CHALLENGE + challenge["token"], f"three.test:{port}", False, AGENT)


def test_aaaa_then_a_by_tcp(client_both):
    """And the first address alone."""
    challenges = client_both.server.responder.server
    challenges.tell("/add-aaaa", host="six.test", addresses=["::1"])
    challenges.tell("/add-a", host="six.test", addresses=["192.0.2.1"])
    url, challenge = begin(client_both, "six.test")
    assert outcome(client_both, url, challenge)["status"] == "valid"
    kinds = [e["Question"]["Qtype"] for e in challenges.history("dns", "six.test")]
    assert kinds[0] == 28 and kinds.count(28) == 3 and set(kinds) <= {28, 1}
    challenges.tell("/add-aaaa", host="seven.test", addresses=["::2", "::1"])
    url, challenge = begin(client_both, "seven.test")
    assert outcome(client_both, url, challenge)["status"] == "invalid"


def test_a_when_there_is_no_aaaa(client_both):
    challenges = client_both.server.responder.server
    challenges.tell("/set-default-ipv6", ip="")
    try:
        url, challenge = begin(client_both, "four.test")
        assert outcome(client_both, url, challenge)["status"] == "valid"
        kinds = [e["Question"]["Qtype"] for e in challenges.history("dns", "four.test")]
        assert sorted(kinds) == [1, 1, 1, 28, 28, 28]
    finally:
        challenges.tell("/set-default-ipv6", ip="::1")


def test_no_address(client_both):
    challenges = client_both.server.responder.server
    challenges.tell("/add-a", host="none.test", addresses=["::2"])
    challenges.tell("/add-aaaa", host="none.test", addresses=["192.0.2.1"])
    url, challenge = begin(client_both, "none.test")
    assert outcome(client_both, url, challenge)["status"] == "invalid"


def test_redirect_to_https_whose_certificate_is_nobodys(client_both):
    challenges = client_both.server.responder.server
    url, challenge = begin(client_both, "redirect.test")
    path = CHALLENGE + challenge["token"]
    challenges.tell("/add-redirect", path=path,
                    targetURL=f"https://elsewhere.test:{challenges.ports['https01']}{path}")
    assert outcome(client_both, url, challenge)["status"] == "valid"
    seen = challenges.history("http", "elsewhere.test")
    assert len(seen) == 3 and all(e["HTTPS"] and e["ServerName"] == "elsewhere.test" for e in seen)


@pytest.mark.parametrize("before,after,status", (("", "\n", "valid"), ("", "\r\n\t\n", "valid"), ("", "x", "invalid"),
                                                 ("x", "", "invalid"), ("", "\nx", "invalid")), ids=repr)
def test_white_space_is_trimmed(client_both, before, after, status):
    url, challenge = begin(client_both, "trim.test")
    text = f"{challenge['token']}.{client_both.key.thumbprint}"
    client_both.server.responder.put(challenge["token"], before + text + after)
    assert outcome(client_both, url, challenge)["status"] == status


@pytest.mark.parametrize("kind", ("dns-01", "tls-alpn-01"))
def test_another_accounts_key(peb_both, client_both, kind):
    other = peb_both.client()
    url, challenge = begin(client_both, f"{kind}.other.test", kind)
    text = f"{challenge['token']}.{other.key.thumbprint}"
    if kind == "dns-01":
        peb_both.responder.server.tell("/clear-txt", host=f"_acme-challenge.{kind}.other.test")
        peb_both.responder.txt(f"_acme-challenge.{kind}.other.test", client_both.digest(text))
    else:
        peb_both.responder.put(f"{kind}.other.test", text)
    assert outcome(client_both, url, challenge)["status"] == "invalid"


def test_dns_01_one_right_value_of_several(client_both):
    name = "several.test"
    client_both.server.responder.txt("_acme-challenge." + name, "stale")
    url, challenge = begin(client_both, name, "dns-01")
    client_both.server.responder.txt("_acme-challenge." + name, "later")
    assert outcome(client_both, url, challenge)["status"] == "valid"


def test_dns_01_through_a_cname(client_both):
    challenges = client_both.server.responder.server
    challenges.tell("/set-cname", host="_acme-challenge.alias.test", target="real.test")
    url, challenge = begin(client_both, "alias.test", "dns-01")
    text = f"{challenge['token']}.{client_both.key.thumbprint}"
    challenges.tell("/set-txt", host="real.test", value=client_both.digest(text))
    assert outcome(client_both, url, challenge)["status"] == "valid"


def test_no_caa(client_both):
    challenges = client_both.server.responder.server
    challenges.tell("/add-caa", host="caa.validation.test", policies=[{"tag": "issue", "value": ";"}])
    url, challenge = begin(client_both, "caa.validation.test")
    assert outcome(client_both, url, challenge)["status"] == "valid"
    assert 257 not in [e["Question"]["Qtype"] for e in challenges.history("dns", "caa.validation.test")]


def test_tls_alpn_01_sends_only_its_protocol(client_both):
    url, challenge = begin(client_both, "only.alpn.test", "tls-alpn-01")
    assert outcome(client_both, url, challenge)["status"] == "valid"
    assert client_both.server.responder.server.history("tlsalpn01", "only.alpn.test") == [
        {"ServerName": "only.alpn.test", "SupportedProtos": ["acme-tls/1"]}] * 3
