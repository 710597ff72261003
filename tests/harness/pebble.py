"""Debian's Pebble, without its deliberate delays and refusals."""
import json
import os
import shutil
import ssl
import subprocess
import tempfile
import time
import urllib.request

from .ports import free_port


class Pebble:
    """A process of its own; directory, cacert and the ports where it looks for challenges' answers."""

    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="pebble-")
        self.cacert, key = os.path.join(self.dir, "cert.pem"), os.path.join(self.dir, "key.pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-keyout", key, "-out", self.cacert, "-days", "2", "-subj", "/CN=localhost", "-addext",
                        "subjectAltName=DNS:localhost,IP:127.0.0.1"], check=True, stderr=subprocess.DEVNULL)
        port, self.dns_port, self.http_port, self.tls_port = (free_port() for _ in range(4))
        config = os.path.join(self.dir, "config.json")
        with open(config, "w", encoding="utf-8") as f:
            json.dump({"pebble": {"listenAddress": f"127.0.0.1:{port}", "managementListenAddress": "",
                                  "certificate": self.cacert, "privateKey": key, "httpPort": self.http_port,
                                  "tlsPort": self.tls_port, "ocspResponderURL": "", "keyAlgorithm": "ecdsa"}}, f)
        environment = dict(os.environ, PEBBLE_VA_NOSLEEP="1", PEBBLE_WFE_NONCEREJECT="0", PEBBLE_AUTHZREUSE="0")
        self.process = subprocess.Popen(["pebble", "-config", config, "-dnsserver", f"127.0.0.1:{self.dns_port}"],
                                        env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                        stdin=subprocess.DEVNULL)
        self.directory = f"https://localhost:{port}/dir"
        self._wait()

    def _wait(self):
        context, end = ssl.create_default_context(cafile=self.cacert), time.monotonic() + 20
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context))
        while True:
            try:
                with opener.open(self.directory, timeout=5):
                    return
            except OSError:
                assert self.process.poll() is None and time.monotonic() < end, "Pebble does not start"
                time.sleep(0.05)

    def close(self):
        self.process.kill()
        self.process.wait()
        shutil.rmtree(self.dir, ignore_errors=True)
