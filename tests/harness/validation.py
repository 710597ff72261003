"""One try at one name, and what the challenge says in the end (RFC 8555, 7.5.1)."""
from . import acme


def attempt(client, name, kind="http-01", prepare=True, **bends):
    """Orders the name and tries its challenge of that kind; that challenge in the end. prepare: True for a responder
    that is ready, False for one that is not, or called with token and digest instead."""
    url = client.order([name]).json()["authorizations"][0]
    if prepare is True:
        found = client.challenge(url, kind, **bends)
    else:
        found = next(c for c in client.get(url).json()["challenges"] if c["type"] == kind)
    if callable(prepare):
        prepare(found["token"], client.digest(f"{found['token']}.{client.key.thumbprint}"))
    assert client.post(found["url"], {}).status_code == 200
    done = client.poll(url, ("valid", "invalid")).json()
    tried = [c for c in done["challenges"] if c["url"] == found["url"]]
    assert tried and done["status"] == tried[0]["status"], done
    return tried[0]


def check_failed(challenge, kind, *words):
    """That it failed for this reason, and says so in these words."""
    assert challenge["status"] == "invalid", challenge
    assert "validated" not in challenge or not acme.WORDS, challenge
    acme.check_type(challenge["error"]["type"], kind, acme.VALIDATION)
    for word in words if acme.WORDS else ():
        assert word in challenge["error"]["detail"], (word, challenge["error"]["detail"])
    return challenge
