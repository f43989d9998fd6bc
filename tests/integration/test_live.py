"""The live view in a pseudo-terminal: the frames during a run, and the text that stays afterwards."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import termios
import time

import pytest

from tests.support.processes import FAST, StartSimulator, environment
from tests.support.terminal import Terminal, opened, terminal_environment

TIME = r"(?:\d+(?:\.\d+)?m?s)"


def assert_tidy(terminal: Terminal) -> None:
    """Assert that the cursor is visible, at the start of a line below the text."""
    cursor = terminal.screen.cursor
    assert not cursor.hidden
    assert cursor.x == 0
    assert len(terminal.text.splitlines()) <= cursor.y


def assert_lines(text: str, *patterns: str) -> None:
    """Assert that the text has exactly these lines."""
    lines = text.splitlines()
    assert len(lines) == len(patterns), text
    for line, pattern in zip(lines, patterns, strict=True):
        assert re.fullmatch(pattern, line), f"{line}\nis not\n{pattern}"


def frame_of(text: str) -> list[str]:
    """Return the lines of the view, below those of the log."""
    lines = text.splitlines()
    return lines[next(index for index, line in enumerate(lines) if re.match(r"\S  \w+", line)) :]


def test_a_wait_to_its_success(start_simulator: StartSimulator) -> None:
    """The view shows an approval and a rate limit while they last, and leaves a summary of the steps."""
    simulator = start_simulator("demo", speed=3.0)
    with opened() as terminal:
        url = simulator.create()
        target = "/".join(["default", "production", "big-spenders", url.rsplit("/", 1)[1]])
        terminal.start(url, *FAST, env=terminal_environment(simulator.base_uri))
        needed = (
            "✓  preparing",
            "must be approved and applied in LaunchDarkly",
            "\n○  in_progress\n○  complete\n",
        )
        terminal.wait_for(lambda text: all(part in text for part in needed))
        terminal.wait_for(lambda text: "\n   ! rate limited (429): the API asks to wait" in text)
        before = terminal.text
        terminal.wait_for(lambda text: text != before and "! rate limited (429)" in text)
        assert terminal.text.count(target) == 1
        assert terminal.finish() == 0
        assert_tidy(terminal)
        assert b"\x1b[32m" in terminal.raw
        assert_lines(
            terminal.whole,
            rf"✓  preparing +{TIME}",
            rf"✓  pending_approval +{TIME}",
            rf"✓  ready +{TIME}",
            rf"✓  in_progress +{TIME}",
            r"   \d rate limits?, \d errors?",
            rf"complete {target} {TIME} \d+ polls",
        )


@pytest.mark.parametrize(("number", "name"), [(signal.SIGINT, "SIGINT"), (signal.SIGTERM, "SIGTERM")])
def test_a_signal_leaves_the_last_frame_and_an_explanation(
    start_simulator: StartSimulator, number: signal.Signals, name: str
) -> None:
    """Ctrl-C, which the terminal echoes, and SIGTERM end with the last frame, the outcome and its code."""
    simulator = start_simulator("stuck")
    with opened() as terminal:
        terminal.start(simulator.create(), *FAST, env=terminal_environment(simulator.base_uri))
        terminal.wait_for(lambda text: re.search(r"in_progress +0\.", text))
        if number is signal.SIGINT:
            terminal.type("\x03")
        else:
            assert terminal.process is not None
            terminal.process.send_signal(number)
        assert terminal.finish() == 128 + number
        assert_tidy(terminal)
        *frame, result = terminal.whole.splitlines()
        place = next(index for index, line in enumerate(frame) if "■" in line)
        assert re.fullmatch(rf"■  in_progress +{TIME}", frame[place])
        assert frame[place + 1] == "○  complete"
        words = frame[place + 2 :]
        assert re.fullmatch(
            rf"\d\d:\d\d:\d\d warning: interrupted by {name} after .* with the same target\.",
            " ".join(line.strip() for line in words),
        )
        assert result.startswith("interrupted default/")


def test_a_window_of_any_width(start_simulator: StartSimulator) -> None:
    """Forty columns wrap between facts, a wider window gets long lines again, and NO_COLOR is respected.

    Text that a shell writes while the job is stopped stays, and SIGKILL leaves the cursor visible.
    """
    simulator = start_simulator("stuck")
    with opened(40, 16) as terminal:
        env = terminal_environment(simulator.base_uri, NO_COLOR="1")
        terminal.start(simulator.create(), *FAST, env=env)
        terminal.wait_for(lambda text: re.search(r"[^○]  in_progress  (.*\n)+.*…$", text))
        *frame, target = frame_of(terminal.text)
        place = next(index for index, line in enumerate(frame) if "in_progress" in line)
        assert re.fullmatch(rf"\S  in_progress +{TIME}   [─━]{{15,}}", frame[place])
        assert frame[place + 1 : place + 3] == ["   LaunchDarkly is importing the keys", "○  complete"]
        assert "   until complete, for at most 1h" in frame[place + 3 :]
        assert re.fullmatch(r"   default/production/big-spenders/.{4}…", target)
        terminal.resize(90, 16)
        terminal.wait_for(lambda text: re.search(r"polls · (next|request).*\n.*[0-9a-f]{12}$", text))
        *_, facts, target = frame_of(terminal.text)
        assert facts.startswith("   until complete, ")
        assert re.fullmatch(r"   default/production/big-spenders/[0-9a-f-]{36}", target)
        assert terminal.process is not None
        terminal.process.send_signal(signal.SIGSTOP)
        terminal.take(0.3)
        assert_tidy(terminal)
        os.write(terminal.slave, b"[1]+  Stopped\r\n$ fg\r\n")
        terminal.process.send_signal(signal.SIGCONT)
        terminal.wait_for(lambda text: text.count("elapsed · ") == 2)
        assert re.search(r"\n\[1\]\+  Stopped\n\$ fg\n\n(✓ .*\n)*\S  in_progress", terminal.text)
        terminal.process.kill()
        assert terminal.finish() == -signal.SIGKILL
        assert_tidy(terminal)
        assert not re.search(rb"\x1b\[[0-9;]*3[0-9]m", terminal.raw)


def test_forty_imports_in_a_low_window_of_ascii(start_simulator: StartSimulator) -> None:
    """The table fits into the window and counts all imports; failures are explained, and leave no table."""
    simulator = start_simulator("stuck")
    missing = [f"default/production/missing/{number}" for number in range(39)]
    arguments = ("--appear-within", "1s", "--timeout", "2s", "--log-level", "debug")
    with opened(80, 9) as terminal:
        env = terminal_environment(simulator.base_uri, LC_ALL="C")
        terminal.start(simulator.create(), *missing, *arguments, *FAST, env=env)
        terminal.wait_for(lambda text: "! 39 of 40 imports: no such" in text)
        assert re.match(r" 0 of 40 complete  \S+   -{24}\ndefault/production - until complete", terminal.text)
        assert len(terminal.text.splitlines()) == 8
        assert len(terminal.screen.history.top) <= 2  # the host's line, wrapped
        terminal.wait_for(lambda text: "not_found" in text and "1 in_progress" in text)
        assert terminal.text.isascii()
        assert terminal.finish() == 5
        assert_tidy(terminal)
        whole = terminal.whole
        words = " ".join(whole.split())
        assert not re.search(r"^[+x.]{2}|^default", whole, re.MULTILINE)
        assert words.count("there is no such import") == 1
        assert words.count("(39 of 40 imports)") == 1
        assert words.count("0 of 40 imports complete, 1 timeout, 39 not_found; exit code 5 (not_found)") == 1


def test_a_stopped_terminal_stops_nothing_else(start_simulator: StartSimulator) -> None:
    """After Ctrl-S the polls go on, and two signals end the program although its output is blocked."""
    simulator = start_simulator("happy", speed=4.0)
    reading, writing = os.pipe()
    with opened() as terminal, os.fdopen(reading) as events:
        arguments = (simulator.create(), *FAST, "--output", "jsonl")
        terminal.start(*arguments, env=terminal_environment(simulator.base_uri), stdout=writing)
        os.close(writing)
        terminal.wait_for(lambda text: re.search(r"preparing +0\.", text))
        termios.tcflow(terminal.slave, termios.TCOOFF)
        assert any(json.loads(line).get("to") == "in_progress" for line in events)
        assert terminal.process is not None
        terminal.process.send_signal(signal.SIGTERM)
        time.sleep(0.2)
        terminal.process.send_signal(signal.SIGTERM)
        assert terminal.process.wait(5) == 143
        assert not re.search(r"in_progress +0\.", terminal.text)
        termios.tcflow(terminal.slave, termios.TCOON)
        terminal.take(0.1)
        assert_tidy(terminal)


def test_nothing_of_it_is_imported_where_it_is_not_used() -> None:
    """A run without a live view imports none of its modules."""
    program = (
        "import sys; from watcher.cli.main import main; from watcher.cli.signals import Signals;"
        "assert main(sys.argv[1:], Signals()) == 75;"
        "print([name for name in sys.modules if name.startswith('watcher.reports.')])"
    )
    finished = subprocess.run(
        [sys.executable, "-c", program, "a/b/c/d", "--once", "--outage-budget", "1ms"],
        capture_output=True,
        text=True,
        check=True,
        env=environment("http://127.0.0.1:9"),
    )
    assert "watcher.reports.plain" in finished.stdout
    assert not re.search("live", finished.stdout.splitlines()[-1])
