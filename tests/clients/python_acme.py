"""A whole life with the library acme: what to do is JSON on standard input, made by test_libraries.py."""
import datetime
import ipaddress
import json
import os
import sys

import josepy
from acme import challenges, client, crypto_util, errors, messages
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from OpenSSL import crypto

want = json.load(sys.stdin)


def make(kind):
    name, bits = kind.split("-")
    if name == "RSA":
        return rsa.generate_private_key(65537, int(bits))
    return ec.generate_private_key({"256": ec.SECP256R1, "384": ec.SECP384R1, "521": ec.SECP521R1}[bits]())


def pem(key):
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                             serialization.NoEncryption())


def provide(challenge, name, account):
    path = os.path.join(want["folder"], "")
    if challenge.typ == "http-01":
        with open(path + challenge.encode("token"), "w", encoding="ascii") as f:
            f.write(challenge.validation(account))
    elif challenge.typ == "dns-01":
        with open(path + challenge.validation_domain_name(name), "a", encoding="ascii") as f:
            f.write(challenge.validation(account) + "\n")
    else:
        certificate, key = challenge.response(account).gen_cert(name, key=None, bits=2048)
        for end, text in (("crt.pem", crypto.dump_certificate(crypto.FILETYPE_PEM, certificate)),
                          ("key.pem", crypto.dump_privatekey(crypto.FILETYPE_PEM, key))):
            with open(path + f"{name}.{end}", "wb") as f:
                f.write(text)


def issue(acme, account, file):
    names, addresses = ([one["value"] for one in want["identifiers"] if one["type"] == kind] for kind in ("dns", "ip"))
    csr = crypto_util.make_csr(pem(make(want["certificate"])), names, ipaddrs=[*map(ipaddress.ip_address, addresses)])
    order = acme.new_order(csr)
    for authorization in order.authorizations:
        if authorization.body.status == messages.STATUS_VALID:
            continue
        body = next(one for one in authorization.body.challenges if one.chall.typ == want["challenge"])
        provide(body.chall, authorization.body.identifier.value, account)
        acme.answer_challenge(body, body.chall.response(account))
    done = acme.poll_and_finalize(order, datetime.datetime.now() + datetime.timedelta(seconds=30))
    with open(file, "w", encoding="ascii") as f:
        f.write(done.fullchain_pem)
    return josepy.ComparableX509(crypto.load_certificate(crypto.FILETYPE_PEM, done.fullchain_pem.encode()))


def main():
    kind = want["account"]
    account = josepy.JWKRSA(key=make(kind)) if kind.startswith("RSA") else josepy.JWKEC(key=make(kind))
    algorithm = {"P-256": josepy.ES256, "P-384": josepy.ES384, "P-521": josepy.ES512}.get(kind, josepy.RS256)
    net = client.ClientNetwork(account, alg=algorithm, user_agent="signet-tests")
    acme = client.ClientV2(client.ClientV2.get_directory(want["directory"], net), net)
    eab = want.get("eab") and messages.ExternalAccountBinding.from_data(
        account.public_key(), want["eab"]["kid"], want["eab"]["hmacKey"], acme.directory)
    registration = acme.new_account(messages.NewRegistration.from_data(
        email="one@python.test", terms_of_service_agreed=True, external_account_binding=eab or None))
    if not eab:     # what the server says of a binding, the library can't write again: josepy's frozendict isn't JSON
        registration = acme.update_registration(registration.update(body=registration.body.update(
            contact=("mailto:two@python.test",))))
        assert acme.query_registration(registration).body.contact == ("mailto:two@python.test",)
    first = issue(acme, account, "first.pem")
    if want["life"]:
        issue(acme, account, "second.pem")
        acme.revoke(first, 4)
        acme.deactivate_registration(registration)
        try:
            acme.query_registration(registration)
        except (messages.Error, errors.Error) as problem:
            assert "deactivated" in str(problem)
            print("deactivated")


main()
