#!/usr/bin/python3
"""What signet holds in memory after many issuances, and after as many more."""
import argparse
import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import memory  # noqa: E402
import page  # noqa: E402
from signet import Signet  # noqa: E402

# MiB: all roles together after the first round, and what the second may add.
RESIDENT_MAX, GROWTH_MAX = 60, 10
SETTLE = 3      # s for what is under way to end


def parse():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--issuances", type=int, default=100000, help="of each of the two rounds")
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--keep", metavar="FILE", help="put the table between the marks in this page")
    return parser.parse_args()


def measure(options):
    """Memory at start and after each round, and what the rounds said."""
    target = Signet({"ra": {"policy": {"allow": ["*.load.test"]}}})
    seen, summaries = [memory.of_tree(target.pid)], []
    try:
        for _ in range(2):
            code, summary = target.run("--clients", options.clients, "--issuances", options.issuances, "--timeout", 120)
            if code != 0:
                sys.exit(f"the load failed: {summary.get('failures')}")
            summaries.append(summary)
            time.sleep(SETTLE)
            seen.append(memory.of_tree(target.pid))
    finally:
        target.close()
    return seen, summaries


def main():
    options, before = parse(), page.machine()
    seen, summaries = measure(options)
    columns = ["MiB", *(f"{field} {when}" for when in ("at start", f"after {options.issuances}",
                                                      f"after {2 * options.issuances}") for field in ("RSS", "PSS"))]
    rows = [[role, *(f"{at[role][field]:.1f}" for at in seen for field in ("Rss", "Pss"))] for role in seen[0]]
    page.show(columns, rows)
    rates = ", ".join(f"{summary['per_second']:.0f}" for summary in summaries)
    if options.keep:
        page.keep(options.keep, "memory", f"{before}; {options.clients} clients, {rates} issuances a second.",
                  page.table(columns, rows))
    bad = False
    for field in ("Rss", "Pss"):
        resident, growth = seen[1]["all"][field], seen[2]["all"][field] - seen[1]["all"][field]
        print(f"{field}: {resident:.1f} MiB after {options.issuances}, {growth:+.1f} over as many more; "
              f"{rates} issuances a second")
        bad = bad or resident >= RESIDENT_MAX or growth >= GROWTH_MAX
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
