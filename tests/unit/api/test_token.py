"""Tests of the access token: what is reread, and what is never shown."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from watcher.api.token import Secret, TokenFile, TokenSource, parse_token, wrong_key_hint
from watcher.core.errors import UsageError


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


@pytest.mark.parametrize("text", ["Bearer api-1", "api-…", "api-1 api-2", "api-\x00", "", " \n"])
def test_a_bad_token_is_rejected_and_not_shown(text: str) -> None:
    """The message names the source and the problem, and repeats nothing of the token."""
    with pytest.raises(UsageError, match=r"^LD_ACCESS_TOKEN (is empty|begins with|contains no)") as caught:
        parse_token(text, "LD_ACCESS_TOKEN")
    assert "api-1" not in str(caught.value)


def test_a_file_without_a_token_is_rejected(tmp_path: Path) -> None:
    """The message names setting and file, unless a token was given in place of the file name."""
    with pytest.raises(
        UsageError, match=r"^token_file .*/missing cannot be read: no such file or directory. Check the path"
    ):
        TokenFile(tmp_path / "missing", "token_file")
    binary = tmp_path / "binary"
    binary.write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match=r"^token_file .*/binary cannot be read: it is not text"):
        TokenFile(binary, "token_file")
    with pytest.raises(UsageError, match=r"^token_file \*\*\* cannot be read"):
        TokenFile(Path("api-0f2b6a1e-1111-2222-3333-0123456789ab"), "token_file")


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ('"api-1"', "in quotes"),
        ("'api-1'", "in quotes"),
        ("sdk-1", "an SDK key"),
        ("mob-1", "a mobile key"),
        ("0123456789abcdef01234567", "a client-side ID"),
    ],
)
def test_a_wrong_key_gets_a_hint(value: str, words: str) -> None:
    """Quotes from an env file and LaunchDarkly's other keys get a hint that does not show the key."""
    hint = wrong_key_hint(Secret(value))
    assert hint is not None
    assert words in hint
    assert value not in hint


@pytest.mark.parametrize("value", ["api-1", "0123456789abcdef0123456", "0123456789ABCDEF01234567"])
def test_an_access_token_gets_no_hint(value: str) -> None:
    """Tokens that may be valid pass without a hint."""
    assert wrong_key_hint(Secret(value)) is None
