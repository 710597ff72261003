#!/usr/bin/python3
"""What many idle TLS connections cost: the same load without and with them, in turn, on one server."""
import argparse
import os
import statistics
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import page  # noqa: E402
from signet import Signet  # noqa: E402

RESIDENT_MAX = 400      # MiB, all roles
WORSE_MAX = 1.15        # the busy ones' median time; runs of the same load differ as much
COLUMNS = ("idle connections", "open at the end", "a second", "CPU ms", "p50 ms", "p99 ms", "RSS MiB", "PSS MiB")


def parse():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--idle", type=int, default=10000)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--issuances", type=int, default=800, help="of each round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--keep", metavar="FILE", help="put the table between the marks in this page")
    return parser.parse_args()


def row(idle, summaries):
    """Medians of the rounds; of memory the most."""
    def middle(get):
        return statistics.median(get(summary) for summary in summaries)
    server = [summary["server"] for summary in summaries]
    return [idle, min(summary["idle_open"] for summary in summaries), f"{middle(lambda s: s['per_second']):.0f}",
            f"{middle(lambda s: s['server']['cpu_ms']):.2f}", f"{middle(lambda s: s['steps_ms']['issuance']['p50']):.1f}",
            f"{middle(lambda s: s['steps_ms']['issuance']['p99']):.1f}",
            f"{max(s['resident_kib'] for s in server) / 1024:.0f}", f"{max(s['pss_kib'] for s in server) / 1024:.0f}"]


def main():
    options, before = parse(), page.machine()
    target = Signet({"ra": {"policy": {"allow": ["*.load.test"]}},
                     "wfe": {"connections": max(4096, 2 * options.idle), "idle_time": "600s"}})
    load = ("--clients", options.clients, "--timeout", 60)
    runs = {0: [], options.idle: []}
    try:
        target.run(*load, "--issuances", options.clients * 4)   # warm
        for _ in range(options.rounds):
            for idle in runs:
                code, summary = target.run(*load, "--issuances", options.issuances, *(("--idle", idle) if idle else ()))
                if code != 0:
                    sys.exit(f"the load failed: {summary.get('failures')}")
                runs[idle].append(summary)
    finally:
        target.close()
    rows = [row(idle, summaries) for idle, summaries in runs.items()]
    page.show(COLUMNS, rows)
    if options.keep:
        page.keep(options.keep, "idle", f"{before}; {options.clients} clients at work, medians of {options.rounds} rounds.",
                  page.table(COLUMNS, rows))
    quiet, crowded = rows
    good = (crowded[1] == options.idle and float(crowded[4]) <= float(quiet[4]) * WORSE_MAX
            and float(crowded[6]) < RESIDENT_MAX)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
