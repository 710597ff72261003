"""An account's key hands over to another (RFC 8555, 7.3.5), every part of which a test can bend."""
from .keys import Key

MISSING = object()


def inner(client, new, signer=None, payload=None, url=None, key_form=None, **more):
    """The inner JWS, every part of which can be bent."""
    body = {"account": client.kid, "oldKey": client.key.jwk}
    for name, value in more.pop("body", {}).items():
        body[name] = value
        if value is MISSING:
            del body[name]
    header = dict(nonce=None, use_jwk=True)
    header.update(key_form or {})
    header.update(more)
    return client.jws(url or client.directory["keyChange"], payload if payload is not None else body,
                      key=signer or new, **header)


def change(client, new, **bent):
    return client.post(client.directory["keyChange"], inner(client, new, **bent))


def roll(client, kind="P-256"):
    """A change that must succeed; the client goes on with the new key."""
    new = Key(kind)
    reply = change(client, new, jwk=new.jwk, alg=new.alg)
    assert reply.status_code == 200, reply.text
    client.key = new
    return reply


def with_jwk(new):
    return {"jwk": new.jwk, "alg": new.alg}
