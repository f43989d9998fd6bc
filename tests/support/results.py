"""Results of imports, made without a watch."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tests.support.driving import REF, Driven, seen
from watcher.core.exit_codes import ExitCodes, Result
from watcher.core.policy import Policy
from watcher.core.statuses import ImportStatus, Outcome
from watcher.reports.results import ResultBuilder

if TYPE_CHECKING:
    from collections.abc import Sequence

    from watcher.core.events import Event

NOTHING_WATCHED = Result(Outcome.USAGE, 2, "a/100% is not a target")
"""The result of a rejected command line."""


def life(*statuses: str, number: int = 0, until: str = "complete") -> list[Event]:
    """Return the events of an import with these statuses, one for each poll."""
    driven = Driven(Policy(until=ImportStatus(until)))
    for status in statuses:
        driven.receive(seen(status))
    ref = replace(REF, import_id=f"import-{number}")
    return [replace(event, ref=ref) for event in driven.events]


def builder_of(*lives: Sequence[Event]) -> ResultBuilder:
    """Return a builder that received these events."""
    builder = ResultBuilder(ExitCodes())
    for events in lives:
        for event in events:
            builder.receive(event)
    return builder
