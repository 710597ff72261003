"""An ACME client that a test can bend at every point."""
import base64
import hashlib
import json
import time

import requests
from cryptography import x509

from . import keys
from .keys import Key, b64

JOSE = "application/jose+json"
URN = "urn:ietf:params:acme:error:"


class Issued:
    """What a whole issuance leaves behind."""

    def __init__(self, order, order_url, pem, key):
        self.order, self.order_url, self.pem, self.key = order, order_url, pem, key
        parts = ["-----BEGIN CERTIFICATE-----" + p for p in pem.split("-----BEGIN CERTIFICATE-----")[1:]]
        self.chain = [x509.load_pem_x509_certificate(p.encode()) for p in parts]
        self.leaf = self.chain[0]

    @property
    def names(self):
        return sorted(self._names(x509.DNSName))

    @property
    def addresses(self):
        return sorted(map(str, self._names(x509.IPAddress)))

    def _names(self, kind):
        return self.leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value.get_values_for_type(kind)


class Client:
    """One account key and a connection. Nonces come from a pool that every answer fills."""

    def __init__(self, server, key=None, register=True, **account):
        self.server, self.key, self.kid = server, key or Key(), None
        self.http = requests.Session()
        self.http.trust_env = False
        self.http.verify = server.root
        self.http.headers["User-Agent"] = "signet-tests/1"
        self.nonces = []
        self.directory = self.http.get(server.directory_url, timeout=30).json()
        if register:
            reply = self.register(**account)
            assert reply.status_code in (200, 201), reply.text

    def nonce(self):
        if self.nonces:
            return self.nonces.pop()
        return self.http.head(self.directory["newNonce"], timeout=30).headers["Replay-Nonce"]

    def jws(self, url, payload=None, /, key=None, use_jwk=False, protected=None, signature=None, **header):
        """A JWS as a dict. payload: None for POST-as-GET, bytes as they are, else JSON. header: members added to
        or replaced in the protected header, None takes one out; protected: the header's text instead;
        signature: from the signing input to the bytes."""
        key = key or self.key
        head = {"alg": key.alg, "nonce": None, "url": url}
        head.update({"jwk": key.jwk} if use_jwk or not self.kid else {"kid": self.kid})
        head.update(header)
        if "nonce" not in header and protected is None:
            head["nonce"] = self.nonce()
        head = {name: value for name, value in head.items() if value is not None}
        text = b64(json.dumps(head) if protected is None else protected)
        body = payload if isinstance(payload,
                                     bytes) else b"" if payload is None else json.dumps(payload).encode()
        signed = f"{text}.{b64(body)}".encode()
        return {"protected": text, "payload": b64(body), "signature": b64((signature or key.sign)(signed))}

    def send(self, url, body, content_type=JOSE, **kw):
        """Any body by POST."""
        body = body if isinstance(body, (bytes, str)) else json.dumps(body)
        reply = self.http.post(url, data=body, headers={"Content-Type": content_type}, timeout=60, **kw)
        if "Replay-Nonce" in reply.headers:
            self.nonces.append(reply.headers["Replay-Nonce"])
        return reply

    def post(self, url, payload=None, /, **kw):
        return self.send(url, self.jws(url, payload, **kw))

    def get(self, url):
        """POST-as-GET."""
        return self.post(url)

    def register(self, **account):
        account = {**self.server.account(self), **account}
        reply = self.post(self.directory["newAccount"], account, use_jwk=True)
        if reply.status_code in (200, 201):
            self.kid = reply.headers["Location"]
        return reply

    def order(self, names, **more):
        identifiers = [{"type": keys.identifier_type(name), "value": name} for name in names]
        reply = self.post(self.directory["newOrder"], dict(identifiers=identifiers, **more))
        assert reply.status_code == 201, reply.text
        return reply

    def challenge(self, authorization, kind="http-01", **bends):
        """An authorization's challenge of that kind, with the responder or the name server ready for it."""
        authorization = self.get(authorization).json()
        found = next(c for c in authorization["challenges"] if c["type"] == kind)
        text = f"{found['token']}.{self.key.thumbprint}"
        name = authorization["identifier"]["value"]
        if kind == "tls-alpn-01":
            self.server.responder.tls.put(name, text, **bends)
        elif kind == "http-01":
            self.server.responder.put(found["token"], text)
        else:
            self.server.names.txt(self.label(kind) + name, self.digest(text))
        return found

    def label(self, kind):
        """What stands before the name."""
        if kind == "dns-01":
            return "_acme-challenge."
        digest = hashlib.sha256(self.kid.encode()).digest()[:10]
        return f"_{base64.b32encode(digest).decode().lower()}._acme-challenge."

    @staticmethod
    def digest(text):
        return b64(hashlib.sha256(text.encode()).digest())

    def poll(self, url, until, timeout=20):
        """POST-as-GET until the status is one of until."""
        end = time.monotonic() + timeout
        while True:
            reply = self.get(url)
            assert reply.status_code == 200, reply.text
            if reply.json()["status"] in until:
                return reply
            assert time.monotonic() < end, f"still {reply.json()}"
            time.sleep(0.02)

    def authorize(self, order, kind="http-01"):
        """Proves every name of an order (JSON); the authorizations."""
        done = []
        for url in order["authorizations"]:
            if self.get(url).json()["status"] == "pending":
                reply = self.post(self.challenge(url, kind)["url"], {})
                assert reply.status_code == 200, reply.text
            done.append(self.poll(url, ("valid", "invalid")).json())
        return done

    def ready(self, names, kind="http-01", **more):
        """An order that is ready: (its JSON, its URL)."""
        reply = self.order(names, **more)
        for authorization in self.authorize(reply.json(), kind):
            assert authorization["status"] == "valid", authorization
        url = reply.headers["Location"]
        return self.get(url).json(), url

    def finalize(self, order, der):
        return self.post(order["finalize"], {"csr": b64(der)})

    def issue(self, names, key=None, common_name=None, kind="http-01", **more):
        """From order to certificate."""
        order, url = self.ready(names, kind, **more)
        key = key or Key()
        reply = self.finalize(order, keys.csr(names, key, common_name))
        assert reply.status_code == 200, reply.text
        final = self.poll(url, ("valid", "invalid")).json()
        assert final["status"] == "valid", final
        reply = self.get(final["certificate"])
        assert reply.status_code == 200, reply.text
        return Issued(final, url, reply.text, key)


# Of another server than ours only what the RFCs say is asked: the words of a detail are its own; where no section names
# the problem's type we say "malformed", and any registered one will do.
WORDS = True
VALIDATION = ("caa", "connection", "dns", "incorrectResponse", "tls", "unauthorized")
REGISTERED = (*VALIDATION, "accountDoesNotExist", "alreadyReplaced", "alreadyRevoked", "badCSR", "badNonce",
              "badPublicKey", "badRevocationReason", "badSignatureAlgorithm", "compound", "externalAccountRequired",
              "invalidContact", "invalidProfile", "malformed", "orderNotReady", "rateLimited", "rejectedIdentifier",
              "serverInternal", "unsupportedContact", "unsupportedIdentifier", "userActionRequired")
FIXED = (401, 405, 409, 415, 429)       # statuses that a section asks for by number


def unknown(url):
    """A URL of the same form that leads to nothing."""
    head, _, last = url.rpartition("/")
    return head + "/" + "A" * len(last)


def check_type(shown, kind, others=()):
    if WORDS or kind not in others:
        assert shown == URN + kind, shown
    else:
        assert shown in [URN + one for one in others], shown


def check_problem(reply, kind, status, detail="", others=None):
    """That the answer is this problem document, with what every one of them has (RFC 8555, 6.7). others: what a server
    may also say that is not ours."""
    assert reply.headers.get("Content-Type", "").split(";")[0] == "application/problem+json", (reply.status_code, reply.text)
    problem = reply.json()
    others = (kind, *(others or ())) if kind != "malformed" else REGISTERED
    check_type(problem["type"], kind, others)
    if WORDS or status in FIXED:
        assert reply.status_code == status, problem
    assert 400 <= reply.status_code < 500, problem
    assert problem.get("status", reply.status_code) == reply.status_code, problem
    if WORDS:
        assert "status" in problem and detail in problem["detail"], problem
    assert "identifier" not in problem, problem
    return problem
