#!/usr/bin/python3
"""What an issuance costs: signet, and Debian's Pebble where it is installed, under the same load on this
machine. CPU time is the server's own accounting, user and system, all its processes."""
import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from signet import Signet, Target  # noqa: E402
from harness.ports import free_port  # noqa: E402

# Pebble 2.4 locks itself up for ever when many clients order at once; with four it lasts, mostly.
PEBBLE_CLIENTS_MAX = 4
ALLOW = {"ra": {"policy": {"allow": ["*.load.test"]}}}


class Pebble(Target):
    """Pebble without its deliberate delays and refusals."""

    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="pebble-bench-")
        certificate, key = os.path.join(self.dir, "cert.pem"), os.path.join(self.dir, "key.pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-keyout", key, "-out", certificate, "-days", "2", "-subj", "/CN=localhost", "-addext",
                        "subjectAltName=DNS:localhost,IP:127.0.0.1"], check=True, stderr=subprocess.DEVNULL)
        port, dns, http, tls = (free_port() for _ in range(4))
        config = os.path.join(self.dir, "config.json")
        with open(config, "w", encoding="utf-8") as f:
            json.dump({"pebble": {"listenAddress": f"127.0.0.1:{port}", "managementListenAddress": "",
                                  "certificate": certificate, "privateKey": key, "httpPort": http,
                                  "tlsPort": tls, "ocspResponderURL": "", "keyAlgorithm": "ecdsa"}}, f)
        environment = dict(os.environ, PEBBLE_VA_NOSLEEP="1", PEBBLE_WFE_NONCEREJECT="0", PEBBLE_AUTHZREUSE="0")
        self.process = subprocess.Popen(["pebble", "-config", config, "-dnsserver", f"127.0.0.1:{dns}"],
                                        env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                        stdin=subprocess.DEVNULL)
        super().__init__(f"https://localhost:{port}/dir", certificate, dns, http, tls, self.process.pid)
        time.sleep(2)

    def close(self):
        self.process.kill()
        self.process.wait()
        shutil.rmtree(self.dir, ignore_errors=True)


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--issuances", type=int, default=2000)
    parser.add_argument("--clients", type=int, action="append", help="repeat for more lines (1, 4, 50)")
    parser.add_argument("--limit", type=float, default=2.5, help="ms of CPU per issuance that signet may cost")
    parser.add_argument("--signet-only", action="store_true")
    parser.add_argument("--json", action="store_true", help="the whole summaries instead of the table")
    return parser.parse_args()


def measure(make, clients, issuances):
    target = make()
    try:
        target.run("--clients", clients, "--issuances", max(50, clients * 2), "--timeout", 20)  # warm
        return target.run("--clients", clients, "--issuances", issuances, "--timeout", 20)
    finally:
        target.close()


def row(name, clients, code, summary):
    steps = summary.get("steps_ms", {}).get("issuance", {})
    server = summary.get("server", {})
    print(f"{name:8} {clients:7} {summary.get('issued', 0):7} {summary.get('per_second', 0):9.1f} "
          f"{server.get('cpu_ms', 0):10.3f} {summary.get('client_cpu_ms', 0):10.3f} {steps.get('p50', 0):8.1f} "
          f"{steps.get('p99', 0):8.1f} {server.get('resident_kib', 0) / 1024:8.1f}"
          f"{'' if code == 0 else '  FAILED'}", flush=True)
    for process in server.get("processes", []) if name == "signet" else []:
        print(f"  {process['name']:39} {process['cpu_ms']:7.3f} = user {process['user_ms']:.3f} + system "
              f"{process['system_ms']:.3f}, {process['resident_kib'] / 1024:.1f} MiB", flush=True)
    for failure in summary.get("failures", []):
        print(f"  {failure['count']} times {failure['kind']}: {failure['first']}", flush=True)


def main():
    options, summaries, bad, cost = parse(), [], False, 0
    servers = [("signet", lambda: Signet(ALLOW), 10000)]
    if shutil.which("pebble") and not options.signet_only:
        servers.append(("pebble", Pebble, PEBBLE_CLIENTS_MAX))
    if not options.json:
        print(f"{'server':8} {'clients':>7} {'issued':>7} {'a second':>9} {'CPU ms':>10} {'client ms':>10} "
              f"{'p50 ms':>8} {'p99 ms':>8} {'MiB':>8}")
    for clients in options.clients or [1, 4, 50]:
        for name, make, most in servers:
            if clients > most:
                continue
            # One client alone waits most of the time; it needs fewer to show what it costs.
            code, summary = measure(make, clients, options.issuances if clients > 1 else options.issuances // 4)
            summaries.append({"name": name, **summary})
            if not options.json:
                row(name, clients, code, summary)
            bad = bad or name == "signet" and code != 0
            if name == "signet":
                cost = summary.get("server", {}).get("cpu_ms", 0)
    if options.json:
        json.dump(summaries, sys.stdout, indent=2)
        print()
    # The limit is for the busiest load, the last; the others are there to be compared.
    if cost > options.limit:
        print(f"signet costs {cost:.3f} ms per issuance, more than {options.limit} ms", file=sys.stderr)
    return 1 if bad or cost > options.limit else 0


if __name__ == "__main__":
    sys.exit(main())
