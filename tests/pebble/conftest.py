"""The surface of Pebble and pebble-challtestsrv, from outside. A test with a fixture that ends in _both runs against
ours and, where it is installed, against Debian's Pebble 2.4.0, which is then the oracle; the others are about what came
after 2.4.0, or about what we do differently: docs/pebble.md lists that. PEBBLE_NEWEST=folder, with a pebble and a
pebble-challtestsrv of the newest version in it, runs all of them against that as well; what then fails should be in
docs/pebble.md."""

import os
import warnings

import pytest
import urllib3
from harness import challtestsrv, pebble

warnings.filterwarnings("ignore", category=urllib3.exceptions.InsecureRequestWarning)

NEWEST = ["newest"] if os.environ.get("PEBBLE_NEWEST") else []
CHALLTESTSRV = ["signet"] + (["debian"] if challtestsrv.ORACLE else []) + NEWEST


# Before main has the command its tests run against the oracle alone; afterwards nothing skips them.
OURS = (["signet"] if pebble.is_there() else []) + NEWEST
PEBBLE = OURS + (["debian"] if pebble.ORACLE else [])


def challtestsrv_start(kind, folder, *args, **kw):
    """kind: signet, link (ours by the other's program name), debian."""
    program = {"signet": lambda: challtestsrv.ours(), "link": lambda: challtestsrv.ours(str(folder)),
               "debian": lambda: [challtestsrv.ORACLE],
               "newest": lambda: [os.path.join(os.environ["PEBBLE_NEWEST"], "pebble-challtestsrv")]}[kind]()
    if kind == "newest":
        kw = {"names": {"dns01": "dnsserver"}, **kw}
    server = challtestsrv.Challtestsrv(program, *args, **kw)
    server.kind = kind
    return server


@pytest.fixture(scope="module", params=CHALLTESTSRV)
def srv_both(request, tmp_path_factory):
    server = challtestsrv_start(request.param, tmp_path_factory.mktemp("bin"))
    yield server
    server.close()


@pytest.fixture(scope="module", params=["link"] + NEWEST)
def srv(request, tmp_path_factory):
    """Ours, by the other's program name."""
    server = challtestsrv_start(request.param, tmp_path_factory.mktemp("bin"))
    yield server
    server.close()


@pytest.fixture(params=CHALLTESTSRV)
def start_both(request, tmp_path):
    """A function that starts one with other listeners."""
    yield from _starter(request.param, tmp_path)


@pytest.fixture(params=["signet"] + NEWEST)
def start(request, tmp_path):
    yield from _starter(request.param, tmp_path)


def _starter(kind, folder):
    started = []

    def go(*args, **kw):
        started.append(challtestsrv_start(kind, folder, *args, **kw))
        return started[-1]
    yield go
    for server in started:
        server.close()


@pytest.fixture(scope="session")
def challenges():
    made = pebble.Challenges()
    yield made
    made.close()


def _pebble(kind, challenges, *args, **kw):
    return pebble.Pebble(kind, challenges, *args, **kw)


@pytest.fixture(scope="session", params=PEBBLE)
def peb_both(request, challenges):
    """For tests that leave it as it is."""
    made = _pebble(request.param, challenges)
    yield made
    made.close()


@pytest.fixture(scope="session", params=OURS)
def peb(request, challenges):
    made = _pebble(request.param, challenges)
    yield made
    made.close()


@pytest.fixture(params=PEBBLE)
def make_pebble_both(request, challenges):
    """A function that starts one with another configuration."""
    yield from _maker(request.param, challenges)


@pytest.fixture(params=OURS)
def make_pebble(request, challenges):
    yield from _maker(request.param, challenges)


def _maker(kind, challenges):
    made = []

    def go(*args, **kw):
        made.append(_pebble(kind, challenges, *args, **kw))
        return made[-1]
    yield go
    for one in made:
        one.close()


@pytest.fixture(scope="module")
def client_both(peb_both):
    """An account for tests that leave it as it is."""
    return peb_both.client()


@pytest.fixture(scope="module")
def client(peb):
    return peb.client()
