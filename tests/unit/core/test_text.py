"""Tests of durations in words and of printable text."""

from __future__ import annotations

import math
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watcher.cli.values import parse_duration
from watcher.core.text import duration, printable, redact


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0ms"),
        (0.34, "340ms"),
        (1, "1s"),
        (9.37, "9.3s"),
        (10, "10s"),
        (59.99, "59s"),
        (60, "1m"),
        (93.2, "1m33s"),
        (3600, "1h"),
        (3720, "1h02m"),
        (86400 * 3 + 4 * 3600, "3d04h"),
        (math.inf, "no limit"),
    ],
)
def test_durations_in_words(seconds: float, words: str) -> None:
    """The precision of a duration fits its length."""
    assert duration(seconds) == words


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90", 90),
        ("0", 0),
        ("1.5", 1.5),
        ("90s", 90),
        ("1h30m", 5400),
        ("500ms", 0.5),
        ("5m", 300),
        ("1m30s", 90),
        ("1m500ms", 60.5),
        ("2d", 172800),
        (" 10s ", 10),
    ],
)
def test_durations_are_parsed(text: str, seconds: float) -> None:
    """All forms of durations in the contract are accepted."""
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text", ["", " ", "s", "-1", "1h-5m", "5 m", "1e3", "nan", "inf", "5x", "1s1h", "9" * 99]
)
def test_other_text_is_not_a_duration(text: str) -> None:
    """All other forms are rejected, including numbers that overflow."""
    with pytest.raises(ValueError, match=r".*"):
        parse_duration(text)


@given(st.floats(0, 1e9))
def test_a_printed_duration_can_be_parsed(seconds: float) -> None:
    """A printed duration can be parsed again, at its precision."""
    assert parse_duration(duration(seconds)) <= seconds + 1e-9


@given(st.text(), st.integers(10, 50))
def test_text_from_outside_is_safe(text: str, limit: int) -> None:
    """The text contains no control, format or separator characters, and its length is limited."""
    shown = printable(text, limit)
    assert not any(unicodedata.category(character) in {"Cc", "Cf", "Cs", "Zl", "Zp"} for character in shown)
    assert len(shown) <= limit * 10


def test_letters_of_any_script_are_not_escaped() -> None:
    """Letters of any script are printable."""
    assert printable("Žluťoučký 顧客 ok") == "Žluťoučký 顧客 ok"


@pytest.mark.parametrize("kind", ["api", "sdk", "mob", "API"])
@pytest.mark.parametrize("around", ["{}", "https://{}@host", "--{}=1"])
def test_what_has_the_form_of_a_key_is_redacted(kind: str, around: str) -> None:
    """Keys of all kinds are replaced, also if they are percent-encoded."""
    key = f"{kind}-0f2b6a1e-1111-2222-3333-0123456789ab"
    assert redact(around.format(key)) == around.format("***")
    assert "1111" not in redact(around.format(key.replace("-", "%2d")))
    assert redact("api-0f2b6a1e is short") == "api-0f2b6a1e is short"
    assert redact("a secret, s%65cret", ["secret"]) == "***"
    assert redact("a secret", ["secret"]) == "a ***"
    assert (
        redact("a secretive, secretary; a long-secret", ["secret", "long-secret"])
        == "a secretive, secretary; a ***"
    )
