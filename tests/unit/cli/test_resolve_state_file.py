"""What the option of the state file becomes, and what it is refused with."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.driving import REF
from watcher.cli.resolve import resolve
from watcher.cli.settings import Options, Settings
from watcher.core.errors import UsageError

STATE = Path("state.json")


def settled(options: Options, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The settings; nothing is read from outside."""
    monkeypatch.setenv("LD_ACCESS_TOKEN", "api-1")
    return resolve(options, lambda name: pytest.fail(f"{name} is read"))


@pytest.mark.parametrize("once", [False, True])
@pytest.mark.parametrize("path", [None, STATE])
def test_only_looks_that_follow_each_other_tell_changes(
    path: Path | None, monkeypatch: pytest.MonkeyPatch, *, once: bool
) -> None:
    """A wait that goes on tells everything, and so does a look that nobody remembers."""
    settings = settled(Options(targets=(str(REF),), once=once, state_file=path), monkeypatch)
    assert settings.tells_changes is (once and path is not None)
    assert settings.policy.remembered is (path is not None)


@pytest.mark.parametrize("suffix", ["", ".new", ".lock"])
@pytest.mark.parametrize("name", ["token_file", "ca_file", "status_file", "dotenv", "termination_log"])
def test_a_file_has_one_purpose(name: str, suffix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A token file that is taken for a damaged state file would be moved away."""
    options = Options(targets=(str(REF),), state_file=STATE, **{name: Path("x/../state.json" + suffix)})  # type: ignore[arg-type]  # a path each
    with pytest.raises(UsageError, match="names --state-file or a file beside it"):
        settled(options, monkeypatch)
    other = Options(targets=(str(REF),), state_file=STATE, status_file=Path("status.json"))
    assert settled(other, monkeypatch).state_file == STATE


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"status_file": "x"}, {"token_file": "x"}),
        ({"dotenv": "x"}, {"targets": "@y/../x"}),
        ({"termination_log": "x"}, {"ca_file": "x"}),
        ({"status_file": "x"}, {"dotenv": "./x"}),
    ],
)
def test_nothing_is_overwritten_that_another_option_names(
    first: dict[str, str], second: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A token, a list of targets or another report would be lost."""
    given = {name: Path(value) for name, value in (first | second).items() if name != "targets"}
    targets = (str(REF), *(second[name] for name in second if name == "targets"))
    with pytest.raises(UsageError, match="would overwrite the file that"):
        settled(Options(targets=targets, **given), monkeypatch)  # type: ignore[arg-type]  # a path each


def test_devices_are_shared(monkeypatch: pytest.MonkeyPatch) -> None:
    """What goes to /dev/null overwrites nothing."""
    options = Options(targets=(str(REF),), status_file=Path("/dev/null"), dotenv=Path("/dev/null"))
    assert settled(options, monkeypatch).dotenv == Path("/dev/null")


def test_a_path_that_cannot_be_looked_at_is_no_defect(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether a report can be written shows when it is, and costs no watch."""
    path = Path("a" * 300)
    options = Options(targets=(str(REF),), status_file=path, dotenv=Path("env"))
    assert settled(options, monkeypatch).status_file == path
