"""What shells complete, asked in the words that each of them passes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.shell_completion import get_completion_class

from watcher.cli import completion
from watcher.cli.options import COMMAND

UNTIL = ["pending_approval", "ready", "in_progress", "complete"]


@pytest.fixture(autouse=True)
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Change to a folder with files."""
    completion.register()
    (tmp_path / "headers.d").mkdir()
    for name in ("head.txt", "headers.d/one", ".hidden", "targets.txt"):
        (tmp_path / name).touch()
    monkeypatch.chdir(tmp_path)


def complete(shell: str, words: list[str], position: str, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return what is offered to a shell, without its types."""
    monkeypatch.setenv("COMP_WORDS", "\n".join(["watcher", *words]))
    monkeypatch.setenv("COMP_CWORD", position)
    kind = get_completion_class(shell)
    assert kind is not None
    return kind(COMMAND, {}, "watcher", "_WATCHER_COMPLETE").complete().splitlines()


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["--until", ""], [f"plain,{status}" for status in UNTIL]),
        (["--until", "="], [f"plain,{status}" for status in UNTIL]),
        (["--until", "=", "pen"], ["plain,pending_approval"]),
        (["--fail-on", "=", ""], ["plain,pending_approval", "plain,ready", "plain,in_progress"]),
        (["--max-in-state", "p"], ["plain,preparing=", "plain,pending_approval="]),
        (["a/b/c/d", "--exit-code", "=", "unav"], ["plain,unavailable="]),
        (["--token-file", "=", "/et"], ["file,/et"]),
        (["@", "he"], ["plain,head.txt", "plain,headers.d/"]),
        (["@"], ["plain,head.txt", "plain,headers.d/", "plain,targets.txt"]),
        (["@", "headers.d/"], ["plain,headers.d/one"]),
        (["@", "missing/"], []),
        (["a/b"], []),
    ],
)
def test_bash(words: list[str], offered: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Bash splits words at ``=`` and ``@``, and completes the part after them."""
    assert complete("bash", words, str(len(words)), monkeypatch) == offered


@pytest.mark.parametrize(
    "name", ["head$(id)", "head;id", "head x", "head*", "head`id`", "head'", "head\nplain,--x"]
)
def test_bash_gets_no_name_that_it_would_have_to_quote(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bash inserts an offer as it is, so the name of a file could be a command."""
    Path(name).touch()
    assert complete("bash", ["@", "he"], "2", monkeypatch) == ["plain,head.txt", "plain,headers.d/"]


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_a_line_break_in_a_name_begins_no_offer(shell: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The name of a file cannot offer anything else."""
    Path("head\nplain,--x").touch()
    monkeypatch.setenv("COMP_WORDS", "watcher @he")
    assert "--x" not in "".join(complete(shell, ["@he"], "1", monkeypatch))


@pytest.mark.parametrize(
    ("word", "offered"),
    [
        ("--until=pen", ["--until=pending_approval"]),
        ("--fail-on=", ["--fail-on=pending_approval", "--fail-on=ready", "--fail-on=in_progress"]),
        ("--token-file=hea", ["--token-file=head.txt", "--token-file=headers.d/"]),
        ("@he", ["@head.txt", "@headers.d/"]),
        ("@headers.d/", ["@headers.d/one"]),
        ("--fail-o", ["--fail-on"]),
    ],
)
def test_zsh_and_fish(word: str, offered: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Zsh and fish complete whole words."""
    fish = complete("fish", [word], word, monkeypatch)
    assert [line.partition(",")[2].partition("\t")[0] for line in fish] == offered
    zsh = complete("zsh", [word], "1", monkeypatch)
    assert zsh[1::3] == offered


def test_fish_keeps_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    """The script for fish splits an offer at the comma after its type only."""
    Path("head,er.txt").touch()
    assert "plain,@head,er.txt" in complete("fish", ["@head,"], "@head,", monkeypatch)
    kind = get_completion_class("fish")
    assert kind is not None
    splits = re.findall("string split.*", kind(COMMAND, {}, "watcher", "_WATCHER_COMPLETE").source())
    assert splits == ['string split --max 1 "," $completion);']
