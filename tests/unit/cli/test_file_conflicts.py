"""No file serves two purposes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.driving import REF
from watcher.cli.file_conflicts import check_distinct_files, without_shared_files
from watcher.cli.settings import Settings
from watcher.core.errors import UsageError

STATE = Path("state.json")


@pytest.mark.parametrize("suffix", ["", ".new", ".lock"])
@pytest.mark.parametrize("name", ["token_file", "ca_file", "status_file", "dotenv", "termination_log"])
def test_the_state_file_is_not_shared(name: str, suffix: str) -> None:
    """A token file that was taken for a damaged state file would be moved away."""
    settings = Settings(state_file=STATE, **{name: Path("x/../state.json" + suffix)})  # type: ignore[arg-type]  # a path each
    with pytest.raises(UsageError, match="names one of the files that --state-file uses"):
        check_distinct_files(settings)
    check_distinct_files(Settings(state_file=STATE, status_file=Path("status.json")))


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"status_file": "x"}, {"token_file": "x"}),
        ({"dotenv": "x"}, {"targets": "@y/../x"}),
        ({"termination_log": "x"}, {"ca_file": "x"}),
        ({"status_file": "x"}, {"dotenv": "./x"}),
    ],
)
def test_reports_overwrite_no_other_file(first: dict[str, str], second: dict[str, str]) -> None:
    """A report would overwrite a token, a list of targets or another report."""
    given = {name: Path(value) for name, value in (first | second).items() if name != "targets"}
    targets = (str(REF), *(second[name] for name in second if name == "targets"))
    settings = Settings(targets=targets, **given)  # type: ignore[arg-type]  # a path each
    with pytest.raises(UsageError, match="would overwrite the file that"):
        check_distinct_files(settings)
    kept = without_shared_files(settings)
    assert (kept.status_file, kept.dotenv, kept.termination_log) == (None, None, None)


@pytest.mark.parametrize("option", ["status_file", "dotenv", "termination_log"])
def test_reports_do_not_overwrite_the_command(option: str, tmp_path: Path) -> None:
    """A command that a report replaced would run as a list of variables and succeed."""
    program = tmp_path / "deploy.sh"
    program.write_text("#!/bin/sh\n")
    settings = Settings(**{option: tmp_path / "." / "deploy.sh"})  # type: ignore[arg-type]  # a path
    with pytest.raises(UsageError, match=r"would overwrite the command\. Name another file"):
        check_distinct_files(settings, str(program))
    assert without_shared_files(settings, str(program)) == Settings()


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY"])
def test_reports_do_not_overwrite_files_of_the_environment(
    variable: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Trusted certificates and the outputs of earlier steps stay."""
    monkeypatch.setenv(variable, str(tmp_path / "file"))
    with pytest.raises(UsageError, match=f"--dotenv would overwrite the file that {variable} names"):
        check_distinct_files(Settings(dotenv=tmp_path / "file"))


def test_hard_links_are_one_file(tmp_path: Path) -> None:
    """A second name of the token file is the token file."""
    (tmp_path / "token").write_text("api-x")
    (tmp_path / "link").hardlink_to(tmp_path / "token")
    with pytest.raises(UsageError, match="--dotenv would overwrite the file that --token-file names"):
        check_distinct_files(Settings(dotenv=tmp_path / "link", token_file=tmp_path / "token"))


def test_devices_are_shared() -> None:
    """Two reports may go to /dev/null, because nothing is overwritten there."""
    settings = Settings(status_file=Path("/dev/null"), dotenv=Path("/dev/null"))
    check_distinct_files(settings)
    assert without_shared_files(settings) is settings


def test_a_path_that_cannot_be_examined() -> None:
    """A path that cannot be examined is not refused: the report fails when it is written."""
    check_distinct_files(Settings(status_file=Path("a" * 300), dotenv=Path("env")))


def test_a_link_that_cannot_be_read_ends_no_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another user can put a link there that leads into /proc, where even root may not read it."""

    def forbid(*_: object, **__: object) -> str:
        raise PermissionError(13, "Permission denied")

    (tmp_path / "link").symlink_to("/proc/1/root/x")
    monkeypatch.setattr("os.readlink", forbid)
    settings = Settings(dotenv=tmp_path / "link", status_file=tmp_path / "status")
    assert without_shared_files(settings) == settings
    check_distinct_files(settings)
