"""Fixtures of the integration and client tests: one DNS server, one responder and one CA for the session."""
import os
import signal
import sys

import pytest

pytest.register_assert_rewrite("harness.acme")

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from harness.acme import Client  # noqa: E402
from harness.names import Names  # noqa: E402
from harness.responder import Responder  # noqa: E402
from harness.server import PROGRAM, Server, shared_server  # noqa: E402


# A shell starts what runs in its background with SIGINT ignored, and what the tests start would inherit that.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_configure(config):
    config.addinivalue_line("markers", "alone: measures time, load or the machine's state: not beside other tests")
    config.addinivalue_line("markers", "long: mostly waits: begins before the others")


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


@pytest.fixture(scope="session", autouse=True)
def program(request):
    if request.config.getoption("directory", None):
        return None                 # tests/conformance: another server is under test
    if not os.access(PROGRAM, os.X_OK):
        pytest.exit(f"{PROGRAM} is not there: build it first, or set SIGNET_PROGRAM", 2)
    return PROGRAM


@pytest.fixture(scope="session")
def names():
    made = Names()
    yield made
    made.close()


@pytest.fixture(scope="session")
def responder():
    made = Responder()
    yield made
    made.close()


@pytest.fixture(autouse=True)
def as_before(request):
    """What a test says for a name or to a request is gone with it: which tests share a DNS server and a responder is up to
    the scheduler."""
    shared = [request.getfixturevalue(name) for name in ("names", "responder") if name in request.fixturenames]
    shared = [one for one in shared if isinstance(one, (Names, Responder))]      # a parameter may be called so, too
    kept = [one.keep() for one in shared]
    yield
    for one, what in zip(shared, kept):
        one.put_back(what)


@pytest.fixture(scope="session")
def server(names, responder):
    yield from shared_server(names, responder)


@pytest.fixture
def make_server(names, responder):
    """Servers for one test alone."""
    made = []

    def make(*args, **kw):
        made.append(Server(names, responder, *args, **kw))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture(scope="session")
def shared(server):
    """An account for tests that leave it as it is."""
    return Client(server)


@pytest.fixture
def client(server):
    """An account of one's own."""
    return Client(server)
