"""An ACME server that somebody else runs: all that is known of it is where its directory is, and where it will look for
challenges' answers."""
import base64
import json
import urllib.parse

from harness.keys import mac_jws


class Target:
    """What harness.acme asks of a server."""

    def __init__(self, options, names, responder):
        self.directory_url = options.directory
        self.url = "{0.scheme}://{0.netloc}".format(urllib.parse.urlsplit(options.directory))
        self.root = options.cacert or True
        self.names, self.responder = names, responder
        self._kid, self._key = options.eab_kid, options.eab_key

    def account(self, client):
        """The members of newAccount that this server needs: agreement to its terms, and who vouches for the account."""
        made = {}
        if client.directory.get("meta", {}).get("termsOfService"):
            made["termsOfServiceAgreed"] = True
        if self._kid:
            key = base64.urlsafe_b64decode(self._key + "=" * (-len(self._key) % 4))
            made["externalAccountBinding"] = mac_jws(
                {"alg": "HS256", "kid": self._kid, "url": client.directory["newAccount"]},
                json.dumps(client.key.jwk), key)
        return made
