"""Several issuers at once, of every kind of key: which one signs, and that chain, URLs, CRL, renewal information and
revocation are those of the issuer that did."""
import re
import time

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.x509.oid import AuthorityInformationAccessOID
from harness.acme import Client, check_problem
from harness.issuers import Authority, install, root_of, set_ca, verify
from harness.keys import Key, b64, csr
from harness.server import Server

ISSUERS = {"rsa": ("RSA", 3072), "p256": ("P-256", 0), "p384": ("P-384", 0), "ed25519": ("Ed25519", 0)}
KINDS = {"rsa2048": ("RSA", 2048), "rsa3072": ("RSA", 3072), "rsa4096": ("RSA", 4096), "p256": ("P-256", 0),
         "p384": ("P-384", 0), "p521": ("P-521", 0), "ed25519": ("Ed25519", 0), "ed448": ("Ed448", 0)}
RULE = {"rsa": ["rsa2048", "rsa3072", "rsa4096"], "p384": ["p384", "p521"], "ed25519": ["ed25519"]}


def four(server):
    """One issuer of each kind below one root; the default profile chooses by the key, the others by name."""
    root = root_of(server)
    server.issuers = {name: Authority(f"{name} CA", Key(*kind), root, path_length=0)
                      for name, kind in ISSUERS.items()}
    issuers = []
    for name in ("p256", "rsa", "p384", "ed25519"):
        more = {"key_types": RULE[name]} if name in RULE else {}
        issuers.append(install(server, name, server.issuers[name], name=name, **more))
    everything = []
    for name in ISSUERS:        # one certificate can't be configured twice
        server.issuers[f"{name}-all"] = Authority(f"{name} CA for all", Key(*ISSUERS[name]), root, path_length=0)
        everything.append(install(server, f"{name}-all", server.issuers[f"{name}-all"], name=f"{name}-all"))
    profiles = {"default": {"lifetime": "90d", "issuers": list(ISSUERS)}}
    profiles.update({f"by-{name}": {"lifetime": "10d", "issuers": [f"{name}-all"]} for name in ISSUERS})
    profiles["only-ed"] = {"lifetime": "10d", "issuers": ["ed25519"]}
    set_ca(server, issuers + everything, profiles)


@pytest.fixture(scope="module")
def several(names, responder):
    server = Server(names, responder, before=four)
    yield server
    server.close()


@pytest.fixture(scope="module")
def holder(several):
    return Client(several)


@pytest.fixture(scope="module")
def made():
    return {name: Key(*kind) for name, kind in KINDS.items()}


def uri(leaf, kind):
    value = leaf.extensions.get_extension_for_class(kind).value
    if kind is x509.AuthorityInformationAccess:
        assert [one.access_method for one in value] == [AuthorityInformationAccessOID.CA_ISSUERS]
        return value[0].access_location.value
    return value[0].full_name[0].value


def crl_of(leaf):
    return x509.load_der_x509_crl(requests.get(uri(leaf, x509.CRLDistributionPoints), timeout=10).content)


def check_is_by(server, issued, name, folder):
    """Every trace of the issuer is this one's."""
    authority = server.issuers[name].certificate
    assert issued.chain[1:] == [authority]
    assert issued.leaf.issuer == authority.subject
    ski = authority.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    aki = issued.leaf.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
    assert aki == ski
    fetched = requests.get(uri(issued.leaf, x509.AuthorityInformationAccess), timeout=10).content
    assert x509.load_der_x509_certificate(fetched) == authority
    done = verify(server, issued, folder)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("kind", list(KINDS))
@pytest.mark.parametrize("issuer", list(ISSUERS))
def test_partc_every_issuer_and_certificate_key(several, holder, made, tmp_path, issuer, kind):
    issued = holder.issue([f"{kind}.{issuer}.test"], made[kind], profile=f"by-{issuer}")
    check_is_by(several, issued, f"{issuer}-all", tmp_path)


@pytest.mark.parametrize("kind", list(KINDS))
def test_partc_issuer_by_key_type(several, holder, made, tmp_path, kind):
    expected = next((name for name, kinds in RULE.items() if kind in kinds), "p256")
    check_is_by(several, holder.issue([f"{kind}.rule.test"], made[kind]), expected, tmp_path)


def test_rfc8555_7_4_no_issuer_for_the_key(holder, made):
    """The order stays ready: another CSR may be sent."""
    order, url = holder.ready(["only-ed.test"], profile="only-ed")
    check_problem(holder.finalize(order, csr(["only-ed.test"], made["p256"])), "badCSR", 400,
                  'no issuer of profile "only-ed" certifies p256 keys')
    assert holder.get(url).json()["status"] == "ready"
    assert holder.finalize(order, csr(["only-ed.test"], made["ed25519"])).status_code == 200
    holder.poll(url, ("valid",))


def test_rfc5280_5_crls_and_renewal_of_each_issuer(several, holder, made, tmp_path):
    """One certificate of each issuer is revoked: each CRL lists its own and no other, and RFC 9773 finds each by its
    own issuer's key identifier."""
    issued = {name: holder.issue([f"revoked.{name}.test"], Key(), profile=f"by-{name}") for name in ISSUERS}
    for name, one in issued.items():
        reply = holder.post(holder.directory["revokeCert"],
                            {"certificate": b64(one.leaf.public_bytes(serialization.Encoding.DER)), "reason": 4})
        assert reply.status_code == 200, reply.text
    urls = {uri(one.leaf, x509.CRLDistributionPoints) for one in issued.values()}
    assert len(urls) == len(ISSUERS)
    for name, one in issued.items():
        crl = wait_revoked(one.leaf)
        authority = several.issuers[f"{name}-all"].certificate
        assert crl.issuer == authority.subject
        assert [entry.serial_number for entry in crl] == [one.leaf.serial_number]
        file = tmp_path / f"{name}.crl"
        file.write_bytes(crl.public_bytes(serialization.Encoding.PEM))
        done = verify(several, one, tmp_path, "-crl_check", "-CRLfile", file)
        assert done.returncode != 0 and "certificate revoked" in done.stdout + done.stderr
        other = holder.issue([f"good.{name}.test"], made["p256"], profile=f"by-{name}")
        done = verify(several, other, tmp_path, "-crl_check", "-CRLfile", file)
        assert done.returncode == 0, done.stdout + done.stderr
        window = requests.get(renewal_url(holder, other.leaf), timeout=10, verify=several.root).json()
        assert window["suggestedWindow"]["start"] < window["suggestedWindow"]["end"]


def wait_revoked(leaf, timeout=10):
    end = time.monotonic() + timeout
    while True:
        crl = crl_of(leaf)
        if crl.get_revoked_certificate_by_serial_number(leaf.serial_number) is not None:
            return crl
        assert time.monotonic() < end
        time.sleep(0.02)


def renewal_url(client, leaf):
    aki = leaf.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
    serial = leaf.serial_number.to_bytes((leaf.serial_number.bit_length() + 8) // 8, "big")
    return f"{client.directory['renewalInfo']}/{b64(aki)}.{b64(serial)}"


# --- rolling an issuer over ---------------------------------------------------------------------------

def old_and_new(server):
    root = root_of(server)
    server.old, server.new = Authority("old CA", None, root, days=40), Authority("new CA", None, root)
    set_ca(server, [install(server, "old", server.old), install(server, "new", server.new)],
           {"long": {"lifetime": "90d"}, "short": {"lifetime": "10d"}})


def test_partd_issuer_rolls_over(names, responder, make_server):
    """The newer issuer stands behind the older one and takes over what the older one can't outlive; CRLs of both."""
    server = make_server(before=old_and_new)
    client = Client(server)
    assert client.issue(["roll.test"], profile="short").chain[1] == server.old.certificate
    long = client.issue(["roll.test"])
    assert long.chain[1] == server.new.certificate
    assert (long.leaf.not_valid_after - long.leaf.not_valid_before).days == 89
    for name in ("old", "new"):
        leaf = client.issue(["roll.test"], profile="short" if name == "old" else "long").leaf
        assert crl_of(leaf).is_signature_valid(getattr(server, name).certificate.public_key())
    # the old one goes from the configuration: what it signed is still served with its issuer
    url = client.issue(["roll-late.test"], profile="short").order["certificate"]
    set_ca(server, [dict(certificate="pki/new.pem", key="keys/new.pem")])
    server.stop()
    server.start()
    client = Client(server, client.key)
    pem = client.get(url).text
    assert server.old.pem.decode().strip() in pem
    assert client.issue(["roll.test"], profile="short").chain[1] == server.new.certificate


# --- signet check -------------------------------------------------------------------------------------

def check(server):
    return server.run("check", "--dir", server.home, check=False)


def test_check_tells_which_issuer_signs(several):
    done = check(several)
    assert "ca.profiles.default: rsa2048, rsa3072, rsa4096 keys: signed by pki/rsa.pem" in done.stdout
    assert "ca.profiles.default: p384, p521 keys: signed by pki/p384.pem" in done.stdout
    assert "ca.profiles.default: p256, ed448 keys: signed by pki/p256.pem" in done.stdout
    assert 'note     ca.profiles.only-ed: p256, p384, p521, rsa2048, rsa3072, rsa4096, ed448 keys get no certificate: ' \
        'no issuer' in done.stdout
    assert done.returncode == 0, done.stdout


def test_check_tells_of_issuers_that_are_too_short_or_over(make_server):
    server = make_server(before=old_and_new, start=False)
    assert check(server).returncode == 0
    set_ca(server, [dict(certificate="pki/old.pem", key="keys/old.pem")])
    done = check(server)
    assert done.returncode == 1
    assert re.search(r"problem +ca\.profiles\.long: all keys: .* pki/old\.pem ends in (39|40) and cuts them short",
                     done.stdout), done.stdout
    assert "ok       ca.profiles.short" in done.stdout
    install(server, "old", Authority("over CA", None, root_of(server), days=-0.5))
    done = check(server)
    assert done.returncode == 1 and "problem  ca.profiles.short" in done.stdout and "is over" in done.stdout


def test_check_tells_of_a_foreign_key(make_server):
    server = make_server(before=old_and_new, start=False)
    set_ca(server, [dict(certificate="pki/old.pem", key="keys/new.pem")])
    done = check(server)
    assert done.returncode == 1 and "keys/new.pem is not the key of" in done.stdout
    server.start(wait=False)
    server.wait_log("this key doesn't belong to the issuer's certificate")
    server.process.kill()
