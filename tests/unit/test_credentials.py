"""The access token: what is read again, and what is never shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from watcher.credentials import Secret, TokenFile

if TYPE_CHECKING:
    from pathlib import Path


def test_a_token_that_was_replaced_stays_hidden(tmp_path: Path) -> None:
    """Where rotations overlap, the old token still opens doors, and a gateway may quote it later."""
    path = tmp_path / "token"
    path.write_text("api-first\n")
    tokens = TokenFile(path)
    for following in ("api-second", "api-third"):
        path.write_text(following)
        assert tokens.reread() == Secret(following)
    text = "api-first was replaced by api-second and then by api-third"
    assert tokens.conceal(text) == "*** was replaced by *** and then by ***"


def test_a_file_that_is_being_replaced_leaves_the_token_as_it_was(tmp_path: Path) -> None:
    """An empty file and one that is gone bring no other token, and are no error."""
    path = tmp_path / "token"
    path.write_text("api-first\n")
    tokens = TokenFile(path)
    path.write_text("")
    assert tokens.reread() == Secret("api-first")
    path.unlink()
    assert tokens.reread() == tokens.current() == Secret("api-first")
