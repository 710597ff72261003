#!/usr/bin/python3
"""What an issuance costs: signet, and Debian's Pebble where it is installed, under the same load on this machine, in
turn. CPU time is the server's own accounting, user and system, all its processes. Beside it stands what the
cryptography alone must cost that the server can't do without, measured by `openssl speed` before and after each line:
a machine that others share is not as fast at the end of a run as at its beginning."""
import argparse
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import page  # noqa: E402
from signet import Signet, Target  # noqa: E402
from harness.ports import free_port  # noqa: E402

# Pebble 2.4 locks itself up for ever when many clients order at once; with eight it lasts, mostly.
PEBBLE_CLIENTS_MAX = 8
CLIENTS = (1, 4, 8, 16, 64, 256, 1000)
START_MAX = 30          # s
HALF_CLIENTS = 64       # enough that one is free when an issuance is due
# va.timeout as it is by default: among a thousand clients the responder's turn comes late.
CONFIG = {"ra": {"policy": {"allow": ["*.load.test"]}}, "va": {"timeout": "20s"}}
# Beyond the signature of each request: ca verifies the finalize request again, and the CSR's own signature; it signs
# once with a throw-away key for the lints, and once for real.
VERIFICATIONS_MORE, SIGNATURES = 2, 2
OF_PEBBLE_MAX, OF_BARE_MAX, RATE_MIN, P99_MAX = 0.25, 2.5, 3, 150
COLUMNS = ("server", "clients", "issued", "failed", "a second", "requests", "CPU ms", "of bare crypto", "client ms",
           "p50 ms", "p99 ms", "at most ms", "RSS MiB", "PSS MiB")


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
        self._wait(port)

    def _wait(self, port):
        until = time.monotonic() + START_MAX
        while time.monotonic() < until and self.process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                return
            except OSError:
                time.sleep(0.05)
        sys.exit("pebble does not start")

    def close(self):
        self.process.kill()
        self.process.wait()
        shutil.rmtree(self.dir, ignore_errors=True)


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--issuances", type=int, default=2000)
    parser.add_argument("--clients", type=int, action="append", help="repeat for more lines (1, 4, 8, 16, 64, 256 and 1000)")
    parser.add_argument("--challenge", default="http-01")
    parser.add_argument("--limit", type=float, default=2.5, help="ms of CPU per issuance that signet may cost at best")
    parser.add_argument("--signet-only", action="store_true")
    parser.add_argument("--json", metavar="FILE", help="put the whole summaries there")
    parser.add_argument("--keep", metavar="FILE", help="put the table between the marks in this page")
    return parser.parse_args()


def bare_cryptography():
    """(ms for a P-256 verification, for a signature) of CPU time with nothing around it."""
    output = subprocess.run(["openssl", "speed", "-seconds", "1", "ecdsap256"], capture_output=True, text=True,
                            check=True).stdout
    signs, verifies = map(float, re.search(r"nistp256\)\s+\S+\s+\S+\s+(\S+)\s+(\S+)", output).groups())
    return 1000 / verifies, 1000 / signs


class Run:
    """What the load said of one server under so many clients."""

    def __init__(self, name, clients, code, summary, bare):
        self.name, self.clients, self.good, self.summary = name, clients, code == 0, summary
        server, self.issuance = summary.get("server", {}), summary.get("steps_ms", {}).get("issuance", {})
        self.cpu, self.rate = server.get("cpu_ms", 0), summary.get("per_second", 0)
        self.p99, self.server = self.issuance.get("p99", 0), server
        must = ((summary.get("requests_per_issuance", 0) + VERIFICATIONS_MORE) * bare[0] + SIGNATURES * bare[1])
        self.bare, self.of_bare = bare, self.cpu / must if name.startswith("signet") else None

    def row(self):
        s = self.summary
        return [self.name, self.clients, s.get("issued", 0), s.get("failed", 0), f"{self.rate:.0f}",
                f"{s.get('requests_per_issuance', 0):.2f}", f"{self.cpu:.2f}",
                "" if self.of_bare is None else f"{self.of_bare:.2f}", f"{s.get('client_cpu_ms', 0):.2f}",
                *(f"{self.issuance.get(key, 0):.0f}" for key in ("p50", "p99", "max")),
                *(f"{self.server.get(key, 0) / 1024:.0f}" for key in ("resident_kib", "pss_kib"))]

    def show(self):
        print("".join(f"{text:>{max(len(title), 7) + 2}}" for text, title in zip(self.row(), COLUMNS))
              + ("" if self.good else "  FAILED"), flush=True)
        for process in self.server.get("processes", []) if self.of_bare is not None else []:
            print(f"  {process['name']:32} {process['cpu_ms']:7.3f} = user {process['user_ms']:.3f} + system "
                  f"{process['system_ms']:.3f}, RSS {process['resident_kib'] / 1024:.1f} MiB, PSS "
                  f"{process['pss_kib'] / 1024:.1f} MiB", flush=True)
        for failure in self.summary.get("failures", []):
            print(f"  {failure['count']} times {failure['kind']}: {failure['first']}", flush=True)


def measure(name, make, clients, options, rate=None):
    # One client alone waits most of the time; it needs fewer to show what it costs.
    issuances = options.issuances if clients > 1 else options.issuances // 4
    target = make()
    load = ("--clients", clients, "--timeout", 60, "--challenge", options.challenge)
    try:
        target.run(*load, "--issuances", max(50, clients * 2))  # warm
        before = bare_cryptography()
        said = target.run(*load, "--issuances", max(issuances, clients * 4), *(("--rate", rate) if rate else ()))
        return Run(name, clients, *said, [sum(two) / 2 for two in zip(before, bare_cryptography())])
    finally:
        target.close()


def run_all(servers, options):
    """Every server under every number of clients, in turn, and signet once more at half of its best rate."""
    runs = []
    for clients in options.clients or CLIENTS:
        for name, make, most in servers:
            if clients <= most:
                runs.append(measure(name, make, clients, options))
                runs[-1].show()
    half = int(max(run.rate for run in runs if run.name == "signet") / 2)
    runs.append(measure("signet, half its best rate", servers[0][1], HALF_CLIENTS, options, max(1, half)))
    runs[-1].show()
    return runs


def microseconds(runs, which):
    """Of all runs, the least and the most: "85 to 97 µs"."""
    times = sorted(run.bare[which] * 1000 for run in runs)
    return f"{times[0]:.0f} to {times[-1]:.0f} µs"


def judge(runs):
    """The targets: [(what, seen, wanted, whether it holds), ...]."""
    ours = [run for run in runs if run.name == "signet"]
    theirs = {run.clients: run for run in runs if run.name == "pebble" and run.cpu > 0}
    best = max(run.rate for run in ours)
    said = [("no failure", sum(not run.good for run in runs if run.name != "pebble"), "0",
             all(run.good for run in runs if run.name != "pebble")),
            ("p99 at half the best rate, ms", f"{runs[-1].p99:.0f}", f"under {P99_MAX}", runs[-1].p99 < P99_MAX)]
    least = min(run.of_bare for run in ours)
    said.append(("CPU of the bare cryptography's, at best", f"{least:.2f}", f"at most {OF_BARE_MAX}", least <= OF_BARE_MAX))
    for run in ours:
        if run.clients in theirs:
            part = run.cpu / theirs[run.clients].cpu
            said.append((f"CPU of Pebble's at {run.clients} clients", f"{part:.2f}", f"at most {OF_PEBBLE_MAX}",
                         part <= OF_PEBBLE_MAX))
    if theirs:
        part = best / max(run.rate for run in theirs.values())
        said.append(("best rate of Pebble's best", f"{part:.1f}", f"at least {RATE_MIN}", part >= RATE_MIN))
    return said


def main():
    options = parse()
    before = page.machine()
    servers = [("signet", lambda: Signet(CONFIG), 10000)]
    if shutil.which("pebble") and not options.signet_only:
        servers.append(("pebble", Pebble, PEBBLE_CLIENTS_MAX))
    print(before)
    print("".join(f"{title:>{max(len(title), 7) + 2}}" for title in COLUMNS))
    runs = run_all(servers, options)
    said = judge(runs)
    for what, seen, wanted, holds in said:
        print(f"{'holds' if holds else 'MISSED'}: {what}: {seen}, wanted {wanted}")
    if options.json:
        with open(options.json, "w", encoding="utf-8") as f:
            json.dump([{"name": run.name, **run.summary} for run in runs], f, indent=2)
    if options.keep:
        targets = page.table(("target", "seen", "wanted", ""),
                             [(*line[:3], "holds" if line[3] else "missed") for line in said])
        page.keep(options.keep, "table", f"{before}; `openssl speed` beside each line: a P-256 verification {microseconds(runs, 0)}, "
                  f"a signature {microseconds(runs, 1)}.", [*page.table(COLUMNS, [run.row() for run in runs]), "", *targets])
    ours = [run for run in runs if run.of_bare is not None]
    if min(run.cpu for run in ours) > options.limit:
        print(f"signet costs more than {options.limit} ms per issuance", file=sys.stderr)
        return 1
    return 0 if all(run.good for run in ours) else 1


if __name__ == "__main__":
    sys.exit(main())
