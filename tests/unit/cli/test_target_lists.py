"""Tests of lists of targets."""

from __future__ import annotations

import os
import re
import threading
from pathlib import Path

import pytest

from watcher.cli import target_lists
from watcher.cli.header_blocks import begins_with_headers
from watcher.cli.reading import Reading
from watcher.cli.target_lists import TargetLists, parse_target_list
from watcher.core.errors import UsageError
from watcher.core.model import ImportRef

REF = ImportRef("default", "production", "big-spenders", "1234a567")
KEYS = "default/production/big-spenders/1234a567"
PATH = "/api/v2/segments/default/production/big-spenders/imports/1234a567"
SECRET = "api-0f2b6a1e-1111-2222-3333-0123456789ab"
URL = f"https://app.launchdarkly.com{PATH}"


@pytest.mark.parametrize(
    "text",
    [
        f"# imports of tonight\n\n  {KEYS}  \n",
        f"{KEYS}/\n",
        f"Location: {PATH}\n",
        f"location:{URL}",
        f"\ufeff{KEYS}\n{KEYS}\r\n",
        f"{KEYS}\n# \x0ba/b/c/d \x1ca/b/c/d \x85a/b/c/d \u2028a/b/c/d\n",  # one comment
    ],
)
def test_lists_name_imports(text: str) -> None:
    """Each line is a target or a Location field."""
    assert {target.ref for target in parse_target_list(text, "standard input")} == {REF}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("\n# nothing\n", "names no import"),
        (f"{KEYS}\nnonsense\n", "line 2"),
        (f"{KEYS} # the first\n", "line 1: '"),
        (f"{KEYS}\t# the first\n", "Put the comment on its own line"),
        ('{"id": "1234a567"}', "contains a response body"),
        (f"* Connected\n> authorization: {SECRET}\n", "contains the output of curl -v"),
        (f"{KEYS}\n{SECRET}\n", "line 2: target looks like an access token"),
        (f"Authorization: {SECRET}\n", "'Authorization: ***'"),
        (f"{KEYS}\x1f\n", "line 1: target begins or ends with an invisible character"),
        (f"Location: {PATH}\x85\n", "line 1: target begins or ends with an invisible character"),
        ("\1\0\2", "is not text"),
        ("ELF\ufffd\n", "is not text"),
    ],
)
def test_a_list_without_an_import_is_rejected(text: str, words: str) -> None:
    """The message names the line, and never repeats a token."""
    with pytest.raises(UsageError) as caught:
        parse_target_list(text, "standard input")
    assert words in str(caught.value)
    assert str(caught.value).isprintable()
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("standard input", "standard input is empty (did the command before the pipe fail?). Write "),
        ("imports.txt", "imports.txt names no import. Write "),
    ],
)
def test_an_empty_list(source: str, message: str) -> None:
    """Only an empty pipe can come from a command that failed."""
    with pytest.raises(UsageError, match=f"^{re.escape(message)}"):
        parse_target_list("", source)


@pytest.mark.parametrize("body", ['{"code": "invalid_request"}', " <html>\n<p>no</p>", "\ufeff{}"])
def test_a_body_instead_of_headers_is_recognized(body: str) -> None:
    """If curl ran without -D, the message says so and quotes the body."""
    with pytest.raises(UsageError, match=r"standard input contains a response body .* curl -sS -D -"):
        parse_target_list(body, "standard input")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_a_list_in_utf_16_is_named(tmp_path: Path, encoding: str) -> None:
    """A list that PowerShell wrote is reported as such."""
    (tmp_path / "list").write_bytes(f"{KEYS}\n".encode(encoding))
    with pytest.raises(UsageError, match=r"list is in UTF-16\. Convert it to UTF-8\."):
        TargetLists(Reading()).read(f"@{tmp_path / 'list'}")


def test_a_byte_order_mark_is_ignored(tmp_path: Path) -> None:
    """A list may begin with the byte-order mark of UTF-8."""
    (tmp_path / "list").write_bytes(f"{KEYS}\n".encode("utf-8-sig"))
    (target,) = TargetLists(Reading()).read(f"@{tmp_path / 'list'}")
    assert target.ref == REF


def test_a_pipe_need_not_be_closed(tmp_path: Path) -> None:
    """Headers are read until the block of the creation is complete, byte by byte if need be."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    finished = threading.Event()

    def write() -> None:
        with fifo.open("wb", buffering=0) as pipe:
            for byte in f"HTTP/2 204 \r\nlocation: {PATH}\r\n\r\n".encode():
                pipe.write(bytes([byte]))
            finished.wait(20)

    writer = threading.Thread(target=write)
    writer.start()
    (target,) = TargetLists(Reading()).read(f"@{fifo}")
    finished.set()
    writer.join()
    assert target.ref == REF


def test_a_list_is_not_read_again_after_an_error(tmp_path: Path) -> None:
    """Standard input would block again, and what arrives later would contradict the error."""
    path = tmp_path / "list"
    path.write_text("nonsense\n")
    lists = TargetLists(Reading())
    with pytest.raises(UsageError):
        lists.read(f"@{path}")
    path.write_text(f"{KEYS}\n")
    assert lists.read(f"@{path}") == []


INTERIM = "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
CREATED = f"HTTP/1.1 204 No Content\r\nLocation: {PATH}\r\n\r\n"


def read_in_chunks(text: str, size: int, folder: Path, monkeypatch: pytest.MonkeyPatch) -> object:
    """Return the targets that are read if a pipe passes ``size`` bytes at a time, or the message."""
    (folder / "list").write_text(text)
    read = os.read
    with monkeypatch.context() as patched:
        patched.setattr(os, "read", lambda descriptor, _: read(descriptor, size))
        try:
            return TargetLists(Reading()).read(f"@{folder / 'list'}")
        except UsageError as error:
            return str(error)


@pytest.mark.parametrize("size", [1, 2, 7, 64])
@pytest.mark.parametrize(
    "text",
    [
        INTERIM * 3 + CREATED,
        INTERIM + CREATED + "body",
        f"\n\n{INTERIM}\n{CREATED}",
        f"\n\n{KEYS}\n\n{KEYS}\n",
        f"{KEYS}\n\nHTTP/1.1 204 x\n\n",
        f"HT\n\n{CREATED}",
        f"HTTP/1.1 200 OK\r\n\r\n{{}}\n\n{CREATED}",
        f"{INTERIM}HTTP/1.1 409 Conflict\r\n\r\n{CREATED}",
    ],
)
def test_the_size_of_pieces_does_not_matter(
    text: str, size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Headers and lists are read in the same way, however a pipe divides them."""
    whole = read_in_chunks(text, 1 << 16, tmp_path, monkeypatch)
    assert read_in_chunks(text, size, tmp_path, monkeypatch) == whole


@pytest.mark.parametrize("text", [INTERIM, "\n", f"{KEYS}\n\n"])
def test_each_block_is_looked_at_once(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A flood of blocks or blank lines takes no more time than its size."""
    sizes: list[int] = []

    def note(text: str) -> bool:
        sizes.append(len(text))
        return begins_with_headers(text)

    monkeypatch.setattr(target_lists, "begins_with_headers", note)
    read_in_chunks(text * 500 + CREATED, len(text), tmp_path, monkeypatch)
    assert sum(sizes) <= 3 * len(text * 500 + CREATED)


def test_an_endless_list_is_refused() -> None:
    """No more than a few megabytes are read."""
    with pytest.raises(UsageError, match=r"/dev/zero is longer than 4 MiB. Split it"):
        TargetLists(Reading()).read("@/dev/zero")
