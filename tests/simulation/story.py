"""A readable log of one run: requests, responses and events in order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from watcher.core.answers.replies import Answer
from watcher.core.events import Changed, Ended, Heartbeat, MetThrottle, MetUnknownStatus, Retrying, Watching

if TYPE_CHECKING:
    from tests.simulation.run import Arrived, Run
    from tests.simulation.scenario import Scenario
    from watcher.core.events import Event

_TIMING_HEADERS = ("date", "retry-after")


def command(seed: int) -> str:
    """Return the command that replays a seed."""
    return f"python -m tests.simulation --seed {seed}"


def report(run: Run, broken: str, lines: int = 40) -> str:
    """Return the message of a failing test: violation, command to replay it, and end of the log."""
    return "\n".join(
        [
            f"seed {run.scenario.seed} breaks {broken}",
            f"replay: {command(run.scenario.seed)}",
            *tell(run)[-lines:],
        ]
    )


def tell(run: Run) -> list[str]:
    """Return the log of a run, from its scenario to its result."""
    positions = {ref: position for position, ref in enumerate(run.scenario.refs)}
    moments = [
        *((arrived.at, 0, _answer(arrived)) for arrived in run.arrived),
        *((asked.at, 1, f"ask #{asked.number} for import {asked.position}") for asked in run.asked),
        *(
            (event.at.monotonic, 2, f"    import {positions[event.ref]}: {_event(event)}")
            for event in run.events
        ),
        *(
            (event.at.monotonic, 2, f"    group {number}, import {positions[event.ref]}: {_event(event)}")
            for number, log in enumerate(run.groups)
            for event in log.events
        ),
    ]
    moments.sort(key=lambda moment: moment[:2])
    lines = [*_describe(run.scenario), *(f"{at:14.6f}  {text}" for at, _, text in moments)]
    lines += [f"group {number} left at {log.left_at}" for number, log in enumerate(run.groups)]
    if run.crash is not None:
        lines.append(f"the watch broke: {type(run.crash).__name__}: {run.crash}")
    return [*lines, f"result: {run.result}"]


def _describe(scenario: Scenario) -> list[str]:
    lines = [
        f"seed {scenario.seed}, {scenario.flavour.value}, {len(scenario.refs)} imports",
        f"policy: {scenario.policy}",
        f"wishes: {scenario.wishes}",
        f"world: {scenario.world}",
    ]
    lines += [f"group {number}: {plan}" for number, plan in enumerate(scenario.groups)]
    for position, life in enumerate(scenario.lives):
        path = ", ".join(f"{phase.shown or 'missing'} from {phase.begins:.3f}" for phase in life)
        lines.append(f"import {position}: {path}")
    return lines


def _answer(arrived: Arrived) -> str:
    served, answer = arrived.served, arrived.served.answer
    text = f"got #{arrived.asked.number} for import {arrived.asked.position}: {served.meaning.value}"
    if isinstance(answer, Answer):
        headers = {
            name: value
            for name, value in answer.headers.items()
            if name in _TIMING_HEADERS or name.startswith("x-ratelimit")
        }
        text += f" (HTTP {answer.status}, {served.status}) {headers}"
    if arrived.named_until is not None:
        text += f"; nothing before {arrived.named_until:.6f}"
    return text


def _event(event: Event) -> str:
    match event:
        case Watching():
            return f"watching {event.goal}"
        case Changed():
            return f"{event.transition.source} -> {event.transition.to}"
        case MetThrottle():
            return f"throttled, {event.wait:.6f} s, named {event.named_wait}, {event.in_a_row} in a row"
        case Retrying():
            return f"retrying in {event.wait:.6f} s: {event.detail}"
        case MetUnknownStatus():
            return f"unknown status {event.status}"
        case Heartbeat():
            return f"heartbeat, {event.waiting} waiting"
        case Ended():
            return f"ended {event.outcome}: {event.message}"
