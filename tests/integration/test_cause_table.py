"""Every cause of a failed validation, made for real: what the client reads in the challenge's error, what the operator reads
in `signet authz show` and what stands in the log are the same sentence, to the letter: who was asked, what the answer was,
which address and port were tried, how it ended there, what differed (without the body), and what to do."""
import re
import socket
import struct

import pytest
from harness.acme import Client
from harness.responder import PREFIX
from harness.server import Server

# id, challenge, what makes it (called with the environment and the name), problem, sentence
CASES = []


def case(ident, kind, problem, sentence):
    def add(make):
        CASES.append((ident, kind, make, problem, sentence))
        return make
    return add


def prepare_server(names, responder):
    return Server(names, responder, config={
        "va": {"timeout": "2s", "caa": "enforce", "targets": {"allow": ["loopback"]}},
        "ra": {"caa_identities": ["ca.test"]}, "log": {"format": "text"}})


class Env:
    def __init__(self, server, name):
        self.server, self.name, self.kept = server, name, []
        self.names, self.responder = server.names, server.responder
        self.port, self.tls = server.responder.port, server.responder.tls.port

    def dns(self, **answer):
        self.names.set(self.name, **answer)

    def http(self, **what):
        self.responder.by_host[self.name] = what

    def listen(self, host, port):
        """Accepts nothing by itself."""
        self.dns(a=[host])
        made = socket.socket()
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((host, port))
        made.listen(0)
        self.kept.append(made)
        return made

    def stuffed(self, host, port):
        """Nor does the kernel for it: SYNs are dropped."""
        self.listen(host, port)
        for _ in range(4):
            one = socket.socket()
            one.setblocking(False)
            one.connect_ex((host, port))
            self.kept.append(one)


@pytest.fixture(scope="module")
def account(names, responder):
    server = prepare_server(names, responder)
    yield Client(server)
    server.close()


def unquoted(line, field):
    """Of a log line in text."""
    found = re.search(rf' {field}=("(?:[^"\\]|\\.)*"|[^ ]*)', line).group(1)
    return re.sub(r"\\(.)", r"\1", found[1:-1]) if found.startswith('"') else found


def run_case(server, client, case):
    """(problem, sentence) as the client reads them, (...) as authz show has them, (...) as the log has them; and what the
    sentence may name."""
    ident, kind, make, _, _ = case
    env = Env(server, f"{ident}.cause.test")
    url = client.order([env.name]).json()["authorizations"][0]
    found = next(c for c in client.get(url).json()["challenges"] if c["type"] == kind)
    env.token = found["token"]
    env.authorization = f"{env.token}.{client.key.thumbprint}"
    make(env)
    client.post(found["url"], {})
    done = client.poll(url, ("valid", "invalid"), timeout=30).json()
    for one in env.kept:
        one.close()
    assert done["status"] == "invalid"
    error = done["challenges"][0]["error"]
    shown = server.run("authz", "show", url.rsplit("/", 1)[1], "--dir", server.home).stdout
    line = server.wait_log(rf".* validated perspective=primary identifier={re.escape(env.name)} .*").group(0)
    seen = re.search("^seen by the CA itself:\n((?:  .*\n)+)", shown, re.M).group(1)
    assert re.sub("http://[^ ,]*" if kind == "http-01" else "$^", env.name, seen.splitlines()[0].strip(), count=1) == \
        unquoted(line, "seen").split("; ")[0]
    values = {"name": env.name, "port": env.port, "tls": env.tls, "token": env.token, "resolver": server.names.address,
              "digest": client.digest(env.authorization), "url": f"http://{env.name}:{env.port}{PREFIX}{env.token}"}
    return ((error["type"].rsplit(":", 1)[1], error["detail"]),
            tuple(re.search("^error: (.*?): (.*)$", shown, re.M).groups()),
            (unquoted(line, "problem"), unquoted(line, "detail")), values)


# --- the name's addresses ------------------------------------------------------------------------------

@case("nxdomain", "http-01", "dns",
      "no A or AAAA record found for {name}: resolver {resolver} answered NXDOMAIN: the name does not "
      "exist: add the record, or wait until it is visible there")
def _(env):
    env.dns(rcode="NXDOMAIN")


@case("servfail", "http-01", "dns",
      "no A or AAAA record found for {name}: resolver {resolver} answered SERVFAIL: the resolver could not "
      "get an answer: check the zone's name servers and its DNSSEC signatures")
def _(env):
    env.dns(rcode="SERVFAIL")


@case("refused-dns", "http-01", "dns",
      "no A or AAAA record found for {name}: resolver {resolver} answered REFUSED: the resolver does not "
      "serve the CA for this name: check its access list, or set va.zones")
def _(env):
    env.dns(rcode="REFUSED")


@case("ede", "http-01", "dns",
      "no A or AAAA record found for {name}: resolver {resolver} answered SERVFAIL, because DNSSEC "
      "validation failed (DNSSEC Bogus, extended error 6: no signature): the zone's signatures don't "
      "verify, or somebody changed the answer: check its DS, DNSKEY and RRSIG records")
def _(env):
    env.dns(rcode="SERVFAIL", ede=(6, "no signature"))


@case("no-records", "http-01", "dns",
      "no A or AAAA record found for {name}: resolver {resolver} answered that the name exists without an "
      "address: add an A or AAAA record to it")
def _(env):
    env.dns(a=[])


@case("resolver-silent", "http-01", "dns",
      "resolver {resolver} has not answered for {name}, and the 2 s for one validation are over: check "
      "va.resolvers, and that the resolver is reachable from the CA")
def _(env):
    env.dns(silent=True)


@case("metadata", "http-01", "connection",
      "{name} has the address 169.254.169.254 (link-local), which is not an allowed target: the CA never "
      "connects there; give the name another address, or let the administrator add 169.254.169.254 to "
      "va.targets.allow")
def _(env):
    env.dns(a=["169.254.169.254"])


@case("reserved", "http-01", "connection",
      "{name} has the address 240.0.0.1 (reserved), which is not an allowed target: the CA never connects "
      "there; give the name another address, or let the administrator add 240.0.0.1 to va.targets.allow")
def _(env):
    env.dns(a=["240.0.0.1"])


# --- http-01 ---------------------------------------------------------------------------------------------

@case("refused", "http-01", "connection",
      "127.0.6.1 port {port} ({name}) refused the connection: is the client's http-01 responder running, "
      "and reachable from the CA on that port?")
def _(env):
    env.dns(a=["127.0.6.1"])


@case("dropped", "http-01", "connection",
      "127.0.6.2 port {port} ({name}) did not accept a connection, and the 2 s for one validation are over:"
      " is there a firewall that drops, or a server that is too slow?")
def _(env):
    env.stuffed("127.0.6.2", env.port)


@case("mute", "http-01", "connection",
      "127.0.6.3 port {port} ({name}) accepted the connection and did not finish its answer, and the 2 s "
      "for one validation are over: is there a firewall that drops, or a server that is too slow?")
def _(env):
    env.listen("127.0.6.3", env.port)


@case("closes", "http-01", "connection",
      "127.0.0.1 port {port} ({name}) closed the connection without an answer: is it an HTTP server that "
      "answers there?")
def _(env):
    env.http(raw=b"")


@case("ssh", "http-01", "connection",
      "127.0.0.1 port {port} ({name}) did not answer in HTTP/1.1: is it an HTTP server that answers there?")
def _(env):
    env.http(raw=b"SSH-2.0-OpenSSH_9.2\r\n")


@case("cut-short", "http-01", "connection",
      "127.0.0.1 port {port} ({name}) broke the connection off before its answer was complete: is it an "
      "HTTP server that answers there?")
def _(env):
    env.http(raw=b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nsecret")


@case("status-404", "http-01", "unauthorized",
      "{url} from 127.0.0.1 answered status 404: the file isn't there: does the client write into the "
      "folder that this server serves?")
def _(env):
    env.http(status=404, body="secret")


@case("status-503", "http-01", "unauthorized",
      "{url} from 127.0.0.1 answered status 503; it must be 200, with the key authorization as its body")
def _(env):
    env.http(status=503, body="secret")


@case("wrong-body", "http-01", "incorrectResponse",
      "{url} from 127.0.0.1 did not answer with the key authorization: the body is 6 bytes of something "
      "else: is it the client's responder that answers there?")
def _(env):
    env.http(body="secret")


@case("other-account", "http-01", "incorrectResponse",
      "{url} from 127.0.0.1 did not answer with the key authorization: the body is the right token with "
      "another account's thumbprint: the responder answers for a different account key than the one that "
      "ordered")
def _(env):
    env.http(body=env.token + ".LPJNul-wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ")


@case("token-alone", "http-01", "incorrectResponse",
      "{url} from 127.0.0.1 did not answer with the key authorization: the body is the token alone: the dot"
      " and the account key's thumbprint are missing")
def _(env):
    env.http(body=env.token)


@case("empty-body", "http-01", "incorrectResponse",
      "{url} from 127.0.0.1 did not answer with the key authorization: the body is empty")
def _(env):
    env.http(body="")


@case("long-body", "http-01", "incorrectResponse",
      "{url} from 127.0.0.1 did not answer with the key authorization: the body is longer than 1024 bytes; "
      "a key authorization has 87: some other page is served there")
def _(env):
    env.http(body="x" * 5000)


@case("html-body", "http-01", "incorrectResponse",
      "{url} from 127.0.0.1 did not answer with the key authorization: the body is an HTML page of 19 "
      "bytes: a web server answers there and not the client's responder")
def _(env):
    env.http(body="<html>secret</html>", headers={"Content-Type": "text/html"})


def redirect(env, to, status=302):
    env.http(status=status, headers={"Location": to})


@case("loop", "http-01", "connection",
      "127.0.0.1 port {port} ({name}) redirected in a loop, back to {url}; see to that server's redirects, "
      "or answer the challenge without one")
def _(env):
    redirect(env, f"http://{env.name}:{env.port}{PREFIX}{env.token}")


@case("many-redirects", "http-01", "connection",
      "127.0.0.1 port {port} ({name}) redirected once more after 10 redirects; only 10 are followed; see to"
      " that server's redirects, or answer the challenge without one (a redirect of {name} led there)")
def _(env):
    def next_one(handler):
        n = int(handler.path.rsplit("=", 1)[1]) if "=" in handler.path else 0
        return {"status": 302, "headers": {"Location": f"http://{env.name}:{env.port}/?n={n + 1}"}}
    env.responder.by_host[env.name] = next_one


@case("redirect-port", "http-01", "connection",
      "127.0.0.1 port {port} ({name}) redirected to port 9999 by http; only port 80 or {port} by http and "
      "port 443 or {tls} by https are followed; see to that server's redirects, or answer the challenge "
      "without one")
def _(env):
    redirect(env, f"http://{env.name}:9999/")


@case("redirect-scheme", "http-01", "connection",
      "127.0.0.1 port {port} ({name}) redirected to a URL that is neither http nor https; see to that "
      "server's redirects, or answer the challenge without one")
def _(env):
    redirect(env, "ftp://other.test/")


@case("redirect-address", "http-01", "connection",
      "127.0.0.1 port {port} ({name}) redirected to the bare address 10.0.0.1; a redirect must name a host,"
      " unless va.targets.allow lists the address")
def _(env):
    redirect(env, f"http://10.0.0.1:{env.port}/")


@case("redirect-metadata", "http-01", "connection",
      "evil.cause.test has the address 169.254.169.254 (link-local), which is not an allowed target: the CA"
      " never connects there; give the name another address, or let the administrator add 169.254.169.254 "
      "to va.targets.allow (a redirect of {name} led there)")
def _(env):
    env.names.set("evil.cause.test", a=["169.254.169.254"])
    redirect(env, f"http://evil.cause.test:{env.port}/")


@case("redirect-nowhere", "http-01", "dns",
      "no A or AAAA record found for nowhere.invalid: resolver {resolver} answered NXDOMAIN: the name does "
      "not exist: add the record, or wait until it is visible there (a redirect of {name} led there)")
def _(env):
    redirect(env, f"http://nowhere.invalid:{env.port}/")


@case("redirect-none", "http-01", "connection",
      "127.0.0.1 port {port} ({name}) redirected, but the Location header is missing, too long, or not a "
      "URL; see to that server's redirects, or answer the challenge without one")
def _(env):
    env.http(status=302)


# --- tls-alpn-01 ------------------------------------------------------------------------------------------

@case("tls-refused", "tls-alpn-01", "connection",
      "127.0.6.4 port {tls} ({name}) refused the connection: is the client's tls-alpn-01 responder running,"
      " and reachable from the CA on that port?")
def _(env):
    env.dns(a=["127.0.6.4"])


@case("tls-dropped", "tls-alpn-01", "connection",
      "127.0.6.5 port {tls} ({name}) did not accept a connection, and the 2 s for one validation are over: "
      "is there a firewall that drops, or a server that is too slow?")
def _(env):
    env.stuffed("127.0.6.5", env.tls)


@case("tls-mute", "tls-alpn-01", "connection",
      "127.0.6.6 port {tls} ({name}) did not finish the TLS handshake, and the 2 s for one validation are "
      "over: is there a firewall that drops, or a server that is too slow?")
def _(env):
    env.listen("127.0.6.6", env.tls)


@case("tls-closes", "tls-alpn-01", "connection",
      "127.0.6.7 port {tls} ({name}) closed the connection in the TLS handshake: is it the client's "
      "tls-alpn-01 responder that answers there?")
def _(env):
    env.responder.tls.listen("127.0.6.7", raw=lambda sock: (sock.recv(4096), sock.close()))
    env.dns(a=["127.0.6.7"])


@case("tls-resets", "tls-alpn-01", "connection",
      "127.0.6.8 port {tls} ({name}) broke the connection off in the TLS handshake: is it the client's "
      "tls-alpn-01 responder that answers there?")
def _(env):
    def reset(sock):
        sock.recv(4096)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        sock.close()
    env.responder.tls.listen("127.0.6.8", raw=reset)
    env.dns(a=["127.0.6.8"])


@case("tls-plain-http", "tls-alpn-01", "tls",
      "127.0.6.9 port {tls} ({name}) failed the TLS handshake (wrong version number): is it a TLS server "
      "that answers there?")
def _(env):
    env.responder.tls.listen("127.0.6.9", raw=lambda sock: (sock.recv(4096), sock.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")))
    env.dns(a=["127.0.6.9"])


@case("alert-no-alpn", "tls-alpn-01", "tls",
      '127.0.0.1 port {tls} ({name}) answered with the TLS alert "no application protocol" (120): is it the'
      " client's tls-alpn-01 responder that answers there, and is it ready for this name?")
def _(env):
    env.responder.tls.put(env.name, env.authorization, alert=120)


@case("alert-name", "tls-alpn-01", "tls",
      '127.0.0.1 port {tls} ({name}) answered with the TLS alert "unrecognized name" (112): is it the '
      "client's tls-alpn-01 responder that answers there, and is it ready for this name?")
def _(env):
    env.responder.tls.put(env.name, env.authorization, alert=112)


@case("no-alpn", "tls-alpn-01", "incorrectResponse",
      "127.0.0.1 port {tls} ({name}): the server chose no ALPN protocol: it must answer acme-tls/1; is it "
      "the client's tls-alpn-01 responder that answers there? (RFC 8737, 3)")
def _(env):
    env.responder.tls.put(env.name, env.authorization, alpn=None)


@case("no-extension", "tls-alpn-01", "incorrectResponse",
      "127.0.0.1 port {tls} ({name}): the certificate has no acmeIdentifier (1.3.6.1.5.5.7.1.31) extension "
      "(RFC 8737, 3); is it the client's tls-alpn-01 responder that answers there?")
def _(env):
    env.responder.tls.put(env.name, env.authorization, identifier=False)


@case("other-digest", "tls-alpn-01", "incorrectResponse",
      "127.0.0.1 port {tls} ({name}): the certificate has an acmeIdentifier extension with another digest: "
      "it must be the SHA-256 of this challenge's token, a dot, and the thumbprint of this account's key; "
      "is it the client's tls-alpn-01 responder that answers there?")
def _(env):
    env.responder.tls.put(env.name, "another")


@case("not-critical", "tls-alpn-01", "incorrectResponse",
      "127.0.0.1 port {tls} ({name}): the certificate has an acmeIdentifier extension that is not critical "
      "(RFC 8737, 3); is it the client's tls-alpn-01 responder that answers there?")
def _(env):
    env.responder.tls.put(env.name, env.authorization, critical=False)


@case("other-san", "tls-alpn-01", "incorrectResponse",
      "127.0.0.1 port {tls} ({name}): the certificate's SAN is not {name}; is it the client's tls-alpn-01 "
      "responder that answers there?")
def _(env):
    from cryptography import x509
    env.responder.tls.put(env.name, env.authorization, sans=[x509.DNSName("other.test")])


@case("two-sans", "tls-alpn-01", "incorrectResponse",
      "127.0.0.1 port {tls} ({name}): the certificate has 2 SANs; it must have one, {name} (RFC 8737, 3); "
      "is it the client's tls-alpn-01 responder that answers there?")
def _(env):
    from cryptography import x509
    env.responder.tls.put(env.name, env.authorization, sans=[x509.DNSName(env.name), x509.DNSName("other.test")])


@case("default-certificate", "tls-alpn-01", "incorrectResponse",
      "127.0.0.1 port {tls} ({name}): the certificate's SAN is not {name}; is it the client's tls-alpn-01 "
      "responder that answers there?")
def _(env):
    pass


# --- dns-01 -------------------------------------------------------------------------------------------------

def txt(env, **answer):
    env.names.set(f"_acme-challenge.{env.name}", **answer)


@case("txt-nxdomain", "dns-01", "dns",
      "no TXT record found at _acme-challenge.{name}: resolver {resolver} answered NXDOMAIN: the name does "
      "not exist; publish one with the value {digest} there, and wait until it is visible before you answer"
      " the challenge (RFC 8555, 8.4)")
def _(env):
    txt(env, rcode="NXDOMAIN")


@case("txt-none", "dns-01", "unauthorized",
      "no TXT record found at _acme-challenge.{name}: resolver {resolver} answered that the name exists "
      "without any; publish one with the value {digest} there, and wait until it is visible before you "
      "answer the challenge (RFC 8555, 8.4)")
def _(env):
    txt(env, a=["127.0.0.1"])


@case("txt-differs", "dns-01", "incorrectResponse",
      "resolver {resolver} has at _acme-challenge.{name} 1 TXT record, and it is not the digest; the digest"
      " for this challenge and account is {digest} (RFC 8555, 8.4)")
def _(env):
    txt(env, txt=["secret"])


@case("txt-two-differ", "dns-01", "incorrectResponse",
      "resolver {resolver} has at _acme-challenge.{name} 2 TXT records, and none is the digest; the digest "
      "for this challenge and account is {digest} (RFC 8555, 8.4)")
def _(env):
    txt(env, txt=["secret", "more"])


@case("txt-key-authorization", "dns-01", "incorrectResponse",
      "resolver {resolver} has at _acme-challenge.{name} 1 TXT record, and it is not the digest: it is the "
      "token or the key authorization itself: publish the base64url of its SHA-256; the digest for this "
      "challenge and account is {digest} (RFC 8555, 8.4)")
def _(env):
    txt(env, txt=[env.authorization])


@case("txt-servfail", "dns-01", "dns",
      "the TXT records at _acme-challenge.{name} could not be looked up: resolver {resolver} answered "
      "SERVFAIL: the resolver could not get an answer: check the zone's name servers and its DNSSEC "
      "signatures")
def _(env):
    txt(env, rcode="SERVFAIL")


@case("txt-silent", "dns-01", "dns",
      "resolver {resolver} has not answered for the TXT records at _acme-challenge.{name}, and the 2 s for "
      "one validation are over: check va.resolvers, and that the resolver is reachable from the CA")
def _(env):
    txt(env, silent=True)


# --- CAA -----------------------------------------------------------------------------------------------------

def ready(env):
    env.responder.put(env.token, env.authorization)


@case("caa-other", "http-01", "caa",
      "the CAA records at {name}, as resolver {resolver} has them, don't let this CA issue for {name}: 0 "
      'issue "other.test" names another CA; a record that lets this CA issue: 0 issue "ca.test"')
def _(env):
    ready(env)
    env.dns(a=["127.0.0.1"], caa=[(0, "issue", "other.test")])


@case("caa-nobody", "http-01", "caa",
      "the CAA records at {name}, as resolver {resolver} has them, don't let this CA issue for {name}: 0 "
      'issue ";" lets nobody issue; a record that lets this CA issue: 0 issue "ca.test"')
def _(env):
    ready(env)
    env.dns(a=["127.0.0.1"], caa=[(0, "issue", ";")])


@case("caa-critical", "http-01", "caa",
      "the CAA records at {name}, as resolver {resolver} has them, don't let this CA issue for {name}: 128 "
      'tbs "Unknown" is critical, and unknown to this CA (RFC 8659, 4.1); a record that lets this CA issue:'
      ' 0 issue "ca.test"')
def _(env):
    ready(env)
    env.dns(a=["127.0.0.1"], caa=[(128, "tbs", "Unknown")])


@case("caa-method", "http-01", "caa",
      "the CAA records at {name}, as resolver {resolver} has them, don't let this CA issue for {name}: 0 "
      'issue "ca.test; validationmethods=dns-01" does not allow the challenge type that was used '
      '(validationmethods; RFC 8657, 4); a record that lets this CA issue: 0 issue "ca.test"')
def _(env):
    ready(env)
    env.dns(a=["127.0.0.1"], caa=[(0, "issue", "ca.test; validationmethods=dns-01")])


@case("caa-account", "http-01", "caa",
      "the CAA records at {name}, as resolver {resolver} has them, don't let this CA issue for {name}: 0 "
      'issue "ca.test; accounturi=https://other.test/acct/1" names another account (accounturi; RFC 8657, '
      '3); a record that lets this CA issue: 0 issue "ca.test"')
def _(env):
    ready(env)
    env.dns(a=["127.0.0.1"], caa=[(0, "issue", "ca.test; accounturi=https://other.test/acct/1")])


@case("caa-servfail", "http-01", "dns",
      "the CAA records at {name}, which decide whether this CA may issue for {name}, could not be looked "
      "up: resolver {resolver} answered SERVFAIL: the resolver could not get an answer: check the zone's "
      "name servers and its DNSSEC signatures")
def _(env):
    ready(env)
    env.dns(a=["127.0.0.1"], rcode="SERVFAIL", only="CAA")


@pytest.mark.parametrize("case", CASES, ids=[case[0] for case in CASES])
def test_cause(account, case):
    client, operator, log, values = run_case(account.server, account, case)
    assert client == (case[3], case[4].format(**values))
    assert client == operator == log
    assert "secret" not in client[1]        # nothing of a body, or of a record's text


def test_resolver_is_dead(make_server):
    """Nobody listens at the resolver's port."""
    server = make_server({"va": {"resolvers": ["127.0.6.99:53"], "timeout": "2s"}})
    client = Client(server)
    url = client.order(["dead.cause.test"]).json()["authorizations"][0]
    client.post(client.get(url).json()["challenges"][0]["url"], {})
    error = client.poll(url, ("valid", "invalid"), timeout=30).json()["challenges"][0]["error"]
    assert error["type"].endswith(":dns") and "127.0.6.99:53" in error["detail"] and "va.resolvers" in error["detail"], error
