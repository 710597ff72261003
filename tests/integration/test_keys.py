"""Every kind of account key with every kind of certificate key (RFC 8555, 6.2 and 11.1; PROTOCOL.md A 8), and keys
that are refused: badPublicKey for accounts, badCSR for certificates."""
import hashlib

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from harness.acme import Client, check_problem
from harness.keys import Key, csr

KINDS = {"rsa2048": ("RSA", 2048), "rsa3072": ("RSA", 3072), "rsa4096": ("RSA", 4096), "p256": ("P-256", 0),
         "p384": ("P-384", 0), "p521": ("P-521", 0), "ed25519": ("Ed25519", 0), "ed448": ("Ed448", 0)}


@pytest.fixture(scope="module")
def made():
    """One key of each kind for certificates: RSA keys take their time."""
    return {name: Key(*kind) for name, kind in KINDS.items()}


@pytest.fixture(scope="module", params=list(KINDS))
def account(request, server):
    return Client(server, Key(*KINDS[request.param]))


@pytest.mark.parametrize("certificate", list(KINDS))
def test_rfc8555_6_2_account_and_certificate_keys(account, made, certificate):
    issued = account.issue([f"{certificate}.keys.test"], made[certificate])
    assert issued.leaf.public_key().public_numbers() == made[certificate].private.public_key().public_numbers() \
        if hasattr(issued.leaf.public_key(), "public_numbers") else issued.names == [f"{certificate}.keys.test"]


def small_rsa(bits, exponent=65537):
    key = Key()
    key.kind, key.alg = "RSA", "RS256"
    key.private = rsa.generate_private_key(exponent, bits)
    return key


def other_curve():
    key = Key()
    key.private = ec.generate_private_key(ec.SECP256K1())
    return key


BAD = {"rsa1024": (lambda: small_rsa(1024), "1024 bits"), "rsa2056": (lambda: small_rsa(2056), "2056 bits"),
       "rsa-exponent-3": (lambda: small_rsa(2048, 3), "exponent")}


@pytest.mark.parametrize("bad", list(BAD))
def test_parta_9_bad_account_key(server, bad):
    make, words = BAD[bad]
    key = make()
    if bad == "rsa-exponent-3":
        jwk = dict(key.jwk, e="Aw")
        key = type("Odd", (), {"alg": "RS256", "jwk": jwk, "sign": key.sign, "thumbprint": ""})()
    client = Client(server, key, register=False)
    check_problem(client.register(), "badPublicKey", 400, words)


@pytest.mark.parametrize("bad", [*BAD, "secp256k1"])
def test_parta_37_bad_certificate_key(shared, bad):
    make, words = BAD.get(bad, (other_curve, "curve"))
    order, url = shared.ready(["badkey.test"])
    check_problem(shared.finalize(order, csr(["badkey.test"], make())), "badCSR", 400, words)
    assert shared.get(url).json()["status"] == "ready"


# --- ca.blocked_keys ---------------------------------------------------------------------------------

def spki_hash(key):
    return hashlib.sha256(key.private.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)).hexdigest()


def test_partc_blocked_keys(make_server):
    account, certificate, rsa_key = Key(), Key("Ed25519"), Key("RSA")

    def block(server):
        with open(f"{server.home}/blocked.txt", "w", encoding="ascii") as f:
            f.write(f"# stolen\n\n{spki_hash(account)}\n{spki_hash(certificate).upper()}\r\n{spki_hash(rsa_key)}")

    server = make_server({"ca": {"blocked_keys": "blocked.txt"}}, before=block)
    check_problem(Client(server, account, register=False).register(), "badPublicKey", 400, "blocked")
    client = Client(server)
    for key in (certificate, rsa_key):
        order, url = client.ready(["blocked.test"])
        check_problem(client.finalize(order, csr(["blocked.test"], key)), "badCSR", 400, "blocked")
        assert client.get(url).json()["status"] == "ready"
    client.finalize(order, csr(["blocked.test"], Key()))
    assert client.poll(url, ("valid", "invalid")).json()["status"] == "valid"
    assert "3 keys" in server.run("check", "--dir", server.home).stdout


def test_partc_blocked_keys_of_a_broken_file(make_server):
    def block(server):
        with open(f"{server.home}/blocked.txt", "w", encoding="ascii") as f:
            f.write("00" * 32 + "\n" + "0g" * 32 + "\n")

    server = make_server({"ca": {"blocked_keys": "blocked.txt"}}, before=block, start=False)
    done = server.run("check", "--dir", server.home, check=False)
    assert done.returncode == 1 and "blocked.txt: line 2" in done.stdout + done.stderr
