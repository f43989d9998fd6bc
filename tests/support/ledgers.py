"""Ledgers of imports that reports can be shown, without a watch."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tests.support.driving import REF, Driven, seen
from watcher.core.exit_codes import ExitCodes
from watcher.reports.results import ResultBuilder

if TYPE_CHECKING:
    from watcher.core.events import Event


def life(*statuses: str, number: int = 0) -> list[Event]:
    """The events of an import that shows some statuses, one a poll."""
    driven = Driven()
    for status in statuses:
        driven.receive(seen(status))
    ref = replace(REF, import_id=f"import-{number}")
    return [replace(event, ref=ref) for event in driven.events]


def builder_of(*lives: list[Event]) -> ResultBuilder:
    """A builder that knows these lives."""
    builder = ResultBuilder(ExitCodes())
    for events in lives:
        for event in events:
            builder.receive(event)
    return builder
