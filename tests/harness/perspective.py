"""A perspective on "another machine": signet va with the file that signet perspective create makes."""
import os
import signal
import subprocess

import yaml

from .ports import free_port
from .server import merge, Server


class Perspective:
    """config: what differs in its file. Not started: start(). where: a prefix of its command, such as ip netns exec."""

    wait_log = Server.wait_log
    log = Server.log

    def __init__(self, server, name, config=None, address=None, region="", where=()):
        self.server, self.name, self.where = server, name, list(where)
        self.address = address or f"127.0.0.1:{free_port()}"
        self.file = os.path.join(server.dir, name + ".yaml")
        self.log_file = os.path.join(server.dir, name + ".log")
        self.process = None
        args = ["--region", region] if region else []
        self.output = server.run("perspective", "create", name, "--dir", server.home, "--address", self.address,
                                 "--output", self.file, *args).stdout
        text = self.output[self.output.index("  perspectives:"):self.output.index("On its machine")]
        self.entry = yaml.safe_load(text)["perspectives"][0]
        with open(self.file, encoding="utf-8") as f:
            own = yaml.safe_load(f)
        merge(own, config or {})
        with open(self.file, "w", encoding="utf-8") as f:
            yaml.safe_dump(own, f)

    def start(self):
        before = len(self.log())
        with open(self.log_file, "ab") as log:
            self.process = subprocess.Popen([*self.where, *self.server.command("va", "--config", self.file)],
                                            stderr=log, stdout=log, stdin=subprocess.DEVNULL, env=self.server.env,
                                            start_new_session=True)
        self.wait_log(r" ready perspective=", since=before)
        return self

    def stop(self):
        """SIGTERM; the exit code."""
        if self.process is None:
            return None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(20)
        self.process = None
        return code


def join(server, *perspectives, **more):
    """Tells a server that isn't started of its perspectives."""
    server.configure({"va": dict(more, perspectives=[one.entry for one in perspectives])})
