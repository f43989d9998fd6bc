"""Common mistakes with arguments, the token and environment variables."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.driving import REF
from watcher.api.targets import Target
from watcher.api.token import Secret
from watcher.cli.mistakes import find_hints, parse_positional
from watcher.cli.options import variables
from watcher.core.errors import UsageError
from watcher.core.model import ImportRef

KEYS = str(REF)


@pytest.mark.parametrize(
    ("targets", "text", "words"),
    [
        (
            ["status", KEYS],
            "status",
            "status is not a target, and there are no subcommands: use --once to look once.",
        ),
        (["wait", KEYS], "wait", "leave it out to wait for the import"),
        (["help"], "help", "use --help"),
        (["demo"], "demo", "use --demo"),
        (["create", KEYS], "create", "watcher does not create imports (see the README)."),
        (["list"], "list", "watcher does not list imports"),
        ([f"{KEYS},{KEYS}"], f"{KEYS},{KEYS}", "targets are joined by a comma. Separate them with spaces."),
        ([f"{KEYS},", KEYS], f"{KEYS},", "targets are joined by a comma. Separate them with spaces."),
        (["a,b"], "a,b", "does not have four parts"),
        (["x" * 5000], "x" * 5000, "does not have four parts"),
        ([KEYS, "status"], "status", "does not have four parts"),
        ([KEYS, "sh"], "sh", "'sh' is a command and not a target. Write -- before it: TARGET -- sh"),
        ([KEYS, "./deploy.sh"], "./deploy.sh", "is a command and not a target"),
        ([KEYS, "/bin/sh"], "/bin/sh", "is a command and not a target"),
        (["sh"], "sh", "does not have four parts"),
        ([KEYS, "a/b"], "a/b", "does not have four parts"),
    ],
)
def test_mistakes_are_named(targets: list[str], text: str, words: str) -> None:
    """Subcommands and commands are recognized where users write them."""
    with pytest.raises(UsageError) as caught:
        parse_positional(text, targets)
    assert words in str(caught.value)


@pytest.mark.parametrize("name", ["headers", "./targets.txt", "sub/targets"])
def test_a_file_without_its_mark_is_named(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The name of an existing file gets the correct spelling; a target wins over a file of its name."""
    monkeypatch.chdir(tmp_path)
    for path in (Path(name), Path(KEYS)):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    with pytest.raises(UsageError) as caught:
        parse_positional(name, [name])
    assert str(caught.value) == (
        f"'{name}' is a file. Write @{name} to read targets or response headers from it."
    )
    assert parse_positional(KEYS, [KEYS]) == Target(REF)


def test_a_target_is_no_mistake() -> None:
    """A target is parsed as such, wherever it stands."""
    assert parse_positional(KEYS, ["x", KEYS]) == Target(REF)
    assert parse_positional("a/b/c/1,2", ["a/b/c/1,2"]) == Target(ImportRef("a", "b", "c", "1,2"))


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("WATCHER_TIMEOT", "WATCHER_TIMEOUT"),
        ("WATCHER_FAILFAST", "WATCHER_FAIL_FAST"),
        ("WATCHER_FAIL_FST", "WATCHER_FAIL_FAST"),
        ("WATCHER_FAILS_ON", "WATCHER_FAIL_ON"),
        ("WATCHER_OUTAGE_BUGDET", "WATCHER_OUTAGE_BUDGET"),
    ],
)
def test_a_misspelled_variable_gets_a_hint(name: str, meant: str) -> None:
    """A variable that is almost an option's is reported, because a limit may be missing."""
    (hint,) = find_hints(Secret("api-1"), {name, "PATH"})
    assert hint == f"{name} is not an option's variable. Did you mean {meant}?"


@pytest.mark.parametrize(
    "name",
    [
        *sorted(variables()),
        "WATCHER_OUTCOME",
        "WATCHER_LAST_STATUS",
        "WATCHER_RESULT_CODE",
        "WATCHER_RESULT_JSON",
        "WATCHER_SOURCE",
        "WATCHER_PORT",
        "WATCHER_SERVICE_HOST",
        "WATCHER_PORT_8080_TCP_ADDR",
        "TIMEOT",
    ],
)
def test_variables_of_others_get_no_hint(name: str) -> None:
    """Options, the variables of a command after a watch, and those that Kubernetes injects get no hint."""
    assert not list(find_hints(Secret("api-1"), {name}))


def test_another_kind_of_key_gets_a_hint() -> None:
    """An SDK key is named as such, and not repeated."""
    (hint,) = find_hints(Secret("sdk-1"), set())
    assert "SDK key" in hint
    assert "sdk-1" not in hint
