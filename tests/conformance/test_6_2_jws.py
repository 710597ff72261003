"""Hostile JWS and JSON: the exact problem, status and words of each (RFC 8555, 6; RFC 7515; RFC 7517; RFC 8259)."""
import hashlib
import hmac
import json
import math

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from harness.acme import Client, check_problem, unknown
from harness.keys import Key, b64, unb64

EC = {"kty": "EC", "crv": "P-256"}


def change(body, **members):
    """A JWS with members replaced, or taken out when None."""
    made = dict(body, **members)
    return {name: value for name, value in made.items() if value is not None}


def text(body, what):
    """The JSON text of a JWS with something put before its closing brace."""
    return json.dumps(body)[:-1] + what + "}"


# What becomes of a good JWS: id -> (function, problem, status, words of the detail).
OUTER = {
    "rfc8555-6.2-not-json": (lambda b: "hello", "malformed", 400, "JSON"),
    "rfc8555-6.2-empty-body": (lambda b: "", "malformed", 400, "empty"),
    "rfc8555-6.2-json-array": (lambda b: json.dumps([b]), "malformed", 400, "object was expected"),
    "rfc8555-6.2-json-string": (lambda b: '"text"', "malformed", 400, "JSON"),
    "rfc7515-7.1-compact": (lambda b: ".".join((b["protected"], b["payload"], b["signature"])), "malformed",
                            400,
                            "JSON"),
    "rfc8555-6.2-signatures": (lambda b: {"payload": b["payload"], "signatures": [change(b, payload=None)]},
                               "malformed", 400, "flattened"),
    "rfc8555-6.2-both-forms": (lambda b: change(b, signatures=[]), "malformed", 400, "flattened"),
    "rfc8555-6.2-unprotected-header": (lambda b: change(b, header={"kid": "x"}), "malformed", 400,
                                       "unprotected"),
    "rfc8555-6.2-empty-unprotected-header": (lambda b: change(b, header={}), "malformed", 400, "unprotected"),
    "rfc8555-6.2-detached-payload": (lambda b: change(b, payload=None), "malformed", 400, '"payload"'),
    "rfc8555-6.2-null-payload": (lambda b: text(change(b, payload=None), ',"payload":null'), "malformed", 400,
                                 '"payload" is not a string'),
    "rfc8555-6.2-no-signature": (lambda b: change(b, signature=None), "malformed", 400, '"signature"'),
    "rfc8555-6.2-empty-signature": (lambda b: change(b, signature=""), "malformed", 400,
                                    '"signature" is empty'),
    "rfc8555-6.2-no-protected": (lambda b: change(b, protected=None), "malformed", 400, '"protected"'),
    "rfc8555-6.2-empty-protected": (lambda b: change(b, protected=""), "malformed", 400,
                                    '"protected" is empty'),
    "rfc8555-6.2-number-for-signature": (lambda b: change(b, signature=5), "malformed", 400, "not a string"),
    "rfc8259-4-duplicate-member": (lambda b: text(b, ',"payload":"e30"'), "malformed", 400, "duplicate"),
    "rfc8259-4-duplicate-by-escape": (lambda b: text(b, ',"p\\u0061yload":"e30"'), "malformed", 400,
                                      "duplicate"),
    "rfc8259-trailing-data": (lambda b: json.dumps(b) + "x", "malformed", 400, "JSON"),
    "rfc8259-second-object": (lambda b: json.dumps(b) * 2, "malformed", 400, "JSON"),
    "rfc8259-nul-byte": (lambda b: json.dumps(b) + "\0", "malformed", 400, "JSON"),
    "rfc8259-cut-short": (lambda b: json.dumps(b)[:-5], "malformed", 400, "JSON"),
    "rfc8259-bad-utf8": (lambda b: text(b, ',"x":"').encode()[:-1] + b'\xff"}', "malformed", 400, "JSON"),
    "rfc8259-nan": (lambda b: text(b, ',"x":NaN'), "malformed", 400, "JSON"),
    "rfc8259-nesting-2000": (lambda b: text(b, ',"x":' + "[" * 2000 + "]" * 2000), "malformed", 400,
                             "nests deeper"),
    "rfc8259-nesting-30000": (lambda b: "[" * 30000, "malformed", 400, "nests deeper"),
    "rfc8555-6.1-padded-signature": (lambda b: change(b, signature=b["signature"] + "=="), "malformed", 400,
                                     "base64url"),
    "rfc8555-6.1-padded-protected": (lambda b: change(b, protected=b["protected"] + "="), "malformed", 400,
                                     "base64url"),
    "rfc8555-6.1-plain-base64": (lambda b: change(b, payload="+/+/"), "malformed", 400, "base64url"),
    "rfc8555-6.1-newline-in-base64": (lambda b: change(b, payload="AA\nAA"), "malformed", 400, "base64url"),
    "rfc8555-6.1-one-character": (lambda b: change(b, payload="A"), "malformed", 400, "base64url"),
    "rfc4648-3.5-left-over-bits": (lambda b: change(b, payload="AB"), "malformed", 400, "base64url"),
    "rfc8555-6.2-signature-of-zeros": (lambda b: change(b, signature=b64(bytes(64))), "malformed", 400,
                                       "does not verify"),
    "rfc7518-3.4-signature-short": (lambda b: change(b, signature=b64(unb64(b["signature"])[:-1])),
                                    "malformed",
                                    400, "63 octets"),
    "rfc7518-3.4-signature-long": (lambda b: change(b, signature=b64(unb64(b["signature"]) + b"\0")),
                                   "malformed",
                                   400, "65 octets"),
    "rfc8555-6.2-payload-swapped": (lambda b: change(b, payload=b64("{}")), "malformed", 400,
                                    "does not verify"),
    "rfc8555-6.2-protected-not-json": (lambda b: change(b, protected=b64("nonsense")), "malformed", 400,
                                       "protected header"),
    "rfc8555-6.2-protected-duplicate": (lambda b: change(b, protected=b64('{"alg":"ES256","alg":"none"}')),
                                        "malformed", 400, "duplicate"),
    "rfc8555-6.2-protected-array": (lambda b: change(b, protected=b64("[]")), "malformed", 400,
                                    "protected header"),
}


@pytest.mark.parametrize("case", [pytest.param(case, id=case, marks=pytest.mark.needs("policy")) if "nesting" in case
                                  else pytest.param(case, id=case) for case in OUTER])
def test_hostile_outer(shared, case):
    make, kind, status, detail = OUTER[case]
    body = make(shared.jws(shared.kid))
    check_problem(shared.send(shared.kid, body), kind, status, detail)


# Members of the protected header: id -> (members, problem, status, words).
HEADER = {
    "rfc8555-6.2-alg-none": ({"alg": "none"}, "badSignatureAlgorithm", 400, "unsigned"),
    "rfc8555-6.2-alg-hs256": ({"alg": "HS256"}, "badSignatureAlgorithm", 400, "MAC"),
    "rfc8555-6.2-alg-hs512": ({"alg": "HS512"}, "badSignatureAlgorithm", 400, "MAC"),
    "rfc8555-6.2-alg-unknown": ({"alg": "ES999"}, "badSignatureAlgorithm", 400, "not supported"),
    "rfc8555-6.2-alg-rs1": ({"alg": "RS1"}, "badSignatureAlgorithm", 400, "not supported"),
    "rfc8555-6.2-alg-case": ({"alg": "es256"}, "badSignatureAlgorithm", 400, "not supported"),
    "rfc8555-6.2-alg-other-curve": ({"alg": "ES384"}, "badSignatureAlgorithm", 400, "does not fit the key"),
    "rfc8555-6.2-alg-other-kind": ({"alg": "RS256"}, "badSignatureAlgorithm", 400, "does not fit the key"),
    "rfc8555-6.2-alg-absent": ({"alg": None}, "malformed", 400, '"alg"'),
    "rfc8555-6.2-alg-number": ({"alg": 5}, "malformed", 400, '"alg" is not a string'),
    "rfc7515-4.1.11-crit": ({"crit": ["exp"], "exp": 1}, "malformed", 400, "crit"),
    "rfc7797-b64-false": ({"b64": False}, "malformed", 400, "b64"),
    "rfc7797-b64-true": ({"b64": True}, "malformed", 400, "b64"),
    "rfc8555-6.5-no-nonce": ({"nonce": None}, "badNonce", 400, '"nonce"'),
    "rfc8555-6.5-nonce-of-another-server": ({"nonce": b64(bytes(16))}, "badNonce", 400, "not one of ours"),
    "rfc8555-6.5.2-nonce-not-base64url": ({"nonce": "no nonce!"}, "malformed", 400, "base64url"),
    "rfc8555-6.5.2-nonce-padded": ({"nonce": "AAAA=="}, "malformed", 400, "base64url"),
    "rfc8555-6.5-nonce-number": ({"nonce": 12}, "malformed", 400, "not a string"),
    "rfc8555-6.4-no-url": ({"url": None}, "malformed", 400, '"url"'),
    "rfc8555-6.4-url-of-another-resource": ({"url": "OTHER"}, "unauthorized", 403,
                                            "6.4"),
    "rfc8555-6.4-url-path-only": ({"url": "PATH"}, "unauthorized", 403, "6.4"),
    "rfc8555-6.4-url-other-host": ({"url": "HOST"}, "unauthorized", 403, "6.4"),
    "rfc8555-6.4-url-other-port": ({"url": "PORT"}, "unauthorized", 403, "6.4"),
    "rfc8555-6.4-url-http": ({"url": "HTTP"}, "unauthorized", 403, "6.4"),
    "rfc8555-6.4-url-with-query": ({"url": "QUERY"}, "unauthorized", 403, "6.4"),
    "rfc8555-6.2-jwk-and-kid": ({"jwk": dict(EC, x="", y="")}, "malformed", 400, "both"),
    "rfc8555-6.2-neither-jwk-nor-kid": ({"kid": None}, "malformed", 400, "neither"),
    "rfc8555-6.2-kid-number": ({"kid": 7}, "malformed", 400, '"kid" is not a string'),
    "rfc8555-6.2-kid-of-nobody": ({"kid": "NOBODY"}, "accountDoesNotExist", 400, "no account"),
    "rfc8555-6.2-kid-is-no-url": ({"kid": "../../etc/passwd"}, "malformed", 400, "not an account URL"),
}


@pytest.mark.parametrize("case", HEADER, ids=list(HEADER))
def test_hostile_header(server, shared, case):
    members, kind, status, detail = HEADER[case]
    words = {"PATH": shared.kid[len(server.url):], "HOST": shared.kid.replace("://", "://not."), "OTHER": shared.directory["newOrder"],
             "PORT": shared.kid.replace(server.url, server.url[:-1] + ("1" if server.url[-1] == "0" else "0")),
             "HTTP": shared.kid.replace("https", "http"), "QUERY": shared.kid + "?a=b", "NOBODY": unknown(shared.kid)}
    members = {name: words.get(value, value) if isinstance(value, str) else value
               for name, value in members.items()}
    if "jwk" in members:
        members["kid"] = shared.kid
    others = ("malformed", "badPublicKey") if "other" in case else ()
    problem = check_problem(shared.send(shared.kid, shared.jws(shared.kid, **members)), kind, status, detail, others)
    if kind == "badSignatureAlgorithm" and not others:
        assert {"ES256", "RS256"} <= set(problem["algorithms"])     # RFC 8555, 6.2


# The key in newAccount: id -> (key, problem, words).
GOOD = Key()
OFF_CURVE = dict(GOOD.jwk, y=b64(bytes([1] * 32)))
JWK = {
    "rfc8555-6.2-jwk-string": ("key", "malformed", "not an object"),
    "rfc7517-4.1-no-kty": ({"crv": "P-256"}, "malformed", "kty"),
    "rfc8555-6.2-kty-oct": ({"kty": "oct", "k": "AAAA"}, "badPublicKey", "private key"),
    "rfc8555-6.2-kty-unknown": ({"kty": "PQC"}, "badPublicKey", "not supported"),
    "rfc7518-6.2.1.1-curve-unknown": (dict(GOOD.jwk, crv="secp256k1"), "badPublicKey", "not supported"),
    "rfc7518-6.2.1.1-curve-absent": ({"kty": "EC", "x": "AA", "y": "AA"}, "malformed", '"crv" is missing'),
    "rfc7518-6.2.1.2-short-coordinate": (dict(GOOD.jwk, x=b64(bytes(31))), "malformed", "31 octets"),
    "rfc7518-6.2.1.2-no-y": ({k: v for k, v in GOOD.jwk.items() if k != "y"}, "malformed", '"y" is missing'),
    "rfc7518-6.2.1-off-the-curve": (OFF_CURVE, "badPublicKey", "not a point"),
    "rfc7518-6.2.1-infinity": (dict(EC, x=b64(bytes(32)), y=b64(bytes(32))), "badPublicKey", "not a point"),
    "rfc7517-9.2-private-key": (dict(GOOD.jwk, d=b64(bytes(32))), "badPublicKey", "private key"),
    "rfc7518-6.3-rsa-even": ({"kty": "RSA", "e": "AQAB", "n": b64(b"\xff" * 255 + b"\xfe")}, "badPublicKey",
                             "even"),
    "rfc7518-6.3-rsa-exponent-1": (dict(Key("RSA").jwk, e="AQ"), "badPublicKey", "exponent"),
    "rfc7518-6.3-rsa-16384": ({"kty": "RSA", "e": "AQAB", "n": b64(b"\xff" * 2048)}, "badPublicKey",
                              "16384 bits"),
    "rfc7518-2-leading-zero": ({"kty": "RSA", "e": "AQAB", "n": b64(b"\0" + b"\xff" * 256)}, "malformed",
                               "zero octet"),
    "rfc8037-2-x25519": ({"kty": "OKP", "crv": "X25519", "x": b64(bytes(32))}, "badPublicKey",
                         "not supported"),
}


@pytest.mark.parametrize("case", JWK, ids=list(JWK))
def test_hostile_account_key(server, shared, case):
    """The signature can't be right for most of these: the key's fault is what is told."""
    jwk, kind, detail = JWK[case]
    client = Client(server, Key("RSA") if isinstance(jwk, dict) and jwk.get("kty") == "RSA" else Key(),
                    register=False)
    reply = client.post(client.directory["newAccount"], {}, jwk=jwk)
    check_problem(reply, kind, 400, detail, others=("malformed",))


class FactorKey(Key):
    """An RSA key whose modulus 3 divides, and that signs all the same."""

    def __init__(self):
        while True:
            super().__init__("RSA", 2047)
            numbers = self.private.private_numbers()
            self.n = 3 * numbers.p * numbers.q
            order = 2 * (numbers.p - 1) * (numbers.q - 1)
            if self.n.bit_length() == 2048 and math.gcd(65537, order) == 1:
                break
        self.d = pow(65537, -1, order)

    @property
    def jwk(self):
        return {"kty": "RSA", "e": "AQAB", "n": b64(self.n.to_bytes(256, "big"))}

    def sign(self, data):
        info = bytes.fromhex("3031300d060960864801650304020105000420") + hashlib.sha256(data).digest()
        padded = b"\0\1" + b"\xff" * (256 - 3 - len(info)) + b"\0" + info
        return pow(int.from_bytes(padded, "big"), self.d, self.n).to_bytes(256, "big")


class ExponentKey(Key):
    """Exponent 3."""

    def __init__(self):
        super().__init__("RSA")
        self.private = rsa.generate_private_key(3, 2048)

    @property
    def jwk(self):
        return dict(super().jwk, e="Aw")


@pytest.mark.needs("policy")
@pytest.mark.parametrize("make, detail", [
    (lambda: Key("RSA", 1024), "1024 bits"), (lambda: Key("RSA", 2047), "2047 bits"),
    (ExponentKey, "65537"), (FactorKey, "divisible by 3"),
], ids=["1024", "2047", "exponent-3", "small-factor"])
def test_hostile_weak_rsa_key_that_signs(server, make, detail):
    """PROTOCOL.md A, keys: the signature is good, the key is not."""
    client = Client(server, make(), register=False)
    check_problem(client.register(), "badPublicKey", 400, detail)


def test_hostile_der_signature(shared):
    """The commonest mistake of a new client (RFC 7518, 3.4)."""
    reply = shared.post(shared.kid, signature=shared.key.sign_der)
    check_problem(reply, "malformed", 400, "looks like DER")


def sign_with(key, digest, size):
    """r and s with the zeros before them that another algorithm's length asks for."""
    def sign(data):
        r, s = decode_dss_signature(key.private.sign(data, ec.ECDSA(digest)))
        return r.to_bytes(size, "big") + s.to_bytes(size, "big")
    return sign


@pytest.mark.parametrize("alg, digest, size", [("ES384", hashes.SHA384(), 48), ("ES512", hashes.SHA512(), 66)],
                         ids=["ES384", "ES512"])
def test_hostile_alg_of_a_larger_curve(shared, alg, digest, size):
    """RFC 7518, 3.4: ES384 is P-384's. The signature is good, and would verify if alg needn't fit the key."""
    reply = shared.post(shared.kid, alg=alg, signature=sign_with(shared.key, digest, size))
    check_problem(reply, "badSignatureAlgorithm", 400, "does not fit the key", others=("malformed", "badPublicKey"))


def test_hostile_jwk_where_kid_belongs(shared):
    check_problem(shared.post(shared.directory["newOrder"], {}, use_jwk=True), "malformed", 400, '"kid"')


def test_hostile_kid_where_jwk_belongs(shared):
    check_problem(shared.post(shared.directory["newAccount"], {}), "malformed", 400, '"jwk"')


def test_hostile_signed_for_another_url(shared):
    """A request caught on its way to one resource is worth nothing at another (RFC 8555, 6.4)."""
    body = shared.jws(shared.directory["newOrder"], {"status": "deactivated"})
    check_problem(shared.send(shared.kid, body), "unauthorized", 403, "6.4")


def test_hostile_key_confusion_hmac_with_the_public_key(shared):
    """alg HS256 with the public key as its secret: the classic (RFC 8725, 2.1)."""
    secret = json.dumps(shared.key.jwk).encode()
    reply = shared.post(shared.kid, alg="HS256",
                        signature=lambda data: hmac.new(secret, data, hashlib.sha256).digest())
    check_problem(reply, "badSignatureAlgorithm", 400, "MAC")


@pytest.mark.parametrize("r, s", [(0, 0), (0, 1), (1, 0),
                                  (0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551, 1)])
def test_hostile_degenerate_ecdsa(shared, r, s):
    """CVE-2022-21449: r or s of zero, or the group's order."""
    reply = shared.post(shared.kid, signature=lambda data: r.to_bytes(32, "big") + s.to_bytes(32, "big"))
    check_problem(reply, "malformed", 400, "does not verify")


PAYLOAD = {
    "rfc8555-6.3-empty-where-object": (None, "malformed", "payload is empty"),
    "rfc8259-payload-not-json": (b"{", "malformed", "payload"),
    "rfc8259-payload-array": (b"[]", "malformed", "payload"),
    "rfc8259-payload-duplicate": (b'{"identifiers":[],"identifiers":[]}', "malformed", "duplicate"),
    "rfc8259-payload-deep": (b'{"a":' + b"[" * 1000 + b"]" * 1000 + b"}", "malformed", "nests deeper"),
    "rfc8259-payload-nul": (b'{"identifiers":[{"type":"dns","value":"a\\u0000.test"}]}', "malformed",
                            "payload"),
    "rfc8555-7.4-no-identifiers": (b"{}", "malformed", '"identifiers"'),
    "rfc8555-7.4-identifiers-object": (b'{"identifiers":{}}', "malformed", '"identifiers"'),
    "rfc8555-7.4-identifiers-empty": (b'{"identifiers":[]}', "malformed", '"identifiers"'),
    "rfc8555-7.4-identifier-string": (b'{"identifiers":["a.test"]}', "malformed", "identifier"),
    "rfc8555-7.4-identifier-no-value": (b'{"identifiers":[{"type":"dns"}]}', "malformed", "identifier"),
    "rfc8555-7.4-identifier-number": (b'{"identifiers":[{"type":"dns","value":1}]}', "malformed",
                                      "identifier"),
    "partd-ip-literal-as-dns": (b'{"identifiers":[{"type":"dns","value":"10.0.0.1"}]}', "malformed",
                                "IP address"),
    "partd-ipv6-literal-as-dns": (b'{"identifiers":[{"type":"dns","value":"fd00::1"}]}', "malformed",
                                  "IP address"),
    "partd-octal-ip-as-dns": (b'{"identifiers":[{"type":"dns","value":"0177.1"}]}', "malformed",
                              "digits only"),
}


@pytest.mark.parametrize("case", PAYLOAD, ids=list(PAYLOAD))
def test_hostile_new_order(shared, case):
    payload, kind, detail = PAYLOAD[case]
    check_problem(shared.post(shared.directory["newOrder"], payload), kind, 400, detail)
