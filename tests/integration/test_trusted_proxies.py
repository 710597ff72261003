"""wfe.trusted_proxies: whom a request comes from, behind a reverse proxy; limits per address count that one."""

import pytest
import requests
from harness.acme import Client, check_problem
from requests.adapters import HTTPAdapter

LIMITS = {"ra": {"limits": {"accounts_per_address": "1/1h"}}}


class From(HTTPAdapter):
    """Connects from that address of the loopback network."""
    def __init__(self, address):
        self.address = address
        super().__init__()

    def init_poolmanager(self, *args, **kwargs):
        super().init_poolmanager(*args, source_address=(self.address, 0), **kwargs)


def register(server, headers, source="127.0.0.1"):
    client = Client(server, register=False)
    client.http.mount("https://", From(source))
    client.http.headers.update(headers)
    return client.register()


@pytest.fixture(scope="module")
def proxied(names, responder):
    from harness.server import Server
    server = Server(names, responder, config={**LIMITS, "wfe": {"trusted_proxies": ["127.0.0.1/32", "127.0.9.0/24"]}})
    yield server
    server.close()


def refused(reply):
    return check_problem(reply, "rateLimited", 429)["detail"]


def test_each_client_behind_the_proxy_has_its_own(proxied):
    assert register(proxied, {"X-Forwarded-For": "192.0.2.1"}).status_code == 201
    assert register(proxied, {"X-Forwarded-For": "192.0.2.2"}).status_code == 201
    assert "too many new accounts from address 192.0.2.1 " in refused(register(proxied, {"X-Forwarded-For": "192.0.2.1"}))
    proxied.wait_log(r"request .*remote=192\.0\.2\.1 method=POST .*status=429")
    # the proxy itself, and what it says nothing of
    assert register(proxied, {}).status_code == 201
    assert "from address 127.0.0.1 " in refused(register(proxied, {"X-Forwarded-For": "192.0.2.3, unknown"}))


def test_what_a_client_writes_in_front_counts_for_nothing(proxied):
    """A proxy adds what it saw behind what it got, in the line or as a line of its own."""
    assert register(proxied, {"X-Forwarded-For": "198.51.100.9, 192.0.2.20"}).status_code == 201
    assert "192.0.2.20" in refused(register(proxied, {"X-Forwarded-For": "198.51.100.10,192.0.2.20,127.0.9.3"}))
    assert "192.0.2.20" in refused(register(proxied, {"X-Forwarded-For": "127.0.9.9, 192.0.2.20"}))
    # the other header is the client's to write, as these proxies don't
    assert "192.0.2.20" in refused(register(proxied, {"X-Forwarded-For": "192.0.2.20", "Forwarded": "for=198.51.100.11"}))


def test_lines_of_the_header_count_in_their_order(proxied):
    """As HAProxy adds a line of its own."""
    import http.client
    import json
    import ssl
    from urllib.parse import urlsplit
    client = Client(proxied, register=False)
    url = client.directory["newAccount"]
    where = urlsplit(url)

    def post():
        connection = http.client.HTTPSConnection("127.0.0.1", where.port, context=ssl._create_unverified_context())
        body = client.jws(url, {"termsOfServiceAgreed": True}, use_jwk=True)
        body = body if isinstance(body, (str, bytes)) else json.dumps(body)
        connection.putrequest("POST", where.path)
        for name, value in (("Content-Type", "application/jose+json"), ("Content-Length", str(len(body))),
                            ("X-Forwarded-For", "198.51.100.30"), ("User-Agent", "test"), ("X-Forwarded-For", "192.0.2.30")):
            connection.putheader(name, value)
        connection.endheaders(body.encode() if isinstance(body, str) else body)
        return connection.getresponse().status

    assert post() == 201
    assert "192.0.2.30" in refused(register(proxied, {"X-Forwarded-For": "192.0.2.30"}))


def test_who_is_no_trusted_proxy_is_not_believed(proxied):
    assert register(proxied, {"X-Forwarded-For": "192.0.2.40"}, source="127.0.0.40").status_code == 201
    assert "from address 127.0.0.40 " in refused(register(proxied, {"X-Forwarded-For": "192.0.2.41"}, source="127.0.0.40"))
    assert register(proxied, {"X-Forwarded-For": "192.0.2.41"}).status_code == 201


def test_without_the_option_a_proxy_is_one_client(make_server):
    server = make_server(LIMITS)
    assert register(server, {"X-Forwarded-For": "192.0.2.1", "Forwarded": "for=192.0.2.1"}).status_code == 201
    assert "127.0.0.1" in refused(register(server, {"X-Forwarded-For": "192.0.2.2", "Forwarded": "for=192.0.2.2"}))


def test_rfc7239_forwarded(make_server):
    server = make_server({**LIMITS, "wfe": {"trusted_proxies": ["127.0.0.0/8"], "proxy_header": "forwarded"}})
    assert register(server, {"Forwarded": 'for="[2001:db8:1::7]:4711";proto=https'}).status_code == 201
    assert register(server, {"Forwarded": "for=203.0.113.5, for=192.0.2.1;by=127.0.0.1"}).status_code == 201
    assert "2001:db8:1::7" in refused(register(server, {"Forwarded": 'for=192.0.2.9, For="[2001:db8:1::7]"'}))
    assert "192.0.2.1" in refused(register(server, {"Forwarded": "for=192.0.2.1", "X-Forwarded-For": "192.0.2.50"}))


@pytest.mark.parametrize("value, words", [
    ("0.0.0.0/0", "no network of proxies"), ("::/0", "no network of proxies"), ("10.0.0.7", "no prefix length"),
    ("proxy.lan", "no network of proxies"), ("private", "no network of proxies")])
def test_wrong_options(make_server, value, words):
    server = make_server({"wfe": {"trusted_proxies": [value]}}, start=False)
    done = server.run("check", "--dir", server.home, check=False)
    assert done.returncode == 1 and words in done.stdout + done.stderr, done
