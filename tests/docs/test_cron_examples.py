"""The examples for cron and systemd: their commands run unchanged, and their files are valid."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.support.paths import EXAMPLES
from tests.support.processes import TOKEN, StartSimulator, environment
from watcher.cli.options import COMMAND

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

CRON = EXAMPLES / "cron"
SCHEDULE = "* * * * * "


def cron_commands() -> list[str]:
    """Return the crontab's command and its commented-out alternative."""
    lines = (CRON / "crontab").read_text("utf-8").splitlines()
    return [line.removeprefix("# ").removeprefix(SCHEDULE) for line in lines if SCHEDULE in line]


def unit(name: str) -> dict[str, str]:
    """Return the settings of a systemd unit; of a repeated one, the last."""
    text = (CRON / name).read_text("utf-8")
    return dict(re.findall(r"^(\w+)=(.*)$", text, re.MULTILINE))


def install(folder: Path) -> Path:
    """Install a command ``watcher`` into a directory."""
    folder.mkdir()
    script = folder / "watcher"
    script.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m watcher "$@"\n')
    script.chmod(0o755)
    return script


def run(command: str, env: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a command as cron does."""
    finished = subprocess.run(
        ["/bin/sh", "-c", command], check=False, capture_output=True, text=True, env=env, timeout=60
    )
    assert TOKEN not in finished.stdout + finished.stderr
    return finished


@pytest.mark.parametrize("position", [0, 1])
def test_the_crontab_s_commands_mail_what_changed(
    start_simulator: StartSimulator, tmp_path: Path, position: int
) -> None:
    """Cron mails only changes, and the history has every run."""
    simulator = start_simulator("approval", speed=1000.0)
    home = tmp_path / "home"
    (home / ".config" / "watcher").mkdir(parents=True)
    (home / ".local" / "state").mkdir(parents=True)
    (home / ".config" / "watcher" / "token").write_text(f"{TOKEN}\n")
    target = simulator.create(wait_on_approvals=True)
    (home / ".config" / "watcher" / "targets").write_text(f"# tonight's imports\n{target}\n")
    script = install(tmp_path / "bin")
    env = environment(simulator.base_uri, HOME=str(home), PATH=f"{script.parent}:/usr/bin:/bin")
    del env["LD_ACCESS_TOKEN"]
    command = cron_commands()[position]
    first = run(command, env)
    assert first.returncode == 8
    assert "not final yet" in first.stderr
    run(command, env)  # it waits for an approval now, in any case
    third = run(command, env)
    assert (third.returncode, third.stdout, third.stderr) == (8, "", "")
    history = home / ".local" / "state" / "watcher.jsonl"
    if position == 0:
        assert first.stdout.startswith("pending ")
        assert not history.exists()
        return
    events = [json.loads(line)["event"] for line in history.read_text().splitlines()]
    assert events.count("result") == 3


def test_the_service_runs(start_simulator: StartSimulator, tmp_path: Path) -> None:
    """The service works with the directories that systemd provides, and 8 and 75 count as success."""
    simulator = start_simulator("stuck", speed=1000.0)
    script = install(tmp_path / "bin")
    (tmp_path / "token").write_text(TOKEN)
    (tmp_path / "targets").write_text(simulator.create())
    (tmp_path / "state").mkdir()
    service = unit("watcher.service")
    assert service["LoadCredential"].split(":")[0] == "token"
    assert service["StateDirectory"] == "watcher"
    provided = {"STATE_DIRECTORY": str(tmp_path / "state"), "CREDENTIALS_DIRECTORY": str(tmp_path)}
    command = service["ExecStart"].replace("/usr/local/bin/watcher", str(script))
    finished = run(command.replace("/etc/watcher", str(tmp_path)), environment(simulator.base_uri) | provided)
    assert str(finished.returncode) in service["SuccessExitStatus"].split() == ["8", "75"]
    assert (tmp_path / "state" / "state.json").exists()


def test_every_option_exists() -> None:
    """The examples use only options that exist."""
    names = {name for parameter in COMMAND.params for name in parameter.opts}
    given = [*cron_commands(), unit("watcher.service")["ExecStart"]]
    assert len(given) == 3
    for command in given:
        used = [word for word in shlex.split(command, comments=True) if word.startswith("--")]
        assert "--state-file" in used
        assert set(used) <= names


def test_the_crontab_is_valid() -> None:
    """Each line is a comment, a setting or a command, and no command has a percent sign, which ends it."""
    lines = (CRON / "crontab").read_text("utf-8").splitlines()
    settings = [line for line in lines if re.match(r"[A-Z]+=", line)]
    assert settings[0].startswith("MAILTO=")
    commands = [line for line in lines if line.startswith(SCHEDULE)]
    assert len(commands) == 1
    assert not any("%" in command for command in cron_commands())
    assert all(line.startswith("#") or not line or line in settings + commands for line in lines)


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
def test_the_systemd_units_are_valid(tmp_path: Path) -> None:
    """systemd-analyze finds no error in the units."""
    for name in ("watcher.service", "watcher.timer"):
        text = (CRON / name).read_text("utf-8")
        (tmp_path / name).write_text(text.replace("/usr/local/bin/watcher", "/bin/true"))
    finished = subprocess.run(
        ["systemd-analyze", "verify", tmp_path / "watcher.service", tmp_path / "watcher.timer"],  # noqa: S607 (found in PATH)
        check=False,
        capture_output=True,
        text=True,
    )
    assert (finished.returncode, finished.stderr) == (0, "")


@pytest.mark.skipif(shutil.which("logrotate") is None, reason="logrotate is not installed")
def test_the_logrotate_file_is_valid(tmp_path: Path) -> None:
    """A dry run reports no error."""
    text = (CRON / "logrotate").read_text("utf-8")
    (tmp_path / "logrotate").write_text(text.replace("su USER USER", ""))
    finished = subprocess.run(
        ["logrotate", "--debug", "--state", tmp_path / "status", tmp_path / "logrotate"],  # noqa: S607 (found in PATH)
        check=False,
        capture_output=True,
        text=True,
    )
    assert finished.returncode == 0
    assert "error" not in finished.stderr
