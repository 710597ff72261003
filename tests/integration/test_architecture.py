"""The dependency rule of docs/architecture.md, read from the includes themselves."""

import re
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]

# Folder: what its files may include besides their own folder.
MAY = {
    "lib": set(),
    "jose": {"lib"},
    "acme": {"lib", "jose", "ipc"},
    "x509": {"lib", "jose", "acme"},
    "ipc": {"lib", "jose", "acme"},
    "config": {"lib", "ipc", "acme", "x509"},
    "storage": {"lib", "acme"},
    "proc": {"lib", "ipc", "config"},
    "wfe": {"lib", "jose", "acme", "x509", "ipc", "config", "proc"},
    "ra": {"lib", "jose", "acme", "x509", "ipc", "config", "proc", "storage"},
    "va": {"lib", "jose", "acme", "x509", "ipc", "config", "proc"},
    "ca": {"lib", "jose", "acme", "x509", "ipc", "config", "proc"},
    "pebble-compat": {"lib", "acme", "x509", "ipc", "config", "proc"},
    "cmd": {"lib", "jose", "acme", "x509", "ipc", "config", "proc", "storage", "ca", "pebble-compat"},
}

# "acme jose x509 are pure: no I/O, no clock, no globals."
PURE = {"acme", "jose", "x509"}
IMPURE_HEADERS = {"unistd.h", "fcntl.h", "sys/socket.h", "lib/file.h", "lib/log.h", "lib/clock.h"}
IMPURE_CALLS = re.compile(r"(?<![\w.>])(time|clock_gettime|gettimeofday|clock_now|fopen|open|fprintf|printf|getenv)\(")

INCLUDE = re.compile(r'^\s*#\s*include\s+["<]([^">]+)[">]', re.M)


def sources(folder):
    return sorted(p for p in (TOP / folder).rglob("*") if p.suffix in (".c", ".h"))


def test_every_folder_of_sources_is_in_the_rule():
    found = {p.parent.name for p in TOP.glob("*/sources.mk")}
    assert found == set(MAY)


def test_folders_include_only_what_they_may():
    wrong = []
    for folder, allowed in MAY.items():
        files = sources(folder)
        assert files, f"{folder}/ has no sources"
        for path in files:
            for included in INCLUDE.findall(path.read_text()):
                top = included.split("/")[0]
                if top in MAY and top != folder and top not in allowed:
                    wrong.append(f"{path.relative_to(TOP)} includes {included}")
    assert not wrong, "\n".join(wrong)


def test_pure_folders_do_no_io_and_ask_no_clock():
    wrong = []
    for folder in PURE:
        for path in sources(folder):
            text = path.read_text()
            wrong += [f"{path.relative_to(TOP)} includes {h}" for h in INCLUDE.findall(text) if h in IMPURE_HEADERS]
            if path.suffix == ".c":
                wrong += [f"{path.relative_to(TOP)} calls {m}()" for m in IMPURE_CALLS.findall(text)]
    assert not wrong, "\n".join(wrong)


def test_sql_stands_only_in_storage():
    wrong = []
    statement = re.compile(r'"\s*(SELECT|INSERT INTO|UPDATE|DELETE FROM)\s', re.I)
    for folder in set(MAY) - {"storage"}:
        for path in sources(folder):
            if statement.search(path.read_text()):
                wrong.append(str(path.relative_to(TOP)))
    assert not wrong, wrong


def test_only_ca_and_va_read_secret_keys():
    """The evidence key's path is read by the two roles that hold it, made by init, and looked at by check."""
    wrong = []
    for folder in ("wfe", "ra", "storage", "acme", "jose", "x509", "ipc"):
        for path in sources(folder):
            text = path.read_text()
            if "->evidence_key" in text or re.search(r"issuers\[\w+\]\.key|issuer->key\b", text):
                wrong.append(str(path.relative_to(TOP)))
    assert not wrong, wrong


DICTIONARY_LINE = re.compile(r'"([^"\\]|\\["\\]|\\x[0-9a-f]{2})+"')


def test_every_fuzz_target_has_seeds_and_a_dictionary():
    targets = sorted((TOP / "tests/fuzz").glob("fuzz_*.c"))
    assert len(targets) > 20
    for target in targets:
        name = target.stem.removeprefix("fuzz_")
        assert any((target.parent / "corpus" / name).iterdir()), name
        dictionary = target.parent / f"{name}.dict"
        assert dictionary.exists(), f"{dictionary}: write down the words of its format, as its neighbours do"
        lines = [line for line in dictionary.read_text().splitlines() if not line.startswith("#")]
        assert len(lines) >= 5 and [line for line in lines if not DICTIONARY_LINE.fullmatch(line)] == [], name


def test_the_list_of_parsers_is_of_this_tree():
    listed = re.search(r"^PARSERS = ((?:.*\\\n)*.*)$", (TOP / "Makefile").read_text(), re.M).group(1)
    parsers = listed.replace("\\\n", " ").split()
    assert len(parsers) > 40 and [one for one in parsers if not (TOP / one).is_file()] == []
