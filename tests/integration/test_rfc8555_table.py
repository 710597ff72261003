"""docs/rfc8555.md, rfc8739.md, conformance.md and threat-model.md name only what is there."""
import re
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[2]


TABLES = {"rfc8555.md": 52, "rfc8739.md": 17}


def rows(page):
    for line in (TOP / "docs" / page).read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("|") and cells[0].isdigit():
            yield cells


@pytest.mark.parametrize("page", TABLES)
def test_table_has_every_requirement(page):
    assert [int(row[0]) for row in rows(page)] == list(range(1, TABLES[page] + 1))


@pytest.mark.parametrize("page", TABLES)
def test_table_names_files_and_functions_that_exist(page):
    for number, _, where, _, _ in rows(page):
        for name in re.findall(r"`([^`]+)`", where):
            path, _, function = name.partition(":")
            assert (TOP / path).is_file(), f"{number}: {path}"
            text = (TOP / path).read_text(encoding="utf-8")
            assert not function or re.search(rf"^{function}\(", text, re.M), f"{number}: {name}"


def known_tests():
    text = "".join(path.read_text(encoding="utf-8") for path in sorted(TOP.glob("tests/**/test_*.[cp]*")))
    return set(re.findall(r"^(?:def )?(test_\w+)\(", text, re.M))


@pytest.mark.parametrize("page", ["conformance.md", "threat-model.md"])
def test_pages_name_tests_that_exist(page):
    text = (TOP / "docs" / page).read_text(encoding="utf-8")
    named = set(re.findall(r"`(test_\w+)`", text))
    assert named and not named - known_tests()
    for path, function in re.findall(r"`(tests/[\w/.]+):(\w+)`", text):
        assert re.search(rf"cmocka_unit_test\w*\({function}\b", (TOP / path).read_text(encoding="utf-8")), function


def test_threat_model_shows_or_says_that_it_does_not():
    """Every line of what an attacker can't do names its test."""
    tables = re.split(r"^\| it can't \|.*\n\|[-|]+\n", (TOP / "docs/threat-model.md").read_text(encoding="utf-8"), flags=re.M)
    rows = [row for table in tables[1:] for row in table.split("\n\n")[0].splitlines()]
    assert len(tables) == 6 and len(rows) > 25
    for row in rows:
        assert "test_" in row.split("|")[2] or "not shown" in row.split("|")[2], row


@pytest.mark.parametrize("page", TABLES)
def test_table_names_tests_that_exist(page):
    known = known_tests()
    for number, _, where, tests, done in rows(page):
        names = re.findall(r"`([^`]+)`", tests)
        assert not set(names) - known, f"{number}: {set(names) - known}"
        assert names and where or not done.startswith("yes"), f"{number} shows nothing"
