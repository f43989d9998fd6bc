"""Outages as users see them: of many imports, and in the mails of cron."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from tests.support.outages import Api, serving_outages
from tests.support.processes import environment, finish, run_watcher, start_watcher, wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FAST = ("--min-interval", "200ms", "--max-interval", "300ms")
TARGETS = [f"default/production/big-spenders/imp-{number}" for number in range(100)]


@pytest.fixture
def api() -> Iterator[Api]:
    """Return an API that can be down."""
    with serving_outages() as api:
        yield api


def lines_of(text: str) -> list[str]:
    """Return lines without their time of day."""
    return [re.sub(r"^[\d:]+ ", "", line) for line in text.splitlines()]


def test_an_outage_of_a_hundred_imports(api: Api) -> None:
    """The outage is one warning with the number, its end one line, and so is the common failure later."""
    process = start_watcher(*TARGETS, *FAST, "--outage-budget", "0", env=environment(api.base_uri))

    def every_import_was_polled() -> bool:
        return len(api.seen) == len(TARGETS)

    assert process.stderr is not None
    wait_for(every_import_was_polled)
    api.down = True
    api.seen.clear()
    wait_for(every_import_was_polled)
    process.stderr.readline()  # the host
    head = [process.stderr.readline() for _ in range(1 + len(TARGETS) + 1)]
    api.down = False
    again = process.stderr.readline()
    api.status = "stopped"
    finished = finish(process)
    assert lines_of(head[0]) == [
        "watching 100 imports of default/production/big-spenders until complete, for at most 1h"
    ]
    (warning,) = lines_of(head[-1])
    assert re.fullmatch(
        r"warning: 127\.0\.0\.1:\d+ responded with HTTP 503 .*; "
        r"retrying \((all 100 imports|\d+ of 100 imports so far)\)",
        warning,
    )
    assert re.fullmatch(r"responding again after \S+ \(all 100 imports\)", lines_of(again)[0])
    explained = [line for line in lines_of(finished.err) if "error:" in line]
    assert len(explained) == 2
    assert explained[0].endswith("(all 100 imports)")
    assert explained[1] == "error: 0 of 100 imports complete; exit code 3 (stopped)"
    assert finished.out.count("\n") == 100


def test_json_has_an_event_of_each_import(api: Api) -> None:
    """Programs get every retry and every outcome of every import."""
    api.down = True
    budget = ("--outage-budget", "1s", "--log-format", "json")
    finished = run_watcher(*TARGETS[:20], *FAST, *budget, env=environment(api.base_uri))
    events = Counter((event["event"], event.get("target")) for event in finished.events)
    assert finished.code == 75
    for target in TARGETS[:20]:
        assert events["retry", target] >= 1
        assert events["outcome", target] == 1


def test_cron_mails_the_beginning_and_the_end_of_an_outage(api: Api, tmp_path: Path) -> None:
    """However many runs fall into an outage, cron mails twice; faults within a run are no outage."""

    def look(*options: str) -> tuple[int, list[str]]:
        arguments = ("--once", "--outage-budget", "300ms", "--state-file", str(tmp_path / "state"), *options)
        finished = run_watcher(TARGETS[0], *arguments, env=environment(api.base_uri))
        lines = [line for line in lines_of(finished.err) if "not a LaunchDarkly host" not in line]
        return finished.code, [*lines, *finished.out.splitlines()]

    first = look()
    assert (first[0], first[1][0]) == (8, "in_progress")
    assert look() == (8, [])
    for _ in range(2):
        api.down = True
        code, mail = look()
        assert code == 75
        assert len(mail) == 2
        assert mail[0].startswith("error: no usable response for ")
        assert mail[1].startswith("unavailable ")
        assert look() == (75, [])
        code, (document,) = look("--output", "json")
        assert json.loads(document)["outcome"] == "unavailable"
        assert look() == (75, [])
        api.down = False
        code, mail = look()
        assert code == 8
        assert mail[0] == "responding again"
        assert len(mail) == 3
        assert look() == (8, [])
