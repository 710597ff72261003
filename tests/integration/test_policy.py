"""Policy by layers: the CA's, the profile's, the external key's, the account's, and the issuers' name constraints
(RFC 5280, 4.2.1.10). Each refusal names the identifier and the rule, before anything is validated."""
import ipaddress

import pytest
from cryptography import x509
from harness.acme import Client, check_problem
from harness.issuers import Authority, install, root_of, set_ca, verify
from harness.keys import Key, csr, identifier_type
from harness.server import Server

PROFILES = {
    "default": {"lifetime": "10d", "issuers": ["free"]},
    "limited": {"lifetime": "10d", "issuers": ["limited"]},
    "below": {"lifetime": "10d", "issuers": ["below"]},
    "either": {"lifetime": "10d", "issuers": ["limited", "other"]},
    "by-key": {"lifetime": "10d", "issuers": ["limited", "ed"]},
    "narrow": {"lifetime": "10d", "issuers": ["free"], "allow": ["*.narrow.test", "127.0.8.0/28"],
               "deny": ["bad.narrow.test"], "names": 2, "wildcards": False},
    "public": {"lifetime": "10d", "issuers": ["free"], "public_names": True},
}


def permitted(*names, excluded=()):
    def general(name):
        return x509.IPAddress(ipaddress.ip_network(name)) if "/" in name else x509.DNSName(name)
    return x509.NameConstraints([general(one) for one in names], [general(one) for one in excluded] or None)


def prepare(server):
    root = root_of(server)
    rule = permitted("home.test", "127.0.8.0/25", excluded=["x.home.test"])
    middle = Authority("Middle CA", None, root, constraints=permitted("mid.test"))
    below = Authority("Below CA", None, middle)
    set_ca(server, [
        install(server, "free", Authority("Free CA", None, root), name="free"),
        install(server, "limited", Authority("Limited CA", None, root, constraints=rule), name="limited"),
        install(server, "other", Authority("Other CA", None, root, constraints=permitted("other.test")), name="other"),
        install(server, "ed", Authority("Ed CA", Key("Ed25519"), root), name="ed", key_types=["ed25519"]),
        install(server, "below", below, middle, name="below")], PROFILES)


@pytest.fixture(scope="module")
def ruled(names, responder):
    server = Server(names, responder, before=prepare, config={"ra": {"policy": {"names": 5}}})
    yield server
    server.close()


@pytest.fixture(scope="module")
def holder(ruled):
    return Client(ruled)


def new_order(client, names, **more):
    return client.post(client.directory["newOrder"], dict(
        identifiers=[{"type": identifier_type(name), "value": name} for name in names], **more))


def refusals(reply, kind="rejectedIdentifier"):
    """{name: what was said of it}."""
    problem = check_problem(reply, kind, 400)
    assert all(sub["type"].endswith(kind) for sub in problem["subproblems"])
    return {sub["identifier"]["value"]: sub["detail"] for sub in problem["subproblems"]}


# --- name constraints ---------------------------------------------------------------------------------

def test_rfc5280_4_2_1_10_order_is_refused(holder):
    said = refusals(new_order(holder, ["nas.home.test", "a.test", "x.home.test", "127.0.8.200"], profile="limited"))
    assert set(said) == {"a.test", "x.home.test", "127.0.8.200"}
    assert 'CA certificate "Limited CA" permit, such as "home.test"' in said["a.test"]
    assert 'CA certificate "Limited CA" exclude "x.home.test"' in said["x.home.test"]
    assert "127.0.8.0/25" in said["127.0.8.200"]
    # a wildcard stands for the excluded name, too
    assert "exclude" in refusals(new_order(holder, ["*.home.test"], profile="limited"))["*.home.test"]


def test_rfc5280_4_2_1_10_what_is_permitted_is_issued(ruled, holder, tmp_path):
    assert new_order(holder, ["nas.home.test", "127.0.8.1"], profile="limited").status_code == 201
    issued = holder.issue(["nas.home.test"], profile="limited")
    assert issued.chain[1].subject.rfc4514_string() == "CN=Limited CA"
    done = verify(ruled, issued, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


def test_rfc5280_4_2_1_10_above_the_issuer(holder):
    said = refusals(new_order(holder, ["a.test", "a.mid.test"], profile="below"))
    assert set(said) == {"a.test"} and 'CA certificate "Middle CA" permit, such as "mid.test"' in said["a.test"]
    assert len(holder.issue(["a.mid.test"], profile="below").chain) == 3


def test_rfc5280_4_2_1_10_another_issuer_may(holder):
    """Of two issuers the one is taken that may sign the names; both kinds of name in one order have none."""
    for name, issuer in (("a.home.test", "Limited CA"), ("a.other.test", "Other CA")):
        issued = holder.issue([name], profile="either")
        assert issued.chain[1].subject.rfc4514_string() == f"CN={issuer}"
    assert list(refusals(new_order(holder, ["a.home.test", "a.other.test"], profile="either"))) == ["a.other.test"]


def test_rfc5280_4_2_1_10_another_key_may_do(holder):
    order, url = holder.ready(["a.test"], profile="by-key")
    problem = check_problem(holder.finalize(order, csr(["a.test"], Key())), "badCSR", 400, "another key may do")
    sub, = problem["subproblems"]       # as ca said it
    assert sub["identifier"]["value"] == "a.test" and 'CA certificate "Limited CA" permit' in sub["detail"]
    assert holder.get(url).json()["status"] == "ready"
    assert holder.finalize(order, csr(["a.test"], Key("Ed25519"))).status_code == 200
    holder.poll(url, ("valid",))


def test_rfc5280_4_2_1_10_new_authz(ruled, holder, make_server):
    """No order, no profile: some issuer is enough."""
    reply = holder.post(holder.directory["newAuthz"], {"identifier": {"type": "dns", "value": "authz.test"}})
    assert reply.status_code == 201

    def only_limited(server):
        limited = Authority("Limited CA", None, root_of(server), constraints=permitted("home.test", "localhost",
                                                                                      "127.0.0.1/32"))
        set_ca(server, [install(server, "limited", limited)])

    client = Client(make_server(before=only_limited))
    reply = client.post(client.directory["newAuthz"], {"identifier": {"type": "dns", "value": "authz.test"}})
    check_problem(reply, "rejectedIdentifier", 403, 'permit, such as "home.test"')
    # the server's own certificate is under the constraints as any other
    assert client.http.get(client.directory["newNonce"]).status_code == 204


def test_rfc5280_4_2_1_10_unreadable_constraints_are_no_start(make_server):
    def before(server):
        broken = Authority("Broken CA", None, root_of(server), constraints=x509.UnrecognizedExtension(
            x509.ObjectIdentifier("2.5.29.30"), b"\x05\x00"))
        set_ca(server, [install(server, "broken", broken)])

    server = make_server(before=before, start=False)
    server.start(wait=False)
    server.wait_log("name constraints of certificate 1 in the chain can't be decoded")
    server.process.kill()


def test_check_judges_patterns_by_the_constraints(make_server):
    """An allowed pattern of which no issuer may sign anything is a mistake of the configuration, with its remedy."""
    server = make_server(before=prepare, start=False)

    def check(policy, profiles):
        server.configure({"ra": {"policy": policy}, "ca": {"profiles": profiles}})
        return server.run("check", "--dir", server.home, check=False)

    done = check({"allow": ["*"]}, PROFILES)
    assert done.returncode == 0 and "pattern" not in done.stdout, done.stdout
    done = check({"allow": ["*.home.test", "127.0.8.0/24"]}, {
        "default": {"lifetime": "10d", "issuers": ["limited"]},
        "wrong": {"lifetime": "10d", "issuers": ["limited"], "allow": ["*.corp.test", "a.home.test", "10.0.0.0/8",
                                                                    "*.y.x.home.test"]},
        "other": {"lifetime": "10d", "issuers": ["other"]}})
    assert done.returncode == 1
    lines = [line for line in done.stdout.splitlines() if line.startswith("problem")]
    remedy = ": nothing of this pattern can be signed; take it out, or add an issuer that may sign it"
    constrained = 'the name constraints of CA certificate "Limited CA"'
    assert lines == [
        f'problem  ca.profiles.wrong.allow: "*.corp.test" is outside what {constrained} permit, such as "home.test" '
        "(RFC 5280, 4.2.1.10)" + remedy,
        f'problem  ca.profiles.wrong.allow: "10.0.0.0/8" is outside what {constrained} permit, such as 127.0.8.0/25 '
        "(RFC 5280, 4.2.1.10)" + remedy,
        f'problem  ca.profiles.wrong.allow: "*.y.x.home.test": {constrained} exclude "x.home.test" '
        "(RFC 5280, 4.2.1.10)" + remedy,
        'problem  wfe.names: "localhost" is outside what ' + constrained + ' permit, such as "home.test" (RFC 5280, 4.2.1.10), '
        "so that the server gets no certificate of its own; take the name out, or see to wfe.tls",
        'problem  wfe.names: "127.0.0.1" is outside what ' + constrained + " permit, such as 127.0.8.0/25 (RFC 5280, 4.2.1.10), "
        "so that the server gets no certificate of its own; take the name out, or see to wfe.tls"], done.stdout
    done = check({"allow": ["*.home.test"]}, {
        "default": {"lifetime": "10d", "issuers": ["free"]}, "other": {"lifetime": "10d", "issuers": ["other"]}})
    assert done.returncode == 1 and 'ca.profiles.other: its issuers may sign nothing that ra.policy.allow is about: ' \
        '"*.home.test" is outside what the name constraints of CA certificate "Other CA"' in done.stdout, done.stdout


# --- the CA's and the profile's rules --------------------------------------------------------------------

def test_policy_profile(holder):
    said = refusals(new_order(holder, ["a.narrow.test", "b.test"], profile="narrow"))
    assert list(said) == ["b.test"] and "ca.profiles.narrow.allow" in said["b.test"]
    said = refusals(new_order(holder, ["bad.narrow.test", "*.narrow.test"], profile="narrow"))
    assert "ca.profiles.narrow.deny" in said["bad.narrow.test"]
    # what the wildcard stands for is denied, and it would be none the less
    assert "ca.profiles.narrow" in said["*.narrow.test"]
    assert "ca.profiles.narrow.wildcards: false" in refusals(
        new_order(holder, ["*.sub.narrow.test"], profile="narrow"))["*.sub.narrow.test"]
    assert "ca.profiles.narrow.allow" in refusals(new_order(holder, ["127.0.8.16"], profile="narrow"))["127.0.8.16"]
    assert new_order(holder, ["a.narrow.test", "127.0.8.15"], profile="narrow").status_code == 201
    assert holder.issue(["a.narrow.test"], profile="narrow").names == ["a.narrow.test"]
    # the same names by another profile
    assert new_order(holder, ["b.test", "bad.narrow.test"]).status_code == 201


def test_policy_number_of_names(holder):
    three = [f"{i}.narrow.test" for i in range(3)]
    problem = check_problem(new_order(holder, three, profile="narrow"), "rejectedIdentifier", 400,
                            "has 3 identifiers, and this CA's policy allows 2 in one (ca.profiles.narrow.names)")
    assert "subproblems" not in problem
    assert new_order(holder, three).status_code == 201
    check_problem(new_order(holder, [f"{i}.many.test" for i in range(6)]), "rejectedIdentifier", 400, "(ra.policy.names)")


def test_policy_public_names(ruled, holder):
    """CABF BR 3.2.2.6 and 7.1.4.2.1, where the profile asks for it."""
    said = refusals(new_order(holder, ["127.0.8.1", "*.example"], profile="public"))
    assert "special use" in said["127.0.8.1"] and "ca.profiles.public.public_names" in said["127.0.8.1"]
    assert "public suffix" in said["*.example"]
    assert new_order(holder, ["a.test"], profile="public").status_code == 201


def test_policy_wildcards_off(make_server):
    client = Client(make_server({"ra": {"policy": {"wildcards": False}}}))
    assert "(ra.policy.wildcards: false)" in refusals(new_order(client, ["*.a.test", "a.test"]))["*.a.test"]


def test_policy_all_rules_at_once(holder):
    """Malformed, outside, denied: each is told."""
    problem = check_problem(new_order(holder, ["a.narrow.test", "..", "b.invalid"], profile="narrow"), "compound", 400)
    assert [(sub["identifier"]["value"], sub["type"].rsplit(":", 1)[1]) for sub in problem["subproblems"]] == [
        ("..", "malformed"), ("b.invalid", "rejectedIdentifier")]


def test_policy_changed_after_the_order(make_server):
    """The rules at finalize are those of then."""
    server = make_server()
    client = Client(server)
    order, url = client.ready(["was-fine.test", "is-fine.test"])
    server.stop()
    server.configure({"ra": {"policy": {"deny": ["was-fine.test"]}}})
    server.start()
    client = Client(server, client.key)
    reply = client.finalize(order, csr(["was-fine.test", "is-fine.test"], Key()))
    assert list(refusals(reply)) == ["was-fine.test"]
    assert client.get(url).json()["status"] == "ready"
