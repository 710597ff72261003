"""revokeCert (RFC 8555, 7.6), and what a CRL then says (RFC 5280, 5)."""
import time

import requests
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from .keys import b64


def der(issued):
    return issued.leaf.public_bytes(serialization.Encoding.DER)


def revoke(client, certificate, key=None, **more):
    """By the account, or with key by that key."""
    data = certificate if isinstance(certificate, bytes) else der(certificate)
    payload = dict(certificate=b64(data), **more)
    if key is None:
        return client.post(client.directory["revokeCert"], payload)
    return client.post(client.directory["revokeCert"], payload, key=key, use_jwk=True)


def crl_url(issued):
    points = issued.leaf.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
    assert len(points) == 1 and len(points[0].full_name) == 1
    return points[0].full_name[0].value


def fetch(url):
    reply = requests.get(url, timeout=10)
    assert reply.status_code == 200, (url, reply.status_code, reply.text)
    assert reply.headers["Content-Type"] == "application/pkix-crl"
    return x509.load_der_x509_crl(reply.content)


def listed(issued, within=1.0):
    """The certificate's entry in its CRL, which is there within a second."""
    until = time.monotonic() + within
    while True:
        entry = fetch(crl_url(issued)).get_revoked_certificate_by_serial_number(issued.leaf.serial_number)
        if entry is not None or time.monotonic() > until:
            return entry
        time.sleep(0.02)


def reason_of(entry):
    try:
        return entry.extensions.get_extension_for_class(x509.CRLReason).value.reason.value
    except x509.ExtensionNotFound:
        return None
