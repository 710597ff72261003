#!/usr/bin/python3
"""The suite against Debian's Pebble. Its failures are known: docs/conformance.md lists them with their sections."""
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))

from harness.pebble import Pebble  # noqa: E402


def main():
    pebble = Pebble()
    try:
        return subprocess.run([
            sys.executable, "-B", "-m", "pytest", "-q", "-p", "no:cacheprovider", HERE, "--directory", pebble.directory,
            "--cacert", pebble.cacert, "--dns-port", str(pebble.dns_port), "--http-port", str(pebble.http_port),
            "--tls-port", str(pebble.tls_port), *sys.argv[1:]], check=False).returncode
    finally:
        pebble.close()


if __name__ == "__main__":
    sys.exit(main())
