"""The command line: what is read of it, also when it is invalid."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from watcher.cli.parse import parse, split_command
from watcher.cli.settings import LogLevel, OutputFormat, Pipeline, ProgressStyle, Settings
from watcher.core.errors import UsageError
from watcher.core.statuses import ImportStatus

if TYPE_CHECKING:
    from collections.abc import Mapping


SECRET = "api-0f2b6a1e-1111-2222-3333-0123456789ab"


def settings_of(*arguments: str, environ: Mapping[str, str] | None = None) -> Settings:
    """Parse a valid command line."""
    parsed = parse(arguments, environ or {})
    assert parsed is not None
    assert parsed.error is None
    return parsed.settings


@pytest.mark.parametrize(
    "arguments",
    [
        ["--output", "json", "--nope", "a/b/c/d"],
        ["--nope=1", "a/b/c/d", "--output=json"],
        ["--timeout", "soon", "--output", "json"],
        ["--output", "json", "--timeout"],
        ["--once=1", "--output", "json"],
        ["--once=1", "--any=1", "--output", "json"],
        ["--exit-code", "bogus=0", "--output=json"],
    ],
)
def test_an_invalid_command_line_keeps_its_readable_options(arguments: list[str]) -> None:
    """An error is reported in the format that was asked for, wherever it stands on the command line."""
    parsed = parse(arguments, {})
    assert parsed is not None
    assert isinstance(parsed.error, UsageError)
    assert parsed.settings.output is OutputFormat.JSON


@pytest.mark.parametrize(
    ("arguments", "output"),
    [
        ([], OutputFormat.TEXT),
        (["--log-format", "json"], OutputFormat.NONE),
        (["--log-format", "json", "--output", "text"], OutputFormat.TEXT),
        (["--log-format", "json", "--output", "jsonl"], OutputFormat.JSONL),
        (["--output", "none"], OutputFormat.NONE),
    ],
)
def test_the_default_of_the_output(arguments: list[str], output: OutputFormat) -> None:
    """With a JSON log, standard output is empty unless a format was asked for."""
    assert settings_of(*arguments, "a/b/c/d").output is output


@pytest.mark.parametrize("switch", ["-q", "--quiet"])
def test_quiet_is_no_progress(switch: str) -> None:
    """``-q`` is short for ``--progress none``: only failures are left, in a JSON log as well."""
    settings = settings_of(switch, "--log-level=debug", "a/b/c/d")
    assert (settings.progress, settings.log_level) == (ProgressStyle.NONE, LogLevel.ERROR)
    assert settings_of("--progress=none", "a/b/c/d").log_level is LogLevel.ERROR


def test_the_environment_sets_options(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every option has a variable; a flag beats it, and only flags count as given."""
    monkeypatch.setenv("WATCHER_TIMEOUT", "1h30m")
    monkeypatch.setenv("WATCHER_FAIL_ON", "preparing,ready")
    settings = settings_of("a/b/c/d")
    assert settings.timeout == 5400.0
    assert settings.fail_on == (ImportStatus.PREPARING, ImportStatus.READY)
    assert settings.given == {"targets"}
    assert settings_of("--timeout", "5s").timeout == settings_of("-t", "5s").timeout == 5.0


@pytest.mark.parametrize("listed", ["ready,", ",ready", " , ready ,,"])
def test_empty_items_of_a_list_are_ignored(monkeypatch: pytest.MonkeyPatch, listed: str) -> None:
    """A comma too many in a variable is no mistake if there is at least one item."""
    monkeypatch.setenv("WATCHER_FAIL_ON", listed)
    assert settings_of("a/b/c/d").fail_on == (ImportStatus.READY,)


@pytest.mark.parametrize("listed", [" ", ",", " , "])
def test_a_list_without_an_item(monkeypatch: pytest.MonkeyPatch, listed: str) -> None:
    """A list of nothing but commas is empty, which is a mistake."""
    monkeypatch.setenv("WATCHER_FAIL_ON", listed)
    parsed = parse(["a/b/c/d"], {})
    assert parsed is not None
    assert str(parsed.error).startswith("WATCHER_FAIL_ON: it is empty (is a variable unset?). Write one of ")


@pytest.mark.parametrize(
    ("text", "target"), [(" a/b/c/d\t\r\n", "a/b/c/d"), ("\x85a/b/c/d\x1c", "\x85a/b/c/d\x1c")]
)
def test_white_space_around_a_target(text: str, target: str) -> None:
    """Only spaces, tabs and line ends are dropped; control characters stay, and are refused later."""
    assert settings_of(text).targets == (target,)


@pytest.mark.parametrize(
    ("arguments", "environ", "pipeline"),
    [
        ([], {}, Pipeline.NONE),
        ([], {"GITHUB_ACTIONS": "true"}, Pipeline.GITHUB),
        (["--ci=auto"], {"GITLAB_CI": "true"}, Pipeline.GITLAB),
        (["--ci=none"], {"GITLAB_CI": "true"}, Pipeline.NONE),
        (["--ci=gitlab"], {}, Pipeline.GITLAB),
    ],
)
def test_the_ci_service_is_detected(
    arguments: list[str], environ: dict[str, str], pipeline: Pipeline
) -> None:
    """The service is found by the variable that it sets, unless the option names one."""
    assert settings_of(*arguments, environ=environ).ci is pipeline


def test_the_command_is_split_off() -> None:
    """Everything after the first -- belongs to the command, even options and a second --."""
    assert split_command(["a/b/c/d", "--", "run", "--once", "--"]) == (["a/b/c/d"], ["run", "--once", "--"])
    assert split_command(["a/b/c/d"]) == (["a/b/c/d"], None)
    assert split_command(["--"]) == ([], [])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            ["--token", SECRET, "a/b/c/d"],
            "there is no --token, because other users can see arguments. Set LD_",
        ),
        ([f"--token={SECRET}"], "there is no --token"),
        ([f"--api-key={SECRET}"], "there is no --api-key"),
        (
            ["a/b/c/d", "./deploy.sh", "--now"],
            "'./deploy.sh' is a command and not a target. Write -- before it",
        ),
        (["a/b/c/d", "sh", "-c", "true"], "'sh' is a command and not a target. Write -- before it"),
        (["a/b/c/d", "--now"], "no such option '--now'. See --help."),
        (["a/b/c/d", "--timeot", "5m"], "no such option '--timeot'. Did you mean --timeout?"),
        (["a/b/c/d", "--quite"], "no such option '--quite'. Did you mean --quiet?"),
        (["a/b/c/d", "--yes"], "no such option '--yes'. See --help."),
        (["a/b/c/d", "--wait-for", "ready"], "there is no --wait-for: use --until STATUS."),
        (["a/b/c/d", "--json"], "there is no --json: use --output json."),
        (["--url=https://app.launchdarkly.com"], "there is no --url: use --base-uri URI, or"),
        (["a/b/c/d", "-v"], "there is no -v: use --log-level debug."),
        (["a/b/c/d", f"--{SECRET}"], "no such option '--***'"),
        (["a/b/c/d", "--listen", "9191"], "--listen: '9191' has no host. Write 127.0.0.1:9191, or"),
        (["a/b/c/d", "--listen", ":9191"], "--listen: ':9191' has no host. Write 127.0.0.1:9191, or"),
        (["a/b/c/d", "--listen", "99999"], "--listen: '99999' is not a host and a port"),
        (["--timeout", SECRET], "--timeout: '***' is not a duration"),
    ],
)
def test_common_mistakes_are_named(arguments: list[str], words: str) -> None:
    """Options of other programs get a message of their own, which repeats no token."""
    parsed = parse(arguments, {})
    assert parsed is not None
    assert words in str(parsed.error)
    assert SECRET not in str(parsed.error)


def test_a_token_in_a_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    """A token in the variable of an option is not repeated."""
    monkeypatch.setenv("WATCHER_TIMEOUT", f"x{'y' * 60}{SECRET}")
    parsed = parse(["a/b/c/d"], {})
    assert parsed is not None
    assert "WATCHER_TIMEOUT: '" in str(parsed.error)
    assert SECRET[:8] not in str(parsed.error)
