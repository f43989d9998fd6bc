"""Another user cannot redirect a report, and cannot change a report later."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.processes import environment, run_watcher, start_watcher, wait_for
from tests.support.results import NOTHING_WATCHED, builder_of, life
from tests.support.users import give_to_nobody, root_only, shared_directory
from watcher.core.exit_codes import ExitCodes
from watcher.reports.dotenv import Dotenv
from watcher.reports.files import replace_file, write_file
from watcher.reports.github.outputs import GithubOutput, GithubSummary
from watcher.reports.report import Notice, Report, Reports
from watcher.reports.status_file import StatusFile
from watcher.reports.termination_log import TerminationLog
from watcher.state.disk import open_state_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

BUILDER = builder_of(life("complete"))
REPORTS: dict[str, Callable[[Path], Report]] = {
    "--status-file": lambda path: StatusFile(path, BUILDER, lambda _delay, _function: None),
    "--dotenv": Dotenv,
    "--termination-log": lambda path: TerminationLog(path, ExitCodes()),
    "$GITHUB_OUTPUT": lambda path: GithubOutput(path, BUILDER),
    "$GITHUB_STEP_SUMMARY": lambda path: GithubSummary(path, BUILDER),
}
IN_PLACE = [name for name in REPORTS if name != "--status-file"]


@pytest.fixture
def target() -> Iterator[Path]:
    """Return a file that nobody else can read."""
    with shared_directory(0o700) as path:
        file = path / "target"
        file.write_text("precious")
        file.chmod(0o600)
        yield file
        assert list(path.iterdir()) == [file]
        assert file.read_text() == "precious"
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


def link(folder: Path, target: Path) -> Path:
    """Put a link there."""
    path = folder / "report"
    path.symlink_to(target)
    give_to_nobody(path)
    return path


def link_a_directory(folder: Path, target: Path) -> Path:
    """Put a link in the place of a directory."""
    path = folder / "directory"
    path.symlink_to(target.parent)
    give_to_nobody(path)
    return path / target.name


def link_in_an_own_directory(folder: Path, target: Path) -> Path:
    """Put a link into a directory that only the attacker can write."""
    (folder / "own").mkdir(0o755)
    give_to_nobody(folder / "own")
    return link(folder / "own", target)


def link_behind_a_link(folder: Path, target: Path) -> Path:
    """Put a link where a link of the victim's leads."""
    path = target.parent.with_suffix(".link")
    path.symlink_to(os.path.relpath(link(folder, target), path.parent))
    return path


def link_to_nothing(folder: Path, target: Path) -> Path:
    """Put a link to a file that does not exist yet."""
    return link(folder, target.with_name("new"))


def link_of_a_group_member(folder: Path, target: Path) -> Path:
    """Put a link into a directory that a group can write."""
    folder.chmod(0o775)
    return link(folder, target)


def link_without_a_sticky_bit(folder: Path, target: Path) -> Path:
    """Put a link into a directory where others can rename everything."""
    folder.chmod(0o777)
    return link(folder, target)


@root_only
@pytest.mark.parametrize("name", REPORTS)
@pytest.mark.parametrize(
    "attack",
    [
        link,
        link_a_directory,
        link_in_an_own_directory,
        link_behind_a_link,
        link_to_nothing,
        link_of_a_group_member,
        link_without_a_sticky_bit,
    ],
)
def test_no_report_follows_a_link_of_another_user(
    name: str, attack: Callable[[Path, Path], Path], target: Path
) -> None:
    """A link of another user is not followed where others can write, anywhere on the path."""
    with shared_directory() as folder:
        path = attack(folder, target)
        try:
            with pytest.raises(OSError, match="is a symbolic link of the user nobody in a directory that"):
                REPORTS[name](path).finish(BUILDER.result())
        finally:
            if attack is link_behind_a_link:
                path.unlink()


@root_only
@pytest.mark.parametrize("arguments", [["bad"], ["--once", "a/b/c/d"]])
def test_the_refusal_is_reported_once_and_changes_no_code(target: Path, arguments: list[str]) -> None:
    """The rule also holds when the command line is rejected."""
    with shared_directory() as folder:
        path = link(folder, target)
        options = [word for name in list(REPORTS)[:3] for word in (name, str(path))]
        env = environment("http://127.0.0.1:1", WATCHER_OUTAGE_BUDGET="10ms")
        for option, value in zip(options[::2], options[1::2], strict=True):
            finished = run_watcher(option, value, *arguments, env=env)
            assert finished.code == (2 if arguments == ["bad"] else 75)
            assert finished.err.count(f"{option} {path} could not be written: {path} is a symbolic link") == 1


@pytest.mark.parametrize("name", IN_PLACE)
def test_no_report_overwrites_a_hard_link(name: str, target: Path) -> None:
    """A name in a shared directory may be a hard link to another file."""
    with shared_directory() as folder:
        path = folder / "report"
        os.link(target, path)
        with pytest.raises(OSError, match="has more than one hard link in a directory that others can write"):
            REPORTS[name](path).finish(BUILDER.result())


def test_the_status_file_replaces_a_hard_link(target: Path) -> None:
    """The status file is a new file, so the other name keeps its content."""
    with shared_directory() as folder:
        os.link(target, folder / "report")
        replace_file(folder / "report", b"{}")
        assert (folder / "report").read_bytes() == b"{}"


@root_only
@pytest.mark.parametrize("name", IN_PLACE)
@pytest.mark.parametrize("kind", ["file", "pipe"])
def test_no_report_goes_to_another_users_file(name: str, kind: str) -> None:
    """In a directory like ``/tmp``, another user could change the file later, or read from the pipe."""
    with shared_directory() as folder:
        path = folder / "report"
        path.touch() if kind == "file" else os.mkfifo(path)
        give_to_nobody(path)
        path.chmod(0o666)
        reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        with pytest.raises(OSError, match="belongs to the user nobody"):
            REPORTS[name](path).finish(BUILDER.result())
        assert os.read(reader, 1) == b""
        os.close(reader)


def own_link(folder: Path, target: Path) -> Path:
    """Return a link of the user's own in a shared directory."""
    path = folder / "own"
    path.symlink_to(target)
    return path


def others_link_in_a_safe_directory(folder: Path, target: Path) -> Path:
    """Return another user's link in a directory that only the user can write."""
    folder.chmod(0o755)
    return link(folder, target)


def mounted_file(folder: Path, _target: Path) -> Path:
    """Return a file as Kubernetes mounts it into ``/tmp``: root's, writable by everybody."""
    path = folder / "termination-log"
    path.touch()
    path.chmod(0o666)
    return path


def runners_file(folder: Path, _target: Path) -> Path:
    """Return a file as GitHub's runner mounts it into a container that runs as root."""
    folder.chmod(0o755)
    give_to_nobody(folder)
    path = folder / "set_output"
    path.touch()
    give_to_nobody(path)
    return path


@root_only
@pytest.mark.parametrize("name", REPORTS)
@pytest.mark.parametrize("place", [own_link, others_link_in_a_safe_directory, mounted_file, runners_file])
def test_usual_places_are_written(name: str, place: Callable[[Path, Path], Path]) -> None:
    """Links that nobody else can have created, and files that others mount, are written."""
    with shared_directory() as folder, shared_directory(0o700) as private:
        path = place(folder, private / "report")
        REPORTS[name](path).finish(BUILDER.result())
        assert "complete" in path.read_text("utf-8")


@pytest.mark.parametrize("kind", ["/dev/fd", "/proc/self/fd"])
def test_devices_and_pipes_are_written(kind: str) -> None:
    """The links of ``/dev`` and ``/proc`` lead to open files, which have no path."""
    if not Path(kind).exists():
        pytest.skip(f"{kind} does not exist")
    reader, writer = os.pipe()
    write_file(Path(kind, str(writer)), b"report")
    assert os.read(reader, 99) == b"report"
    os.close(reader)
    os.close(writer)
    write_file(Path("/dev/null"), b"report")


@pytest.mark.parametrize("name", IN_PLACE)
def test_a_report_to_standard_output_keeps_what_is_there(name: str, tmp_path: Path) -> None:
    """``/dev/stdout`` may be a file that other programs write as well."""
    if not Path("/proc/self/fd").exists():
        pytest.skip("/proc does not exist")
    (tmp_path / "log").write_text("earlier\n")
    with (tmp_path / "log").open("a") as file:
        report = REPORTS[name](Path(f"/proc/self/fd/{file.fileno()}"))
        report.discard_earlier_result()
        report.finish(BUILDER.result())
    assert (tmp_path / "log").read_text("utf-8").startswith("earlier\n")
    assert "complete" in (tmp_path / "log").read_text("utf-8")


@pytest.mark.parametrize("name", REPORTS)
def test_nobody_else_can_write_a_report(name: str, tmp_path: Path) -> None:
    """A new file is never writable by group or others, whatever the umask."""
    before = os.umask(0)
    try:
        REPORTS[name](tmp_path / "report").finish(BUILDER.result())
        REPORTS[name](tmp_path / "rejected").finish(NOTHING_WATCHED)
    finally:
        os.umask(before)
    modes = {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert modes == {0o644}


STALE = [name for name in REPORTS if not name.startswith("$")]
"""The reports that replace what an earlier run wrote."""


@pytest.mark.parametrize("name", STALE)
@pytest.mark.parametrize("linked", [False, True])
def test_no_result_of_an_earlier_run_stays(name: str, *, linked: bool) -> None:
    """Before anything else, the file is emptied or removed; if it must not be written, only its name is."""
    with shared_directory() as folder:
        path, other = folder / "report", folder / "other"
        path.write_text("complete")
        if linked:
            os.link(path, other)
        REPORTS[name](path).discard_earlier_result()
        assert not path.exists() or path.read_text("utf-8") == ""
        assert not linked or other.read_text("utf-8") == "complete"


@root_only
@pytest.mark.parametrize("name", STALE)
def test_a_result_that_cannot_be_removed_is_reported_once(name: str, target: Path) -> None:
    """The reader of the file is warned, and the final report adds no second line."""
    said: list[str] = []

    class Log(Report):
        def notify(self, notice: Notice) -> None:
            said.append(notice.message)

    with shared_directory() as folder:
        path = link(folder, target)
        Reports([REPORTS[name](path), Log()]).finish(BUILDER.result())
    (message,) = said
    assert message.startswith(f"{name} {path} could not be written: {path} is a symbolic link of the user")
    assert message.endswith("; it still has the content of an earlier run")


def test_a_run_that_is_killed_leaves_no_result_of_an_earlier_one(tmp_path: Path) -> None:
    """This holds from the start, also while the run waits for its inputs."""
    paths = {name: tmp_path / name for name in STALE}
    for path in paths.values():
        path.write_text('{"outcome":"complete"}')
    options = [word for name, path in paths.items() for word in (name, str(path))]
    process = start_watcher("-", *options)
    try:
        wait_for(lambda: not any(path.exists() and path.read_text("utf-8") for path in paths.values()))
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("code", [2, 75])
def test_only_the_holder_of_the_state_file_removes_results(tmp_path: Path, code: int) -> None:
    """A second run at the same time leaves the files to the first one; a rejected one replaces them."""
    (tmp_path / "env").write_text("WATCHER_OUTCOME=complete\n")
    options = ["--once", "--state-file", str(tmp_path / "state"), "--dotenv", str(tmp_path / "env")]
    with open_state_file(tmp_path / "state", pytest.fail):
        arguments = ["a/b/c/d"] if code == 75 else ["bad"]
        assert run_watcher(*options, *arguments, env=environment("http://127.0.0.1:1")).code == code
    outcome = "complete" if code == 75 else "usage"
    assert (tmp_path / "env").read_text("utf-8").startswith(f"WATCHER_OUTCOME={outcome}\n")
