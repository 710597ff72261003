"""The surface of Pebble and pebble-challtestsrv, from outside. A test with a fixture that ends in _both runs against
ours and, where it is installed, against Debian's Pebble 2.4.0, which is then the oracle; the others are about what came
after 2.4.0, or about what we do differently: docs/pebble.md lists that."""

import warnings

import pytest
import urllib3
from harness import challtestsrv

warnings.filterwarnings("ignore", category=urllib3.exceptions.InsecureRequestWarning)

CHALLTESTSRV = ["signet"] + (["debian"] if challtestsrv.ORACLE else [])


def challtestsrv_start(kind, folder, *args, **kw):
    """kind: signet, link (ours by the other's program name), debian."""
    program = {"signet": lambda: challtestsrv.ours(), "link": lambda: challtestsrv.ours(str(folder)),
               "debian": lambda: [challtestsrv.ORACLE]}[kind]()
    server = challtestsrv.Challtestsrv(program, *args, **kw)
    server.kind = kind
    return server


@pytest.fixture(scope="module", params=CHALLTESTSRV)
def srv_both(request, tmp_path_factory):
    server = challtestsrv_start(request.param, tmp_path_factory.mktemp("bin"))
    yield server
    server.close()


@pytest.fixture(scope="module")
def srv(tmp_path_factory):
    """Ours, by the other's program name."""
    server = challtestsrv_start("link", tmp_path_factory.mktemp("bin"))
    yield server
    server.close()


@pytest.fixture(params=CHALLTESTSRV)
def start_both(request, tmp_path):
    """A function that starts one with other listeners."""
    yield from _starter(request.param, tmp_path)


@pytest.fixture
def start(tmp_path):
    yield from _starter("signet", tmp_path)


def _starter(kind, folder):
    started = []

    def go(*args, **kw):
        started.append(challtestsrv_start(kind, folder, *args, **kw))
        return started[-1]
    yield go
    for server in started:
        server.close()
