"""The start of the command: where modules come from, and platforms."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.paths import ROOT
from tests.support.processes import environment
from watcher.__main__ import problem_with, without_working_directory


def test_other_platforms_get_a_sentence() -> None:
    """Windows is named before an import fails; POSIX platforms are supported."""
    assert problem_with("linux") is problem_with("darwin") is problem_with("freebsd14") is None
    assert str(problem_with("win32")).startswith("Windows is not supported. Use Linux or macOS")
    assert "wasi is not supported" in str(problem_with("wasi"))


def test_an_unsupported_platform_is_a_usage_error() -> None:
    """On Windows, the command ends with 2 and one line, before it imports anything."""
    program = (
        "import sys, signal; sys.platform = 'win32'; del signal.SIGHUP; import watcher.__main__ as m; m.run()"
    )
    ended = subprocess.run([sys.executable, "-c", program], check=False, capture_output=True, text=True)
    assert ended.returncode == 2
    assert ended.stderr.startswith("watcher: Windows is not supported.")
    assert ended.stderr.count("\n") == 1


@pytest.mark.parametrize("name", ["msgspec", "click", "signal", "aiohttp", "asyncio"])
def test_the_working_directory_provides_no_module(tmp_path: Path, name: str) -> None:
    """A module in the working directory does not run in place of an installed one."""
    (tmp_path / f"{name}.py").write_text("print('a foreign module ran')")
    ended = subprocess.run(
        [sys.executable, "-m", "watcher", "@list", "--output", "json"],
        check=False,
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=environment(PYTHONPATH=str(ROOT)),
    )
    assert ended.returncode == 2, ended.stderr
    assert "foreign" not in ended.stdout


def test_a_checkout_stays_importable(tmp_path: Path) -> None:
    """The working directory stays if the package is in it, also through a link; a deleted one does not."""
    home = tmp_path / "home"
    (home / "watcher").mkdir(parents=True)
    (tmp_path / "link").symlink_to(home)
    package = str(home / "watcher")
    assert without_working_directory([str(home), "/lib"], package) == [str(home), "/lib"]
    assert without_working_directory([str(tmp_path / "link"), "/lib"], package) == [
        str(tmp_path / "link"),
        "/lib",
    ]
    assert without_working_directory([str(tmp_path), "/lib"], package) == ["/lib"]
