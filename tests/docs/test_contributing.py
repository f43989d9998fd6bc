"""CONTRIBUTING.md names files that exist."""

from __future__ import annotations

import re

from tests.support.paths import ROOT


def test_every_path_exists() -> None:
    """Each path in the tables is one in the repository or in the package."""
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    paths = re.findall(r"`((?:core|cli|reports|state|api|library|loop|tests|examples)/[\w./-]+)`", text)
    assert len(paths) > 15
    missing = [path for path in paths if not any((base / path).exists() for base in (ROOT, ROOT / "watcher"))]
    assert missing == []
