"""Tests of shell completion with the installed command."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest

from tests.support.processes import environment, run_watcher


def ask(mode: str, words: str = "", position: int = 0) -> str:
    """Return what the command offers to a shell."""
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
    """Options, values and scenarios are offered; paths are left to the shell."""
    assert ask("bash_complete", words, len(words.split()) - 1) == offered


@pytest.mark.skipif(shutil.which("bash") is None, reason="this system has no bash")
def test_the_script_for_bash_is_bash() -> None:
    """The completion script is valid bash."""
    script = ask("bash_source")
    assert "complete -o nosort" in script
    subprocess.run([shutil.which("bash") or "bash", "-n"], input=script, text=True, check=True)


def test_a_leftover_variable_changes_nothing() -> None:
    """The completion variable has no effect on a call with arguments."""
    assert run_watcher("a/b", env=environment(_WATCHER_COMPLETE="bash_source")).code == 2
