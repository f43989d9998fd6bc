"""Shell completion, as the installed command answers a shell."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest

from tests.support.processes import environment, run_watcher


def ask(mode: str, words: str = "", position: int = 0) -> str:
    """What a shell is told that asks for completion."""
    finished = subprocess.run(
        [sys.executable, "-m", "watcher"],
        check=True,
        capture_output=True,
        text=True,
        env=environment(_WATCHER_COMPLETE=mode, COMP_WORDS=words, COMP_CWORD=str(position)),
    )
    assert finished.stderr == ""
    return finished.stdout


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("watcher --fail-o", "plain,--fail-on\n"),
        ("watcher --until pen", "plain,pending_approval\n"),
        ("watcher --exit-code unav", "plain,unavailable=\n"),
        ("watcher --token-file /et", "file,/et\n"),
        ("watcher --demo=st", "plain,stopped\nplain,stuck\n"),
    ],
)
def test_options_and_values_are_completed(words: str, offered: str) -> None:
    """Names of options, members of enums, scenarios, and paths, which the shell completes itself."""
    assert ask("bash_complete", words, len(words.split()) - 1) == offered


@pytest.mark.skipif(shutil.which("bash") is None, reason="this system has no bash")
def test_the_script_for_bash_is_bash() -> None:
    """What the README has people put into their start-up file parses."""
    script = ask("bash_source")
    assert "complete -o nosort" in script
    subprocess.run([shutil.which("bash") or "bash", "-n"], input=script, text=True, check=True)


def test_a_variable_left_over_ends_no_watch() -> None:
    """Only a shell that completes gives no arguments; any other call is what it seems."""
    assert run_watcher("a/b", env=environment(_WATCHER_COMPLETE="bash_source")).code == 2
