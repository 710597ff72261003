"""RFC 8555, 7.3.5: an account's key hands over to another. Each of the nine checks, and what survives the change."""
import os
import signal

import requests
from harness.acme import Client, check_problem
from harness.key_change import change, roll, with_jwk
from harness.keys import Key, csr

def test_rfc8555_7_3_5_bounded(client):
    """As often as proof can be carried; then it is told when."""
    order, url = client.ready(["eight.test"])
    for _ in range(8):
        roll(client)
    new = Key()
    reply = change(client, new, **with_jwk(new))
    check_problem(reply, "rateLimited", 429, "8 times")
    assert int(reply.headers["Retry-After"]) > 0
    help_url = f"{client.server.plain_url}/limits"          # 6.6
    assert f'<{help_url}>;rel="help"' in reply.headers["Link"]
    assert "Retry-After" in requests.get(help_url, timeout=10).text
    assert client.finalize(order, csr(["eight.test"], Key())).status_code == 200
    assert client.poll(url, ("valid", "invalid")).json()["status"] == "valid"


def test_rfc8555_7_3_5_long_request(client):
    new = Key()
    check_problem(change(client, new, body={"padding": "x" * 6000}, **with_jwk(new)), "malformed", 400, "octets")


def test_rfc8555_7_3_5_change_while_processing_survives_a_restart(make_server):
    """Finalized under the old key, ca stopped meanwhile, the key changed, everything restarted."""
    server = make_server()
    client = Client(server)
    order, url = client.ready(["restart.test"])
    ca = server.roles()["ca"]
    os.kill(ca, signal.SIGSTOP)
    assert client.finalize(order, csr(["restart.test"], Key())).json()["status"] == "processing"
    roll(client)
    os.kill(server.process.pid, signal.SIGKILL)
    server.process.wait()
    try:
        os.kill(ca, signal.SIGKILL)
    except ProcessLookupError:
        pass
    server.start()
    client.nonces.clear()
    assert client.poll(url, ("valid", "invalid")).json()["status"] == "valid"
