"""dns-01 (RFC 8555, 8.4), dns-account-01, wildcards (7.1.3, 7.1.4), and which challenges are offered."""
from harness.acme import Client, check_problem
from harness.server import signet
from harness.validation import attempt


def test_name_too_long_for_the_label(shared):
    name = ".".join(["a" * 60] * 4) + ".test"
    challenge = attempt(shared, name, "dns-01", False)
    assert "too long" in challenge["error"]["detail"]


def test_wildcard_policy(make_server):
    """Denied is a wildcard that stands for a name that is denied; allowed needs what stands above."""
    account = Client(make_server({"ra": {"policy": {"allow": ["*.test"], "deny": ["secret.corp.test"]}}}))

    def refused(name):
        check_problem(account.post(account.directory["newOrder"], {"identifiers": [{"type": "dns", "value": name}]}),
                      "rejectedIdentifier", 400)

    refused("*.corp.test")
    refused("*.example")
    refused("*.test")
    account.order(["*.other.test"])


# --- which are offered -------------------------------------------------------------------------------

def test_offered_challenges_by_configuration(make_server):
    server = make_server({"ra": {"challenges": ["dns-01", "http-01"]}, "ca": {"profiles": {
        "default": {"lifetime": "1d"}, "web": {"lifetime": "1d", "challenges": ["http-01", "dns-account-01"]}}}})
    account = Client(server)

    def offered(**more):
        url = account.order(["offered.test"], **more).json()["authorizations"][0]
        return [c["type"] for c in account.get(url).json()["challenges"]]

    assert offered() == ["http-01", "dns-01"]
    assert offered(profile="web") == ["http-01"]        # the profile's that the server offers at all
    reply = account.post(account.directory["newOrder"], {
        "identifiers": [{"type": "dns", "value": v} for v in ("*.offered.test", "offered.test")], "profile": "web"})
    problem = check_problem(reply, "rejectedIdentifier", 400, "http-01")
    assert [s["identifier"]["value"] for s in problem["subproblems"]] == ["*.offered.test"]
    assert "the wildcard" in problem["detail"] and '"web"' in problem["detail"]
    account.issue(["offered.test"], profile="web")
    account.issue(["*.offered.test"], kind="dns-01")


def test_challenge_that_does_not_exist(make_server):
    server = make_server({"ra": {"challenges": ["dns-02"]}}, start=False)
    done = signet("check", "--dir", server.home, check=False)
    assert done.returncode == 1 and "dns-02" in done.stdout + done.stderr
    assert "there are http-01" in done.stdout + done.stderr
