"""Good clients beside hostile ones: tests/chaos/hostile.py for a second of each kind. No good client fails, the roles'
memory stays bounded, and the hostile ones are told what they are told always. How long the good ones take is for `make
hostile`: a second says little of a p99. Single hostile requests are in test_hostile_http.py."""
import pytest
from chaos.hostile import KINDS, Hostile
from harness.network import needs_network
from harness.server import SLOW

pytestmark = [pytest.mark.alone, pytest.mark.skipif(SLOW > 1, reason="a sanitizer build measures itself")]


@pytest.fixture(scope="module")
def hostile():
    made = Hostile(seconds=1, turns=1, ratio_max=None)
    yield made
    made.close()


@pytest.mark.parametrize("kind", [pytest.param(kind, marks=needs_network if kind == "half-open" else ()) for kind in KINDS])
def test_hostile_clients(hostile, kind):
    hostile.wrong.clear()
    hostile.measure(kind)
    assert hostile.wrong == [], hostile.server.log()[-3000:]


@needs_network
def test_100000_half_open_connections_arrive(hostile):
    """They are more than the kernel keeps: it answers with cookies, and the program never hears of them."""
    def cookies():
        names, values = [line.split()[1:] for line in hostile.ca.run("cat", "/proc/net/netstat").splitlines()
                         if line.startswith("TcpExt:")]
        return int(dict(zip(names, values))["SyncookiesSent"])

    before, seen = cookies(), {}
    with hostile.attack("half-open", seen):
        pass
    assert seen["SYN"] >= 100000 and set(seen) == {"SYN"}
    assert cookies() - before > 50000
