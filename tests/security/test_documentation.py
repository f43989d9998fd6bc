"""SECURITY.md names a test for each guarantee."""

from __future__ import annotations

import re

from tests.support.paths import ROOT

SECURITY = (ROOT / "SECURITY.md").read_text("utf-8")


def test_every_guarantee_has_a_test() -> None:
    """Each row of a table of guarantees names tests that exist, and every test of an attack is named."""
    tables = SECURITY.partition("## Guarantees")[2].partition("## What is sent")[0]
    rows = [line for line in tables.splitlines() if line.startswith("| ")]
    guarantees = [row for row in rows if not row.startswith(("| guarantee |", "| --- |"))]
    assert len(guarantees) >= 15
    named = set()
    for row in guarantees:
        paths = re.findall(r"`(tests/[\w/.]+)`", row.split("|")[-2])
        assert paths, row
        assert all((ROOT / path).exists() for path in paths), row
        named |= set(paths)
    attacks = {f"tests/security/{path.name}" for path in (ROOT / "tests" / "security").glob("test_*.py")}
    assert attacks - named == {"tests/security/test_documentation.py"}
