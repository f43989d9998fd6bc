"""The result on standard output."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.support.ledgers import builder_of, life
from watcher.core.exit_codes import ExitCodes
from watcher.reports.stdout import JsonLinesOutput
from watcher.reports.stream import Stream

if TYPE_CHECKING:
    from pathlib import Path


def test_the_last_line_is_not_older_than_another(tmp_path: Path) -> None:
    """Whichever import ended last, the result comes when it did."""
    slow, quick = life("preparing", "ready", "complete", number=0), life("complete", number=1)
    assert slow[-1].at.unix > quick[-1].at.unix
    builder = builder_of(slow, quick)
    path = tmp_path / "out"
    with path.open("w") as file:
        output = JsonLinesOutput(Stream(file), builder, ExitCodes())
        for event in (*quick, *slow):
            output.receive(event)
        output.finish(builder.finish())
    moments = [json.loads(line)["at"] for line in path.read_text("utf-8").splitlines()]
    assert moments[-1] == max(moments)
