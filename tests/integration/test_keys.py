"""Every kind of account key with every kind of certificate key (RFC 8555, 6.2 and 11.1; PROTOCOL.md A 8), and keys
that are refused: badPublicKey for accounts, badCSR for certificates."""
import functools
import hashlib
import random

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from harness.acme import Client, check_problem
from harness.keys import Key, b64, csr, unb64

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


def is_prime(n):
    """Miller and Rabin, with a few bases: enough for numbers that nobody chose to deceive."""
    if any(n % p == 0 for p in SMALL_PRIMES):
        return n in SMALL_PRIMES
    d, s = n - 1, 0
    while d % 2 == 0:
        d, s = d // 2, s + 1
    for base in (2, 3, 5, 7, 11):
        x = pow(base, d, n)
        if x not in (1, n - 1) and all(pow(x, 2 ** i, n) != n - 1 for i in range(1, s)):
            return False
    return True


SMALL_PRIMES = [p for p in range(2, 752) if all(p % d for d in range(2, int(p ** 0.5) + 1))]


def prime_from(start, step=2):
    while not is_prime(start):
        start += step
    return start


class WeakRsa:
    """An RSA key of any primes, which signs by hand (RFC 8017, 8.2.1): no library takes it."""
    kind, alg = "RSA", "RS256"

    def __init__(self, *primes):
        self.n, phi = 1, 1
        for p in primes:
            self.n, phi = self.n * p, phi * (p - 1)
        self.d = pow(65537, -1, phi)
        assert self.n.bit_length() == 2048

    @property
    def jwk(self):
        return {"kty": "RSA", "e": "AQAB", "n": b64(self.n.to_bytes(256, "big"))}

    def sign(self, data):
        digest = bytes.fromhex("3031300d060960864801650304020105000420") + hashlib.sha256(data).digest()
        padded = b"\0\1" + b"\xff" * (253 - len(digest)) + b"\0" + digest
        return pow(int.from_bytes(padded, "big"), self.d, self.n).to_bytes(256, "big")

    def csr(self, names):
        """Another RSA key's request, with this modulus and signature."""
        other = Key("RSA", 2048)
        der = csr(names, other)
        public = other.private.public_key().public_numbers()
        tbs = der[4:4 + 4 + int.from_bytes(der[6:8], "big")]
        changed = tbs.replace(public.n.to_bytes(256, "big"), self.n.to_bytes(256, "big"))
        assert changed != tbs and der[-256:] != self.sign(changed)
        return der[:4] + changed + der[4 + len(tbs):-256] + self.sign(changed)


def sound_primes(bits):
    numbers = rsa.generate_private_key(65537, bits).private_numbers()
    return numbers.p, numbers.q


@functools.lru_cache
def rsa_close():
    """CVE-2022-26320: the second prime is the next one."""
    p, _ = sound_primes(2048)
    return WeakRsa(p, prime_from(p + 2))


@functools.lru_cache
def rsa_factor(factor):
    """A small prime and two large ones."""
    while True:
        p, q = sound_primes(2049 - factor.bit_length())
        if (factor * p * q).bit_length() == 2048:
            return WeakRsa(factor, p, q)


@functools.lru_cache
def rsa_roca():
    """CVE-2017-15361: primes k * M + 65537**a mod M, M a primorial."""
    primorial = 1
    for p in SMALL_PRIMES[:126]:
        primorial *= p

    def prime():
        rest = pow(65537, random.getrandbits(60), primorial)
        return prime_from(((3 << 1022) // primorial + random.getrandbits(40)) * primorial + rest, primorial)
    return WeakRsa(prime(), prime())


def request(names, key):
    return key.csr(names) if isinstance(key, WeakRsa) else csr(names, key)


BAD = {"rsa1024": (lambda: small_rsa(1024), "1024 bits"), "rsa2056": (lambda: small_rsa(2056), "2056 bits"),
       "rsa-exponent-3": (lambda: small_rsa(2048, 3), "exponent"), "rsa-close": (rsa_close, "Fermat"),
       "rsa-factor-3": (lambda: rsa_factor(3), "divisible by 3"),
       "rsa-factor-751": (lambda: rsa_factor(751), "divisible by 751"), "rsa-roca": (rsa_roca, "ROCA")}


def test_partc_factor_above_the_limit(shared):
    """757 is the next prime, and not looked for."""
    order, url = shared.ready(["factor.test"])
    assert shared.finalize(order, rsa_factor(757).csr(["factor.test"])).status_code == 200
    shared.poll(url, ("valid",))


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
    check_problem(shared.finalize(order, request(["badkey.test"], make())), "badCSR", 400, words)
    assert shared.get(url).json()["status"] == "ready"


def test_parta_9_point_off_the_curve(server):
    key = Key()
    y = bytearray(unb64(key.jwk["y"]))
    y[-1] ^= 1
    bad = type("Odd", (), {"alg": "ES256", "jwk": dict(key.jwk, y=b64(bytes(y))), "sign": key.sign, "thumbprint": ""})()
    check_problem(Client(server, bad, register=False).register(), "badPublicKey", 400, "curve")


def test_parta_9_key_change_to_a_bad_key(server):
    """The new key is judged as any account's."""
    client, key = Client(server), rsa_roca()
    url = client.directory["keyChange"]
    inner = client.jws(url, {"account": client.kid, "oldKey": client.key.jwk}, key=key, use_jwk=True, nonce=None)
    check_problem(client.post(url, inner), "badPublicKey", 400, "ROCA")


def test_parta_37_point_off_the_curve(shared):
    order, url = shared.ready(["badpoint.test"])
    key = Key()
    der = bytearray(csr(["badpoint.test"], key))
    point = key.private.public_key().public_bytes(serialization.Encoding.X962,
                                                  serialization.PublicFormat.UncompressedPoint)
    der[der.index(point) + len(point) - 1] ^= 1
    check_problem(shared.finalize(order, bytes(der)), "badCSR", 400, "key")
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
