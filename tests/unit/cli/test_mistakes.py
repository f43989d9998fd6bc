"""Common mistakes with arguments that are not options."""

from __future__ import annotations

import pytest

from tests.support.driving import REF
from watcher.api.targets import Target
from watcher.cli.mistakes import parse_positional
from watcher.core.errors import UsageError

KEYS = str(REF)


@pytest.mark.parametrize(
    ("targets", "text", "words"),
    [
        (
            ["status", KEYS],
            "status",
            "status is not a target, and there are no subcommands: use --once to look once.",
        ),
        (["wait", KEYS], "wait", "leave it out to wait for the import"),
        (["help"], "help", "use --help"),
        (["demo"], "demo", "use --demo"),
        ([KEYS, "status"], "status", "does not have four parts"),
        ([KEYS, "sh"], "sh", "'sh' is a command and not a target. Write -- before it: TARGET -- sh"),
        ([KEYS, "./deploy.sh"], "./deploy.sh", "is a command and not a target"),
        ([KEYS, "/bin/sh"], "/bin/sh", "is a command and not a target"),
        (["sh"], "sh", "does not have four parts"),
        ([KEYS, "a/b"], "a/b", "does not have four parts"),
    ],
)
def test_mistakes_are_named(targets: list[str], text: str, words: str) -> None:
    """Subcommands and commands are recognized where users write them."""
    with pytest.raises(UsageError) as caught:
        parse_positional(text, targets)
    assert words in str(caught.value)


def test_a_target_is_no_mistake() -> None:
    """A target is parsed as such, wherever it stands."""
    assert parse_positional(KEYS, ["x", KEYS]) == Target(REF)
