#!/usr/bin/python3
"""The suite against Debian's Pebble. Its failures are known: docs/conformance.md lists them with their sections."""
import os
import subprocess
import sys
import types

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))

from harness.pebble import Pebble  # noqa: E402
from harness.ports import free_port  # noqa: E402


def main():
    ports = {name: free_port() for name in ("dns01", "http01", "tlsalpn01")}
    pebble = Pebble("debian", types.SimpleNamespace(server=types.SimpleNamespace(ports=ports)))
    try:
        return subprocess.run([
            sys.executable, "-B", "-m", "pytest", "-q", "-p", "no:cacheprovider", HERE,
            "--directory", pebble.directory_url, "--cacert", pebble.root, "--dns-port", str(ports["dns01"]),
            "--http-port", str(ports["http01"]), "--tls-port", str(ports["tlsalpn01"]), *sys.argv[1:]],
            check=False).returncode
    finally:
        pebble.close()


if __name__ == "__main__":
    sys.exit(main())
