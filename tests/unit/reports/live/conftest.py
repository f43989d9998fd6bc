"""A window for the tests of the live view."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.terminal import Window

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def window(monkeypatch: pytest.MonkeyPatch) -> Iterator[Window]:
    """Return a pseudo-terminal of 256 colours."""
    monkeypatch.setenv("TERM", "xterm-256color")
    for name in ("NO_COLOR", "FORCE_COLOR", "COLORTERM", "COLUMNS", "LINES"):
        monkeypatch.delenv(name, raising=False)
    window = Window()
    yield window
    window.close()
