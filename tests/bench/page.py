"""docs/performance.md: each measurement keeps its table between two marks of its own."""
import datetime
import os
import re


def machine():
    with open("/proc/cpuinfo", encoding="utf-8") as f:
        model = re.search(r"model name\s*: (.*)", f.read()).group(1)
    return f"{os.cpu_count()} cores ({model}), Linux {os.uname().release}, load {os.getloadavg()[0]:.1f} before"


def table(columns, rows):
    lines = ["| " + " | ".join(columns) + " |", "|---" * len(columns) + "|"]
    return lines + ["| " + " | ".join(map(str, row)) + " |" for row in rows]


def show(columns, rows):
    """The table for a terminal."""
    widths = [max(len(str(line[i])) for line in [columns, *rows]) for i in range(len(columns))]
    for line in [columns, *rows]:
        print("  ".join(str(cell).rjust(width) if i else str(cell).ljust(width)
                        for i, (cell, width) in enumerate(zip(line, widths))), flush=True)


def keep(path, mark, words, lines):
    """Puts words, after the date, and the lines between the marks of that name."""
    begin, end = f"<!-- {mark}: begin -->\n", f"<!-- {mark}: end -->\n"
    with open(path, encoding="utf-8") as f:
        head, rest = f.read().split(begin)
    tail = rest.split(end)[1]
    text = "\n".join(["", f"{datetime.date.today()}, {words}", "", *lines, "", ""])
    with open(path, "w", encoding="utf-8") as f:
        f.write(head + begin + text + end + tail)
