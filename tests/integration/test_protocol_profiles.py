"""draft-ietf-acme-profiles: what each profile says is what its certificates are."""
import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from harness.acme import Client, check_problem
from harness.keys import Key, csr
from harness.server import Server

SERVER, CLIENT = ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH
PROFILES = {
    "usual": {"lifetime": "90d", "description": "for web servers", "must_staple": True},
    "strict": {"lifetime": "10d", "key_types": ["p384", "rsa3072"], "key_encipherment": False, "must_staple": False},
    "both": {"lifetime": "30d", "client_auth": True, "common_name": True},
    "full": {"lifetime": "30d", "subject": ["C=DE", "O=Example Läb", "OU=Tests"], "policy": "1.3.6.1.4.1.57264.1",
             "extended_key_usages": ["1.3.6.1.5.5.7.3.17"], "issuer_pointer": False, "crl_pointer": False},
    "client": {"lifetime": "1d", "client_auth": True, "server_auth": False},
}
LONG = "a-name-that-is-too-long-for-a-common-name.with-more-than-64-characters.profiles.test"


@pytest.fixture(scope="module")
def profiled(names, responder):
    server = Server(names, responder, before=lambda server: replace_profiles(server, PROFILES))
    yield server
    server.close()


def replace_profiles(server, profiles):
    """Server.configure() merges; here the others must go."""
    import yaml
    with open(server.yaml, encoding="utf-8") as f:
        config = yaml.safe_load(f)
    config.setdefault("ca", {})["profiles"] = profiles
    with open(server.yaml, "w", encoding="utf-8") as f:
        yaml.safe_dump(config, f, sort_keys=False)


@pytest.fixture(scope="module")
def holder(profiled):
    return Client(profiled)


def value(leaf, kind):
    return leaf.extensions.get_extension_for_class(kind).value


def common_names(leaf):
    return [one.value for one in leaf.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]


def test_profiles_draft_3_directory(holder):
    assert holder.directory["meta"]["profiles"] == {"usual": "for web servers", "strict": "strict", "both": "both", "full": "full",
                                                    "client": "client"}


def test_profiles_draft_4_default_is_told(holder):
    assert holder.order(["default.test"]).json()["profile"] == "usual"


def test_profiles_draft_4_unknown(holder):
    reply = holder.post(holder.directory["newOrder"], {"identifiers": [{"type": "dns", "value": "a.test"}],
                                                       "profile": "shortlived"})
    check_problem(reply, "invalidProfile", 400, "shortlived")


@pytest.mark.parametrize("profile, key, days, usages, encipherment", [
    ("usual", Key("RSA", 2048), 90, [SERVER], True), ("strict", Key("RSA", 3072), 10, [SERVER], False),
    ("strict", Key("P-384"), 10, [SERVER], False), ("both", Key(), 30, [SERVER, CLIENT], False),
    ("client", Key("Ed25519"), 1, [CLIENT], False)])
def test_profiles_draft_profile_decides(holder, profile, key, days, usages, encipherment):
    issued = holder.issue([f"{profile}.test"], key, profile=profile)
    leaf = issued.leaf
    assert issued.order["profile"] == profile
    assert (leaf.not_valid_after - leaf.not_valid_before).total_seconds() + 1 == days * 86400
    assert list(value(leaf, x509.ExtendedKeyUsage)) == usages
    assert value(leaf, x509.KeyUsage).digital_signature
    assert value(leaf, x509.KeyUsage).key_encipherment == encipherment


def test_profiles_common_name(holder):
    both = holder.issue(["cn1.test", "cn2.test"], profile="both").leaf
    assert common_names(both) == ["cn1.test"]
    assert not both.extensions.get_extension_for_class(x509.SubjectAlternativeName).critical     # RFC 5280, 4.2.1.6
    asked = holder.issue(["cn1.test", "cn2.test"], common_name="cn2.test", profile="both").leaf
    assert common_names(asked) == ["cn2.test"]
    fits = holder.issue([LONG, "z.test"], profile="both").leaf
    assert common_names(fits) == ["z.test"]
    none = holder.issue([LONG], profile="both").leaf
    assert common_names(none) == [] and none.extensions.get_extension_for_class(x509.SubjectAlternativeName).critical
    assert common_names(holder.issue(["cn3.test"], common_name="cn3.test", profile="usual").leaf) == []


def test_profiles_subject_usages_policy_pointers(holder):
    leaf = holder.issue(["full.test"], common_name="full.test", profile="full").leaf
    assert [(one.oid, one.value) for one in leaf.subject] == [
        (NameOID.COUNTRY_NAME, "DE"), (NameOID.ORGANIZATION_NAME, "Example Läb"),
        (NameOID.ORGANIZATIONAL_UNIT_NAME, "Tests")]
    assert not leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).critical     # RFC 5280, 4.2.1.6
    assert list(value(leaf, x509.ExtendedKeyUsage)) == [SERVER, x509.ObjectIdentifier("1.3.6.1.5.5.7.3.17")]
    policy, = value(leaf, x509.CertificatePolicies)
    assert policy.policy_identifier.dotted_string == "1.3.6.1.4.1.57264.1" and policy.policy_qualifiers is None
    kinds = {type(one.value) for one in leaf.extensions}
    assert x509.AuthorityInformationAccess not in kinds and x509.CRLDistributionPoints not in kinds
    usual = holder.issue(["usual.test"], profile="usual").leaf
    kinds = {type(one.value) for one in usual.extensions}
    assert {x509.AuthorityInformationAccess, x509.CRLDistributionPoints} < kinds and x509.CertificatePolicies not in kinds
    assert list(usual.subject) == []


def test_profiles_key_types(holder):
    order, url = holder.ready(["strict-key.test"], profile="strict")
    for key, name in ((Key(), "p256"), (Key("RSA", 2048), "rsa2048"), (Key("Ed25519"), "ed25519")):
        check_problem(holder.finalize(order, csr(["strict-key.test"], key)), "badCSR", 400, name)
    assert holder.get(url).json()["status"] == "ready"          # RFC 8555, 7.4: another CSR may be sent
    assert holder.finalize(order, csr(["strict-key.test"], Key("P-384"))).status_code == 200
    holder.poll(url, ("valid",))


def test_profiles_must_staple(holder):
    wanted = [(x509.TLSFeature([x509.TLSFeatureType.status_request]), False)]
    order, url = holder.ready(["staple-strict.test"], profile="strict")
    check_problem(holder.finalize(order, csr(["staple-strict.test"], Key("P-384"), extensions=wanted)), "badCSR", 400,
                  "must-staple")
    order, url = holder.ready(["staple-usual.test"], profile="usual")
    assert holder.finalize(order, csr(["staple-usual.test"], Key(), extensions=wanted)).status_code == 200
    final = holder.poll(url, ("valid",)).json()
    assert value(x509.load_pem_x509_certificate(holder.get(final["certificate"]).content), x509.TLSFeature)


def test_profiles_draft_4_profile_that_is_gone(make_server):
    """An order outlives the configuration that knew its profile."""
    server = make_server()
    client = Client(server)
    order, url = client.ready(["gone-profile.test"], profile="shortlived")
    server.stop()
    replace_profiles(server, {"default": {"lifetime": "90d"}})
    server.start()
    client = Client(server, client.key)
    check_problem(client.finalize(order, csr(["gone-profile.test"], Key())), "invalidProfile", 400, "shortlived")


def test_profiles_webpki_preset(make_server):
    server = make_server(init=("--preset", "webpki"), config={"va": {"targets": {"allow": ["loopback"]}}})
    client = Client(server)
    assert list(client.directory["meta"]["profiles"]) == ["classic", "tlsserver", "shortlived"]
    issued = client.issue(["webpki.test"], Key("RSA", 2048))
    assert issued.order["profile"] == "classic" and common_names(issued.leaf) == ["webpki.test"]
    assert value(issued.leaf, x509.KeyUsage).key_encipherment
    policy, = value(issued.leaf, x509.CertificatePolicies)
    assert policy.policy_identifier.dotted_string == "2.23.140.1.2.1"     # CABF BR 7.1.6.1: domain-validated
    issued = client.issue(["webpki.test"], Key("RSA", 2048), profile="tlsserver")
    assert common_names(issued.leaf) == [] and not value(issued.leaf, x509.KeyUsage).key_encipherment
