"""Lines on a terminal: wrapped between words, with coloured first words."""

from __future__ import annotations

import pytest

from watcher.reports.terminal import Tone, allows_colour, lay_out

MESSAGE = "error: stopped in LaunchDarkly after 8s. It cannot continue: create a new one. (p/e/s/long-id)"


@pytest.fixture(autouse=True)
def colours(monkeypatch: pytest.MonkeyPatch) -> None:
    """Return an environment with colours."""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)


def test_a_pipe_gets_one_plain_line() -> None:
    """Other programs read whole lines without control sequences."""
    assert lay_out("12:00:00 ", MESSAGE, Tone.FAILURE, None) == f"12:00:00 {MESSAGE}"


def test_a_terminal_gets_whole_words_and_a_red_fact() -> None:
    """Lines break between words, below the text and not below the time, and the fact is red."""
    assert lay_out("12:00:00 ", MESSAGE, Tone.FAILURE, 60).splitlines() == [
        "12:00:00 \x1b[1;31merror: stopped in LaunchDarkly after 8s\x1b[0m. It cannot",
        "         continue: create a new one. (p/e/s/long-id)",
    ]


@pytest.mark.parametrize("columns", [1, 15, 40, 80, 200])
def test_no_word_is_lost_or_broken(columns: int) -> None:
    """Every word is there at any width, so that a target can be copied."""
    assert lay_out("12:00:00 ", MESSAGE, Tone.NONE, columns).split() == f"12:00:00 {MESSAGE}".split()


def test_a_success_is_green_and_a_warning_yellow() -> None:
    """The colours are those that terminals use for both."""
    assert lay_out("", "complete after 9.5s", Tone.SUCCESS, 80) == "\x1b[1;32mcomplete after 9.5s\x1b[0m"
    assert lay_out("", "warning: HTTP 503; retrying", Tone.WARNING, 80).startswith(
        "\x1b[33mwarning: HTTP 503\x1b"
    )


@pytest.mark.parametrize(
    ("environ", "allowed"),
    [
        ({"TERM": "xterm"}, True),
        ({"TERM": "xterm", "NO_COLOR": ""}, True),
        ({"TERM": "xterm", "NO_COLOR": "1"}, False),
        ({"TERM": "dumb"}, False),
        ({}, False),
    ],
)
def test_colours_are_optional(environ: dict[str, str], allowed: bool) -> None:
    """A terminal without colours gets none, and neither does a user who wants none."""
    assert allows_colour(environ) is allowed
