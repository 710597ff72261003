"""OCSP as clients speak it (RFC 6960): requests made by cryptography or by openssl, answers checked by openssl."""
import base64
import subprocess
import time
import urllib.parse

import requests
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509 import ocsp

REQUEST, RESPONSE = "application/ocsp-request", "application/ocsp-response"
GOOD, REVOKED, UNKNOWN = ocsp.OCSPCertStatus.GOOD, ocsp.OCSPCertStatus.REVOKED, ocsp.OCSPCertStatus.UNKNOWN


def request(issued, algorithm=hashes.SHA1, issuer=None):
    builder = ocsp.OCSPRequestBuilder().add_certificate(issued.leaf, issuer or issued.chain[1], algorithm())
    return builder.build().public_bytes(serialization.Encoding.DER)


def post(url, der, **headers):
    return requests.post(url, data=der, headers={"Content-Type": REQUEST, **headers}, timeout=10)


def get_url(url, der):
    return url + "/" + urllib.parse.quote(base64.b64encode(der).decode(), safe="")


def get(url, der, **headers):
    return requests.get(get_url(url, der), headers=headers, timeout=10)


def parse(reply):
    """The response of a reply that has one, whatever its OCSP status."""
    assert reply.status_code == 200, (reply.status_code, reply.text)
    assert reply.headers["Content-Type"] == RESPONSE
    return ocsp.load_der_ocsp_response(reply.content)


def status(url, issued, **kw):
    """What a fresh look says of the certificate; the response's signature is checked."""
    response = parse(get(url, request(issued, **kw)))
    assert response.response_status == ocsp.OCSPResponseStatus.SUCCESSFUL
    return response.certificate_status


def until_revoked(url, issued, within=1.0):
    end = time.monotonic() + within
    while True:
        response = parse(get(url, request(issued)))
        if response.certificate_status == REVOKED or time.monotonic() > end:
            return response
        time.sleep(0.02)


def error(reply):
    response = parse(reply)
    return response.response_status.name


class OpenSSL:
    """`openssl ocsp`, in a folder of its own."""

    def __init__(self, folder, server):
        self.folder, self.server = folder, server

    def write(self, name, text):
        path = self.folder / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    def certificate(self, name, certificate):
        return self.write(name, certificate.public_bytes(serialization.Encoding.PEM))

    def ask(self, issued, *args, url=None):
        """All that is said on stdout and stderr."""
        issuer = self.certificate("issuer.pem", issued.chain[1])
        leaf = self.certificate("leaf.pem", issued.leaf)
        done = subprocess.run(["openssl", "ocsp", "-issuer", issuer, "-CAfile", self.server.root, *map(str, args),
                               "-cert", leaf, *(["-url", url] if url else [])],
                              capture_output=True, text=True, timeout=30)
        return done.stdout + done.stderr
