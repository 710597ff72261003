"""Runs the fuzz targets, and keeps the ledger of what each has had (docs/fuzzing.md).

A run at a time of each target, those first that have had least; a run is bounded by the clock, and what counts is the
processor time that it got. A finding ends its target here, not the others, and is the exit code."""
import argparse
import concurrent.futures
import datetime
import glob
import os
import re
import subprocess
import sys
import threading

HERE = os.path.dirname(os.path.abspath(__file__))
BUILD = os.path.join(HERE, "../../build/fuzz")
BEGIN, END = "<!-- ledger: begin -->\n", "<!-- ledger: end -->\n"
COLUMNS = ("target", "processor minutes", "million inputs", "findings", "last")
TIMEOUT = 70    # libFuzzer's exit code
PIECE = 300     # seconds of one run, so that the ledger is true to within five minutes


def parse():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--seconds", type=int, default=60, help="of each target in this run")
    parser.add_argument("--until", type=int, metavar="MINUTES", help="instead: until the ledger has so many of each")
    parser.add_argument("--ledger", metavar="FILE", help="adds to the table in it")
    parser.add_argument("--jobs", type=int, default=1, help="targets beside each other")
    parser.add_argument("targets", nargs="*", metavar="TARGET", help="without fuzz_; none: all")
    options = parser.parse_args()
    if options.until is not None and not options.ledger:
        parser.error("--until needs --ledger")
    return options


def all_targets():
    return sorted(file[len("fuzz_"):-len(".c")] for file in os.listdir(HERE) if file.startswith("fuzz_"))


class Ledger:
    """The rows of the table, by target. A file of None: nothing is kept."""

    def __init__(self, file):
        self.file, self.rows, self.lock = file, {}, threading.Lock()
        for line in self.text()[1].splitlines()[2:]:
            name, minutes, inputs, findings, last = (cell.strip() for cell in line.strip("|").split("|"))
            self.rows[name] = [float(minutes), float(inputs), int(findings), last]

    def text(self):
        """What stands before, in and after the table."""
        if self.file is None:
            return "", "", ""
        with open(self.file, encoding="utf-8") as f:
            head, rest = f.read().split(BEGIN)
        table, tail = rest.split(END)
        return head, table, tail

    def minutes(self, name):
        return self.rows.get(name, [0])[0]

    def add(self, name, seconds, inputs, found):
        with self.lock:
            row = self.rows.setdefault(name, [0.0, 0.0, 0, ""])
            row[:] = row[0] + seconds / 60, row[1] + inputs / 1e6, row[2] + found, str(datetime.date.today())
            if self.file is not None:
                self.write()

    def write(self):
        head, _, tail = self.text()
        lines = ["| " + " | ".join(COLUMNS) + " |", "|---" * len(COLUMNS) + "|"]
        lines += [f"| {name} | {row[0]:.1f} | {row[1]:.2f} | {row[2]} | {row[3]} |" for name, row in sorted(self.rows.items())]
        with open(self.file + ".new", "w", encoding="utf-8") as f:
            f.write(head + BEGIN + "\n".join(lines) + "\n" + END + tail)
        os.replace(self.file + ".new", self.file)


def run(name, seconds):
    """One run: its exit code, the processor time, the inputs, and what it said."""
    corpus = os.path.join(BUILD, "corpus", name)
    os.makedirs(corpus, exist_ok=True)
    with subprocess.Popen(
            [os.path.join(BUILD, "fuzz_" + name), f"-max_total_time={seconds}", "-timeout=30", "-rss_limit_mb=1024",
             "-verbosity=0", "-print_final_stats=1", f"-dict={os.path.join(HERE, name)}.dict",
             f"-artifact_prefix={BUILD}/finding-{name}-", corpus, os.path.join(HERE, "corpus", name)],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace") as child:
        said = child.stdout.read()
        _, status, used = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    inputs = re.search(r"number_of_executed_units: (\d+)", said)
    return child.returncode, used.ru_utime + used.ru_stime, int(inputs.group(1)) if inputs else 0, said


def is_finding(name, code):
    """The time of an input is by the clock, and the machine may have stood still: one that was too slow is run again."""
    if code != TIMEOUT:
        return code != 0
    pattern = os.path.join(BUILD, f"finding-{name}-timeout-*")
    again = subprocess.run([os.path.join(BUILD, "fuzz_" + name), "-timeout=30", max(glob.glob(pattern), key=os.path.getmtime)],
                           check=False, capture_output=True)
    return again.returncode != 0


def one(name, options, ledger):
    """True: no finding."""
    left = options.seconds
    while left > 0 if options.until is None else ledger.minutes(name) < options.until:
        piece = min(left, PIECE) if options.until is None else PIECE
        left -= piece
        code, seconds, inputs, said = run(name, piece)
        found = is_finding(name, code)
        ledger.add(name, seconds, inputs, found)
        print(f"{name}: {seconds:.0f} s of processor time, {inputs} inputs", flush=True)
        if found:
            print(f"{said[-6000:]}\n{name}: a finding, kept as {BUILD}/finding-{name}-*", flush=True)
            return False
    return True


def main():
    options = parse()
    ledger = Ledger(options.ledger)
    names = sorted(options.targets or all_targets(), key=ledger.minutes)
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        fine = list(pool.map(lambda name: one(name, options, ledger), names))
    return 0 if all(fine) else 1


if __name__ == "__main__":
    sys.exit(main())
