"""Another user cannot forge a success with a state file, and cannot block a run with its lock."""

from __future__ import annotations

import fcntl
import os
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from tests.support.driving import Driven, seen
from tests.support.processes import TOKEN, environment, run_watcher
from tests.support.users import give_to_nobody, locked_by_nobody, root_only, shared_directory
from watcher.api.token import Secret
from watcher.core.errors import BusyError, UsageError
from watcher.core.model import ImportRef
from watcher.core.wait.saved import SavedWait
from watcher.state.disk import open_state_file
from watcher.state.document import ImportEntry, encode, encode_entry
from watcher.state.store import open_store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

NOWHERE = "http://127.0.0.1:1"
REF = ImportRef("default", "production", "big-spenders", "1234a567")


def forged() -> bytes:
    """Return a state file in which the import is complete, as if saved with the token of the tests."""
    driven = Driven()
    driven.receive(seen("complete"))
    wait = SavedWait.after(driven.events[-1])
    entry = ImportEntry(NOWHERE, REF, 4e9, wait)
    return encode([encode_entry(replace(entry, seal=Secret(TOKEN).seal(entry.sealed_text)))], {})


@pytest.fixture
def folder() -> Iterator[Path]:
    """Return a directory like ``/tmp``."""
    with shared_directory() as path:
        yield path


def link_a_public_file(state: Path) -> None:
    """Link a file of the victim's that everybody can write."""
    public = state.with_name("public")
    public.write_bytes(forged())
    public.chmod(0o666)
    os.link(public, state)


def move_a_public_file(state: Path) -> None:
    """Move such a file, so that it has one link."""
    link_a_public_file(state)
    state.with_name("public").unlink()


def link_a_private_file(state: Path) -> None:
    """Link another file of the victim's."""
    state.write_bytes(forged())
    state.chmod(0o600)
    os.link(state, state.with_name("other"))


def put_an_own_file(state: Path) -> None:
    """Put a file of the attacker's there."""
    state.write_bytes(forged())
    state.chmod(0o644)
    give_to_nobody(state)


def put_a_link(state: Path) -> None:
    """Put a symbolic link to a file of the victim's there."""
    other = state.with_name("other")
    other.write_bytes(forged())
    other.chmod(0o600)
    state.symlink_to(other)


def put_a_link_of_the_attacker(state: Path) -> None:
    """Put a symbolic link there that belongs to the attacker."""
    put_a_link(state)
    give_to_nobody(state)


def put_a_pipe(state: Path) -> None:
    """Put a named pipe there."""
    os.mkfifo(state)


@pytest.mark.parametrize(
    ("attack", "words"),
    [
        (link_a_public_file, "has more than one hard link; it is now"),
        (move_a_public_file, "can be written by other users; it is now"),
        (link_a_private_file, "has more than one hard link; it is now"),
        pytest.param(
            put_an_own_file, "belongs to the user nobody. Name a file of your own.", marks=root_only
        ),
        (put_a_link, "is a symbolic link. Name a regular file."),
        pytest.param(put_a_link_of_the_attacker, "is a symbolic link", marks=root_only),
        (put_a_pipe, "is not a regular file"),
    ],
)
def test_a_forged_state_file_is_not_used(folder: Path, attack: Callable[[Path], None], words: str) -> None:
    """A state file is trusted only if it is the user's, has one link and no other writer."""
    state, messages = folder / "state", list[str]()
    attack(state)
    is_refused = words.endswith((".", "link", "file"))
    try:
        with open_store(state, NOWHERE, [REF], messages.append, seal=Secret(TOKEN).seal) as store:
            assert not store.saved.waits[REF].is_final
    except UsageError as error:
        messages.append(str(error))
        assert is_refused
    (message,) = messages
    assert message.startswith(f"--state-file: {state} {words}")
    kept = [path for path in folder.iterdir() if path.is_file() and b"complete" in path.read_bytes()]
    assert kept or attack is put_a_pipe  # never lost


def link_the_directory(folder: Path, victims: Path) -> Path:
    """Put a link in the place of the directory."""
    (folder / "directory").symlink_to(victims)
    give_to_nobody(folder / "directory")
    return folder / "directory" / "state"


def link_a_directory_above(folder: Path, victims: Path) -> Path:
    """Put a link in the place of a directory on the way."""
    path = link_the_directory(folder, victims.parent)
    return path.parent / victims.name / "state"


def link_behind_a_link(folder: Path, victims: Path) -> Path:
    """Put a link where a link of the victim's leads."""
    own = victims / "own"
    own.symlink_to(link_the_directory(folder, victims).parent)
    return own / "state"


@root_only
@pytest.mark.parametrize("attack", [link_the_directory, link_a_directory_above, link_behind_a_link])
def test_no_state_file_is_reached_through_a_link_of_another_user(
    folder: Path, attack: Callable[[Path, Path], Path]
) -> None:
    """Nothing in the directory that the link leads to is read, created, renamed or replaced."""
    with shared_directory(0o700) as victims:
        state = attack(folder, victims)
        (victims / "state").write_text("precious")
        before = sorted(victims.iterdir())
        words = "is a symbolic link of the user nobody in a directory that others can write to"
        with pytest.raises(UsageError, match=words), open_store(state, NOWHERE, [REF], pytest.fail):
            pass
        assert sorted(victims.iterdir()) == before
        assert (victims / "state").read_text() == "precious"


@root_only
def test_a_directory_that_is_exchanged_stays_the_same(folder: Path) -> None:
    """A run goes on in the directory that it has opened, whatever has its name later."""
    with shared_directory(0o700) as victims:
        (victims / "state").write_text("precious")
        (folder / "directory").mkdir()
        with open_state_file(folder / "directory" / "state", pytest.fail) as file:
            (folder / "directory").rename(folder / "other")
            link_the_directory(folder, victims)
            assert file.read() is None
            file.write(b"{}")
            file.set_aside()
        assert [path.name for path in victims.iterdir()] == ["state"]
        assert (victims / "state").read_text() == "precious"


def test_a_link_of_the_user_leads_to_a_state_file(folder: Path) -> None:
    """A directory may be a link of the user's own."""
    (folder / "directory").mkdir()
    (folder / "own").symlink_to("directory")
    with open_state_file(folder / "own" / "state", pytest.fail) as file:
        file.write(b"{}")
    assert (folder / "directory" / "state").read_bytes() == b"{}"


@pytest.mark.parametrize(("token", "is_trusted"), [(TOKEN, True), ("api-other", False)])
def test_a_final_status_needs_the_token(tmp_path: Path, token: str, *, is_trusted: bool) -> None:
    """A file from a repository or an artifact, which belongs to the user, cannot end a run."""
    state = tmp_path / "state"
    state.write_bytes(forged())
    for _ in range(2):  # the entry is not trusted later, either
        with open_store(state, NOWHERE, [REF], pytest.fail, seal=Secret(token).seal) as store:
            assert store.saved.waits[REF].is_final == is_trusted


@pytest.mark.parametrize("change", [("production", "staging"), ("1234a567", "1234a568")])
def test_a_seal_is_for_one_import(tmp_path: Path, change: tuple[str, str]) -> None:
    """The seal of an import that is final proves nothing about another one."""
    state, keys = tmp_path / "state", "/".join(REF.keys).replace(*change).split("/")
    state.write_bytes(forged().replace(change[0].encode(), change[1].encode()))
    other = ImportRef(*keys)
    with open_store(state, NOWHERE, [other], pytest.fail, seal=Secret(TOKEN).seal) as store:
        assert not store.saved.waits[other].is_final


def test_a_forged_success_runs_no_command(folder: Path) -> None:
    """The program sends a request instead, and does not run the command."""
    link_a_public_file(folder / "state")
    ran = folder / "ran"
    options = ("--once", "--outage-budget", "10ms", "--state-file", str(folder / "state"))
    finished = run_watcher(*options, str(REF), "--", "touch", str(ran), env=environment(NOWHERE))
    assert finished.code == 75
    assert "has more than one hard link" in finished.err
    assert not ran.exists()


@root_only
@pytest.mark.parametrize(
    ("mode", "message"),
    [
        (0o600, None),
        (0o666, "can be written by other users and was locked by the user nobody (process {pid}); it is now"),
    ],
)
def test_a_lock_of_another_user_is_named(folder: Path, mode: int, message: str | None) -> None:
    """A lock of another user never looks like a second run, which ``--exit-code`` can turn into a success."""
    lock, warnings = folder / "state.lock", list[str]()
    lock.touch()
    lock.chmod(0o666)
    with locked_by_nobody(lock) as pid, ExitStack() as stack:
        lock.chmod(mode)
        if message is None:
            words = (
                rf"is locked by the user nobody \(process {pid}\)\. Name a file in a directory of your own"
            )
            with pytest.raises(UsageError, match=words):
                stack.enter_context(open_state_file(folder / "state", warnings.append))
        else:
            stack.enter_context(open_state_file(folder / "state", warnings.append))
            assert warnings[0].startswith(f"--state-file: {lock} {message.format(pid=pid)} {lock}.")


@root_only
@pytest.mark.parametrize("passed_on", [False, True])
def test_a_held_lock_gives_no_success(folder: Path, *, passed_on: bool) -> None:
    """A lock of another user is code 2 even if ``unavailable`` is mapped to 0."""
    lock = folder / "state.lock"
    lock.touch()
    lock.chmod(0o666)
    options = ("--once", "--exit-code", "unavailable=0", "--state-file", str(folder / "state"))
    with locked_by_nobody(lock, passed_on=passed_on):
        lock.chmod(0o600)
        finished = run_watcher(*options, str(REF), env=environment(NOWHERE))
    assert finished.code == 2
    assert "is locked by the user nobody" in finished.err


def test_a_lock_of_the_same_user_is_a_second_run(folder: Path) -> None:
    """A lock of the user's own is a second run, whatever the mode of its file."""
    for mode in (0o600, 0o666):
        lock = folder / f"{mode:o}.lock"
        lock.touch()
        lock.chmod(mode)
        with lock.open("r+") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            with pytest.raises(BusyError), open_state_file(folder / f"{mode:o}", pytest.fail):
                pass
