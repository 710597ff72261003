#!/usr/bin/python3
"""What an issuance costs: signet, and Debian's Pebble where it is installed, under the same load on this machine, in
turn. CPU time is the server's own accounting, user and system, all its processes. Beside it stands what the
cryptography alone must cost that the server can't do without, measured by `openssl speed` in the same run."""
import argparse
import datetime
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from signet import Signet, Target  # noqa: E402
from harness.ports import free_port  # noqa: E402

# Pebble 2.4 locks itself up for ever when many clients order at once; with eight it lasts, mostly.
PEBBLE_CLIENTS_MAX = 8
ALLOW = {"ra": {"policy": {"allow": ["*.load.test"]}}}
# Beyond the signature of each request: ca verifies the finalize request again, and the CSR's own signature; it signs
# once with a throw-away key for the lints, and once for real.
VERIFICATIONS_MORE, SIGNATURES = 2, 2
BEGIN, END = "<!-- table: begin -->\n", "<!-- table: end -->\n"
COLUMNS = ("server", "clients", "issued", "a second", "CPU ms", "of bare crypto", "client ms", "p50 ms", "p99 ms", "MiB")


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
    parser.add_argument("--clients", type=int, action="append", help="repeat for more lines (1 4 8 16 64 256 1000)")
    parser.add_argument("--challenge", default="http-01")
    parser.add_argument("--limit", type=float, default=2.5, help="ms of CPU per issuance that signet may cost at best")
    parser.add_argument("--signet-only", action="store_true")
    parser.add_argument("--json", action="store_true", help="the whole summaries instead of the table")
    parser.add_argument("--keep", metavar="FILE", help="put the table between the marks in this page")
    return parser.parse_args()


def bare_cryptography():
    """(ms for a P-256 verification, for a signature) on one core with nothing around it."""
    output = subprocess.run(["openssl", "speed", "-seconds", "2", "ecdsap256"], capture_output=True, text=True,
                            check=True).stdout
    signs, verifies = map(float, re.search(r"nistp256\)\s+\S+\s+\S+\s+(\S+)\s+(\S+)", output).groups())
    return 1000 / verifies, 1000 / signs


def must_cost(summary, bare):
    verify, sign = bare
    return (summary["requests_per_issuance"] + VERIFICATIONS_MORE) * verify + SIGNATURES * sign


def measure(make, clients, options):
    # One client alone waits most of the time; it needs fewer to show what it costs.
    issuances = options.issuances if clients > 1 else options.issuances // 4
    target = make()
    load = ("--clients", clients, "--timeout", 60, "--challenge", options.challenge)
    try:
        target.run(*load, "--issuances", max(50, clients * 2))  # warm
        return target.run(*load, "--issuances", max(issuances, clients * 4))
    finally:
        target.close()


def row(name, clients, summary, bare):
    steps = summary.get("steps_ms", {}).get("issuance", {})
    server = summary.get("server", {})
    ratio = f"{server.get('cpu_ms', 0) / must_cost(summary, bare):.2f}" if name == "signet" else ""
    return (name, str(clients), str(summary.get("issued", 0)), f"{summary.get('per_second', 0):.0f}",
            f"{server.get('cpu_ms', 0):.2f}", ratio, f"{summary.get('client_cpu_ms', 0):.2f}",
            f"{steps.get('p50', 0):.0f}", f"{steps.get('p99', 0):.0f}", f"{server.get('resident_kib', 0) / 1024:.0f}")


def show(name, code, line, summary):
    print("".join(f"{text:>{max(len(title), 7) + 2}}" for text, title in zip(line, COLUMNS))
          + ("" if code == 0 else "  FAILED"), flush=True)
    for process in summary.get("server", {}).get("processes", []) if name == "signet" else []:
        print(f"  {process['name']:32} {process['cpu_ms']:7.3f} = user {process['user_ms']:.3f} + system "
              f"{process['system_ms']:.3f}, {process['resident_kib'] / 1024:.1f} MiB", flush=True)
    for failure in summary.get("failures", []):
        print(f"  {failure['count']} times {failure['kind']}: {failure['first']}", flush=True)


def machine():
    with open("/proc/cpuinfo", encoding="utf-8") as f:
        model = re.search(r"model name\s*: (.*)", f.read()).group(1)
    return f"{os.cpu_count()} cores ({model}), Linux {os.uname().release}, load {os.getloadavg()[0]:.1f} before"


def keep(path, lines, bare, before):
    table = ["", f"{datetime.date.today()}, {before}; `openssl speed`: P-256 verification {bare[0] * 1000:.0f} µs, "
             f"signature {bare[1] * 1000:.0f} µs.", "", "| " + " | ".join(COLUMNS) + " |", "|---" * len(COLUMNS) + "|"]
    table += ["| " + " | ".join(line) + " |" for line in lines]
    with open(path, encoding="utf-8") as f:
        head, rest = f.read().split(BEGIN)
    tail = rest.split(END)[1]
    with open(path, "w", encoding="utf-8") as f:
        f.write(head + BEGIN + "\n".join(table) + "\n\n" + END + tail)


def main():
    options, summaries, lines, bad, costs = parse(), [], [], False, []
    before, bare = machine(), bare_cryptography()
    servers = [("signet", lambda: Signet(ALLOW), 10000)]
    if shutil.which("pebble") and not options.signet_only:
        servers.append(("pebble", Pebble, PEBBLE_CLIENTS_MAX))
    if not options.json:
        print(f"{before}; openssl speed: verification {bare[0]:.3f} ms, signature {bare[1]:.3f} ms")
        print("".join(f"{title:>{max(len(title), 7) + 2}}" for title in COLUMNS))
    for clients in options.clients or [1, 4, 8, 16, 64, 256, 1000]:
        for name, make, most in servers:
            if clients > most:
                continue
            code, summary = measure(make, clients, options)
            summaries.append({"name": name, **summary})
            lines.append(row(name, clients, summary, bare))
            if not options.json:
                show(name, code, lines[-1], summary)
            bad = bad or name == "signet" and code != 0
            if name == "signet":
                costs.append(summary.get("server", {}).get("cpu_ms", 0))
    if options.json:
        json.dump(summaries, sys.stdout, indent=2)
        print()
    if options.keep:
        keep(options.keep, lines, bare, before)
    if min(costs) > options.limit:
        print(f"signet costs {min(costs):.3f} ms per issuance, more than {options.limit} ms", file=sys.stderr)
    return 1 if bad or min(costs) > options.limit else 0


if __name__ == "__main__":
    sys.exit(main())
