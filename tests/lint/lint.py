#!/usr/bin/python3
"""cppcheck, clang-tidy and gcc -fanalyzer over the given files. What they find has to stand in exceptions.txt with its
reason; anything else is an error, and so is an exception that no longer occurs."""
import argparse
import collections
import concurrent.futures
import os
import re
import shlex
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
EXCEPTIONS = os.path.join(HERE, "exceptions.txt")
FINDING = re.compile(r"^(?P<file>[^\s:]+):\d+:\d+: (?:warning|error|performance|portability|style): .*"
                     r"\[(?:-W)?(?P<check>[\w.-]+)[^\]]*\]$")
VERSION = "-DSIGNET_VERSION=\"\""


def parse():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cflags", default="", help="what the compiler is told besides")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("files", nargs="+")
    return parser.parse_args()


def cppcheck(options, files):
    return ["cppcheck", "--quiet", f"-j{options.jobs}", "--enable=warning,performance,portability", "--inline-suppr",
            "--suppress=missingIncludeSystem", "--library=posix", "--library=gnu",
            "--library=" + os.path.join(HERE, "cppcheck.cfg"), "-I.", "-D_GNU_SOURCE", VERSION, *files]


def clang_tidy(_options, files):
    return ["clang-tidy", "--quiet", *files, "--", "-std=gnu11", "-I.", "-D_GNU_SOURCE", VERSION]


def analyzer(options, files):
    return ["gcc", "-std=gnu11", "-I.", "-D_GNU_SOURCE", VERSION, *shlex.split(options.cflags), "-O1", "-fanalyzer",
            "-fdiagnostics-color=never", "-c", "-o", "/dev/null", *files]


# tool -> (its command for some files, whether it takes all files at once)
TOOLS = {"cppcheck": (cppcheck, True), "clang-tidy": (clang_tidy, False), "gcc": (analyzer, False)}


def findings(output):
    """[(file, check)]"""
    found = []
    for line in output.splitlines():
        match = FINDING.match(line.strip())
        if match:
            found.append((os.path.relpath(match["file"]), match["check"]))
    return found


def run(options, tool, files):
    """(tool, files, [(file, check)], what it said); a tool that fails and says nothing we know is no clean run."""
    done = subprocess.run(TOOLS[tool][0](options, files), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          errors="replace", check=False)
    found = findings(done.stdout)
    if done.returncode != 0 and not found:
        found.append((files[0], "the-tool-failed"))
    return tool, found, done.stdout


def read_exceptions():
    """{(tool, file, check): so many are known}. A reason is the comment before its lines."""
    known, reason = {}, False
    with open(EXCEPTIONS, encoding="utf-8") as f:
        for number, line in enumerate(f, 1):
            words = line.split()
            if not words or words[0] == "#":
                reason = bool(words)
                continue
            if len(words) != 4 or words[0] not in TOOLS or not reason:
                sys.exit(f"{EXCEPTIONS}:{number}: not \"tool file check count\" below its reason")
            known[tuple(words[:3])] = int(words[3])
    return known


def main():
    options = parse()
    known = read_exceptions()
    tasks = [(tool, list(files)) for tool, (_, whole) in TOOLS.items()
             for files in ([options.files] if whole else [[one] for one in options.files])]
    seen, said = collections.Counter(), collections.defaultdict(list)
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        for tool, found, output in pool.map(lambda task: run(options, *task), tasks):
            for file, check in found:
                seen[tool, file, check] += 1
                if output not in said[tool, file, check]:
                    said[tool, file, check].append(output)
    wrong = [key for key in sorted(seen) if seen[key] > known.get(key, 0)]
    for output in dict.fromkeys(one for key in wrong for one in said[key]):
        print(output)
    for key in wrong:
        print(f"FOUND: {' '.join(key)} {seen[key]}{f' (known: {known[key]})' if key in known else ''}")
    gone = [key for key in known if key[1] in options.files and seen[key] < known[key]]
    for key in gone:
        print(f"GONE: {' '.join(key)} {known[key]}: {seen[key]} now; mend exceptions.txt")
    print(f"{len(options.files)} files, {sum(seen.values())} findings, {len(wrong)} of them not explained")
    return 1 if wrong or gone else 0


if __name__ == "__main__":
    sys.exit(main())
