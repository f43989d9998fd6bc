"""The access token: what is read again, and what is never shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from watcher.api.token import Secret, TokenFile, hint_at_wrong_key, parse_token
from watcher.core.errors import UsageError

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


@pytest.mark.parametrize("text", ["Bearer api-1", "api-…", "api-1 api-2", "api-\x00", ""])
def test_what_is_no_token_is_refused_and_not_shown(text: str) -> None:
    """The message says where it stands and what is wrong, and repeats nothing of it."""
    with pytest.raises(UsageError, match=r"^LD_ACCESS_TOKEN holds") as caught:
        parse_token(text, "LD_ACCESS_TOKEN")
    assert "api-1" not in str(caught.value)


def test_quotes_around_a_token_are_hinted_at() -> None:
    """An env file of a container keeps them, and the API refuses them without saying why."""
    assert "within quotes" in (hint_at_wrong_key(Secret('"api-1"')) or "")


def test_a_file_that_is_being_replaced_leaves_the_token_as_it_was(tmp_path: Path) -> None:
    """An empty file and one that is gone bring no other token, and are no error."""
    path = tmp_path / "token"
    path.write_text("api-first\n")
    tokens = TokenFile(path)
    path.write_text("")
    assert tokens.reread() == Secret("api-first")
    path.unlink()
    assert tokens.reread() == tokens.current() == Secret("api-first")
