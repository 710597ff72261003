"""The README's commands, to the letter: signet on one host, certbot and Caddy on another, on the ports that the words
imply."""
import os
import re
import signal
import subprocess
import time

import pytest
from harness.names import Names
from harness.network import Network, needs_network
from harness.server import PROGRAM, ROOT, SLOW
from shell import Shell, find_program

pytestmark = needs_network

CA, NAS = "10.53.0.1", "10.53.0.2"
# What the machine has at these paths is hidden from the commands, not touched.
MOUNTS = 'mount --bind "$0/srv" /srv && mount --bind "$0/hosts" /etc/hosts && ' \
    'mount --bind "$0/resolv.conf" /etc/resolv.conf && exec "$@"'


def block(heading):
    """The first block of code below that heading."""
    with open(os.path.join(ROOT, "README.md"), encoding="utf-8") as f:
        return re.search(rf"^#+ {re.escape(heading)}\n.*?^```\n(.*?)^```$", f.read(), re.S | re.M)[1]


class Home:
    """The two hosts; each command sees /srv, /etc/hosts and /etc/resolv.conf of the test's."""

    def __init__(self, folder):
        self.folder = str(folder)
        os.mkdir(self.path("srv"))
        os.chmod(self.folder, 0o755)
        os.symlink(PROGRAM, self.path("signet"))
        self.write("hosts", f"127.0.0.1 localhost\n{CA} ca.home.arpa\n{NAS} nas.home.arpa\n")
        self.write("resolv.conf", "nameserver 127.0.0.1\n")
        self.processes = []
        self.net = Network()
        self.ca, self.nas = self.net.host("ca", f"{CA}/24"), self.net.host("nas", f"{NAS}/24")
        with self.ca:
            self.names = Names(53)
        self.names.set("nas.home.arpa", a=[NAS])

    def path(self, *parts):
        return os.path.join(self.folder, *parts)

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as f:
            f.write(text)
        return self.path(name)

    def inside(self, *command):
        return ["unshare", "--mount", "sh", "-c", MOUNTS, self.folder, *command]

    def start(self, host, log, *command, env=None):
        with open(self.path(log), "ab") as out:
            self.processes.append(host.popen(*self.inside(*command), stdout=out, stderr=out, env=env, cwd=self.folder))
        return self.processes[-1]

    def log(self, name):
        with open(self.path(name), encoding="utf-8") as f:
            return f.read()

    def close(self):
        for process in reversed(self.processes):
            process.send_signal(signal.SIGTERM)
            process.wait(20)
        self.names.close()
        self.net.close()


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    made = Home(tmp_path_factory.mktemp("readme"))
    try:
        commands = block("A CA of your own").splitlines()
        assert commands[0] == "make && sudo make install" and commands[-1] == "signet run --dir /srv/signet"
        env = dict(os.environ, PATH=f"{made.folder}:{os.environ['PATH']}")
        for command in commands[1:-1]:
            done = subprocess.run(made.inside("sh", "-c", command), capture_output=True, text=True, timeout=60, env=env,
                                  cwd=made.folder)
            assert done.returncode == 0, done.stdout + done.stderr
        made.start(made.ca, "log", "sh", "-c", "exec " + commands[-1], env=env)
        end = time.monotonic() + 20 * SLOW
        while " ready url=https://ca.home.arpa:9443/directory" not in made.log("log"):
            assert made.processes[0].poll() is None and time.monotonic() < end, made.log("log")
            time.sleep(0.05)
        yield made
    finally:
        made.close()


class Ca:
    """As much of a server as Shell asks of it."""

    def __init__(self, home):
        self.root, self.log = home.path("srv/signet/pki/root.pem"), lambda: home.log("log")


@pytest.fixture
def shell(home, tmp_path):
    return Shell(Ca(home), tmp_path)


def test_certbot(home, shell):
    folders = " ".join(f"--{what}-dir {shell.path('certbot', what)}" for what in ("config", "work", "logs"))
    script = shell.write("script", block("With certbot").rstrip() + f" -n {folders}\n")
    home.nas.run(*home.inside("sh", script))
    live = shell.path("certbot/config/live/nas.home.arpa")
    shell.verify(f"{live}/cert.pem", ["nas.home.arpa"], chain=f"{live}/chain.pem")


def test_caddy(home, shell):
    file = shell.write("Caddyfile", block("With Caddy"))
    home.start(home.nas, "caddy", "env", f"XDG_DATA_HOME={shell.path('data')}", f"XDG_CONFIG_HOME={shell.path('config')}",
               find_program("caddy"), "run", "--config", file, env=shell.env)
    end = time.monotonic() + 20
    curl = home.inside("curl", "--silent", "--cacert", shell.server.root, "https://nas.home.arpa/")
    while home.nas.popen(*curl, stdout=subprocess.DEVNULL).wait(20) != 0:
        assert time.monotonic() < end, home.log("caddy")
        time.sleep(0.05)
