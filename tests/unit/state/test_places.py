"""The way to the file of a report."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from watcher.reports.files import replace_file, write_file

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.parametrize(
    ("link", "target"),
    [
        ("relative", "directory/file"),
        ("absolute", "{}/directory/file"),
        ("up", "directory/../directory/./file"),
        ("chain", "relative"),
        ("down", "directory/back"),
    ],
)
@pytest.mark.parametrize("write", [write_file, replace_file])
def test_links_lead_where_the_kernel_leads(
    tmp_path: Path, write: Callable[[Path, bytes], None], link: str, target: str
) -> None:
    """A link of the user's own is followed like ``open`` does, also to a file that does not exist yet."""
    (tmp_path / "directory").mkdir()
    (tmp_path / "relative").symlink_to("directory/file")
    (tmp_path / "directory" / "back").symlink_to("../directory/file")
    path = tmp_path / link
    if not path.is_symlink():
        path.symlink_to(target.format(tmp_path))
    for content in (b"first", b"second"):
        write(path, content)
        assert (tmp_path / "directory" / "file").read_bytes() == content
    assert path.is_symlink()
    assert {found.name for found in (tmp_path / "directory").iterdir()} == {"back", "file"}


def test_a_relative_path_begins_in_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A path may have any number of names, and ``..`` leads up."""
    (tmp_path / "directory").mkdir()
    monkeypatch.chdir(tmp_path / "directory")
    for name in ("file", "./file", "../directory/file", "../file"):
        write_file(Path(name), name.encode())
        assert (tmp_path / "directory" / name).read_text() == name


def test_a_loop_of_links_ends(tmp_path: Path) -> None:
    """A link to itself is the error that the kernel reports."""
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(OSError, match="Too many levels of symbolic links"):
        write_file(tmp_path / "loop", b"")


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("missing/file", "No such file or directory"),
        ("file/file", "Not a directory"),
        (".", "Is a directory"),
        ("directory", "Is a directory"),
    ],
)
def test_other_errors_are_those_of_the_kernel(tmp_path: Path, path: str, reason: str) -> None:
    """A path that leads nowhere has the usual reason."""
    (tmp_path / "file").touch()
    (tmp_path / "directory").mkdir()
    with pytest.raises(OSError, match=reason):
        write_file(tmp_path / path, b"")


def test_no_descriptor_stays_open(tmp_path: Path) -> None:
    """Each directory on the way is closed, also after an error."""
    (tmp_path / "directory").mkdir()
    (tmp_path / "link").symlink_to("directory")
    before = len(list(Path("/dev/fd").iterdir()))
    write_file(tmp_path / "link" / "file", b"")
    replace_file(tmp_path / "link" / "file", b"")
    for path in ("link/missing/file", "link/file/file", "link"):
        with pytest.raises(OSError, match=r".+"):
            write_file(tmp_path / path, b"")
    assert len(list(Path("/dev/fd").iterdir())) == before
