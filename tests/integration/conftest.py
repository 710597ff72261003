"""A server whose certificate is due for renewal a minute after its start."""
import datetime
import time

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from harness.server import Server

def shorten_intermediate(server):
    """The intermediate again, with the same key, but ending in four minutes: what it issues ends no later. Two
    thirds of the certificate's life, which begins five minutes ago, are over in a minute."""
    with open(f"{server.home}/keys/root.pem", "rb") as f:
        root_key = serialization.load_pem_private_key(f.read(), None)
    with open(f"{server.home}/pki/intermediate.pem", "rb") as f:
        old = x509.load_pem_x509_certificate(f.read())
    made = x509.CertificateBuilder(old.issuer, old.subject, old.public_key(), old.serial_number + 1,
                                   old.not_valid_before,
                                   datetime.datetime.utcnow().replace(microsecond=0) + datetime.timedelta(minutes=4))
    for extension in old.extensions:
        made = made.add_extension(extension.value, extension.critical)
    with open(f"{server.home}/pki/intermediate.pem", "wb") as f:
        f.write(made.sign(root_key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))


@pytest.fixture
def renewing(names, responder):
    server = Server(names, responder, before=shorten_intermediate)
    server.started = time.monotonic()
    yield server
    server.close()
