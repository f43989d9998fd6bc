"""Tests of the access token: what is reread, and what is never shown."""

from __future__ import annotations

import asyncio
import copy
import os
import pickle
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest

from watcher.api.token import Secret, parse_token, wrong_key_hint
from watcher.api.token_sources import TokenFile, TokenSource
from watcher.core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.parametrize("value", ["api-1", "sdk-1", "mob-1", "0123456789abcdef01234567"])
def test_a_secret_is_never_formatted(value: str) -> None:
    """Neither `str` nor `repr` shows the token."""
    secret = Secret(value)
    assert value not in f"{secret} {secret!r}"
    assert secret.reveal() == value


def test_a_token_is_concealed_in_text_from_outside() -> None:
    """The token is replaced; text that contains it percent-encoded is replaced as a whole."""
    tokens = TokenSource(Secret("api-1"))
    assert tokens.conceal("bad key api-1") == "bad key ***"
    assert tokens.conceal("/login?key=%61pi-1") == "***"
    assert tokens.conceal("/login?key=%61") == "/login?key=%61"


def test_former_tokens_stay_concealed(tmp_path: Path) -> None:
    """A replaced token may still be valid, and a gateway may quote it later."""
    path = tmp_path / "token"
    path.write_text("api-first\n")
    tokens = TokenFile(path, "token")
    for following in ("api-second", "api-third"):
        path.write_text(following)
        assert tokens.reread() == Secret(following)
    text = "api-first was replaced by api-second and then by api-third"
    assert tokens.conceal(text) == "*** was replaced by *** and then by ***"


def test_a_file_that_is_being_replaced_keeps_the_old_token(tmp_path: Path) -> None:
    """An empty or missing file is not an error when it is read again."""
    path = tmp_path / "token"
    path.write_text("api-first\n")
    tokens = TokenFile(path, "token")
    path.write_text("")
    assert tokens.reread() == Secret("api-first")
    path.unlink()
    assert tokens.reread() == tokens.current() == Secret("api-first")


def test_a_pipe_is_read_only_once() -> None:
    """Reading a pipe again would block, so its token stays the first one."""
    reader, writer = os.pipe()
    os.write(writer, b"api-first\n")
    os.close(writer)
    tokens = TokenFile(Path(f"/dev/fd/{reader}"), "token")
    assert tokens.reread() == Secret("api-first")
    os.close(reader)


@pytest.mark.parametrize(
    "text", ["Bearer api-1", "'api-1'", '"api-1"', "api-…", "api-1 api-2", "api-\x00", "", " \n"]
)
def test_a_bad_token_is_rejected_and_not_shown(text: str) -> None:
    """The message names the source and the problem, and repeats nothing of the token."""
    with pytest.raises(
        UsageError, match=r"^LD_ACCESS_TOKEN (is empty|is in quotes|begins with|contains no)"
    ) as caught:
        parse_token(text, "LD_ACCESS_TOKEN")
    assert "api-1" not in str(caught.value)


def test_a_file_without_a_token_is_rejected(tmp_path: Path) -> None:
    """The message names setting and file, unless a token was given in place of the file name."""
    with pytest.raises(
        UsageError, match=r"^token_file .*/missing cannot be read: no such file or directory. Check the path"
    ):
        TokenFile(tmp_path / "missing", "token_file")
    binary = tmp_path / "binary"
    binary.write_bytes(b"\x80\x81")
    with pytest.raises(UsageError, match=r"^token_file .*/binary contains no access token"):
        TokenFile(binary, "token_file")
    with pytest.raises(UsageError, match=r"^token_file \*\*\* cannot be read"):
        TokenFile(Path("api-0f2b6a1e-1111-2222-3333-0123456789ab"), "token_file")


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("sdk-1", "an SDK key"),
        ("mob-1", "a mobile key"),
        ("0123456789abcdef01234567", "a client-side ID"),
    ],
)
def test_a_wrong_key_gets_a_hint(value: str, words: str) -> None:
    """LaunchDarkly's other keys get a hint that does not show the key."""
    hint = wrong_key_hint(Secret(value))
    assert hint is not None
    assert words in hint
    assert value not in hint


@pytest.mark.parametrize("value", ["api-1", "0123456789abcdef0123456", "0123456789ABCDEF01234567"])
def test_an_access_token_gets_no_hint(value: str) -> None:
    """Tokens that may be valid pass without a hint."""
    assert wrong_key_hint(Secret(value)) is None


def test_a_byte_order_mark_is_ignored(tmp_path: Path) -> None:
    """Editors on Windows write one; UTF-16 gets a message of its own."""
    path = tmp_path / "token"
    path.write_bytes(b"\xef\xbb\xbfapi-1\r\n")
    assert TokenFile(path, "token").current() == Secret("api-1") == parse_token("\ufeffapi-1", "X")
    path.write_text("api-1", encoding="utf-16")
    with pytest.raises(UsageError, match=r"^token .*/token is in UTF-16\. Convert it to UTF-8\.$"):
        TokenFile(path, "token")


@pytest.mark.parametrize("take", [copy.copy, copy.deepcopy, pickle.dumps, vars, msgspec.json.encode])
def test_a_secret_cannot_be_copied_into_text(take: Callable[[object], object]) -> None:
    """Neither pickle nor copy nor an encoder turns a secret into something that contains it."""
    with pytest.raises(TypeError):
        take(Secret("api-1"))


def test_a_source_of_tokens_cannot_be_pickled() -> None:
    """Objects that hold a secret inherit its protection."""
    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(TokenSource(Secret("api-1")))


BAD = ("api-secret here", "Bearer api-secret", "api-secret-\x00")


def shown(error: BaseException) -> str:
    """Return a traceback with the variables of the functions of this package."""
    captured = traceback.TracebackException.from_exception(error, capture_locals=True)
    ours = [frame for frame in captured.stack if f"{os.sep}watcher{os.sep}" in frame.filename]
    assert ours
    context = error.__context__
    return "\n".join(str(frame.locals) for frame in ours) + (shown(context) if context else "")


@pytest.mark.parametrize("text", BAD)
def test_a_traceback_with_variables_does_not_show_the_token(text: str, tmp_path: Path) -> None:
    """Error reporters such as Sentry record the variables of each function."""
    path = tmp_path / "token"
    path.write_text(text)
    utf16 = tmp_path / "utf16"
    utf16.write_text(text, encoding="utf-16")
    with pytest.raises(UsageError) as of_text:
        parse_token(text, "token")
    with pytest.raises(UsageError) as of_file:
        TokenFile(path, "token")
    with pytest.raises(UsageError) as of_utf16:
        TokenFile(utf16, "token")
    for caught in (of_text, of_file, of_utf16):
        assert "secret" not in shown(caught.value)
        assert "s\\x00e\\x00c" not in shown(caught.value)


def test_a_pipe_without_a_writer_does_not_block_the_loop(tmp_path: Path) -> None:
    """A pipe is read in a thread, which delays neither the loop nor the exit."""
    path = tmp_path / "pipe"
    os.mkfifo(path)

    async def run() -> Secret:
        opening = asyncio.create_task(TokenFile.opened(path, "token"))
        done, _ = await asyncio.wait([opening], timeout=0.05)
        assert not done
        path.write_text("api-first\n")
        return (await opening).current()

    assert asyncio.run(run()) == Secret("api-first")


def test_a_cancelled_read_of_a_pipe_ends_at_once(tmp_path: Path) -> None:
    """A pipe that nobody writes to prevents neither a timeout nor the end of the loop."""
    path = tmp_path / "pipe"
    os.mkfifo(path)

    async def run() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(TokenFile.opened(path, "token"), 0.05)

    began = time.monotonic()
    asyncio.run(run())
    assert time.monotonic() - began < 10
    path.open("wb").close()  # ends the thread
