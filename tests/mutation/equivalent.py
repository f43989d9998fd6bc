"""Mutants that change nothing that can be observed, with the reason."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_NO_FIELD: Final = "A missing field is read like one without a number or a date."
_FALSE: Final = "None is as false as False or 0."
_WHOLE: Final = "Numbers of requests are whole."
_KEYS: Final = "Only the keys are read."
_SET_BEFORE: Final = "It is set before it is read."
_NOT_SHOWN: Final = "The caller says only that the file is damaged."
_UNREACHABLE: Final = "The type checker proves that this is never reached."
_DATE: Final = 'served = _http_date(headers.get("date", '

EQUIVALENT: Final[Mapping[str, Mapping[str, str]]] = {
    "answers.quoting._page_text": {
        'line = next((line for line in lines if line.strip()), "") -> '
        "line = next((line for line in lines if line.strip()), None)": "Both defaults mean no line."
    },
    "answers.rate_limits.read_rate_limits": {
        f'{_DATE}"")) -> {_DATE}None))': _NO_FIELD,
        f'{_DATE}"")) -> {_DATE}))': _NO_FIELD,
        f'{_DATE}"")) -> {_DATE}"XXXX"))': _NO_FIELD,
        'remaining = _least(headers.get(left, "")) -> remaining = _least(headers.get(left, "XXXX"))': (
            _NO_FIELD
        ),
        'budgets.append(Budget(limit, _least(headers.get(size, "")), remaining, window, resets_in)) -> '
        'budgets.append(Budget(limit, _least(headers.get(size, "XXXX")), remaining, window, resets_in))': (
            _NO_FIELD
        ),
    },
    "answers.rate_limits._retry_after": {
        "is_plausible = False -> is_plausible = None": _FALSE,
    },
    "fleet.agenda.Agenda.finish": {"scheduled.blocked = False -> scheduled.blocked = None": _FALSE},
    "fleet.fleet.Fleet.join": {
        'self._groups[group] = None -> self._groups[group] = ""': _KEYS,
        'self._with_heartbeat[group] = None -> self._with_heartbeat[group] = ""': _KEYS,
    },
    "fleet.fleet.Fleet.receive": {
        "if current is not None and now.monotonic < current.resume_at: -> "
        "if current is not None and now.monotonic <= current.resume_at:": (
            "Group.end_held compares the same times and returns at once."
        ),
    },
    "fleet.group.Group.__init__": {
        "self._last_event_at = 0.0 -> self._last_event_at = None": _SET_BEFORE,
        "self._last_event_at = 0.0 -> self._last_event_at = 1.0": _SET_BEFORE,
    },
    "fleet.group.Group.resume": {"scheduled.paused = False -> scheduled.paused = None": _FALSE},
    "fleet.limiter._Throttles.__init__": {
        "self.ceiling = 0.0 -> self.ceiling = None": _SET_BEFORE,
        "self.ceiling = 0.0 -> self.ceiling = 1.0": _SET_BEFORE,
    },
    "fleet.limiter.Limiter.__init__": {
        "self._started_at = -math.inf -> self._started_at = None": _SET_BEFORE,
        "self._started_at = -math.inf -> self._started_at = +math.inf": _SET_BEFORE,
    },
    "fleet.limiter.Limiter._make_hold": {
        "resume_at = max(resume_at, self._windows.allowed_at(last=False)) -> "
        "resume_at = max(resume_at, self._windows.allowed_at(last=None))": _FALSE,
        "if begins > now: -> if begins >= now:": (
            "This jitter is at most a second, and a backoff is at least one."
        ),
    },
    "fleet.share.Share.observe": {
        "if not others or remaining > size // RESERVE or throttled: -> "
        "if not others or remaining > size / RESERVE or throttled:": _WHOLE,
    },
    "fleet.windows.Windows.__init__": {
        "self._spacing = 0.0 -> self._spacing = None": _FALSE,
        "self._last_end = -math.inf -> self._last_end = None": _SET_BEFORE,
        "self._last_end = -math.inf -> self._last_end = +math.inf": _SET_BEFORE,
    },
    "fleet.windows.Windows._open": {
        "known.window = _Window(budget.window, left, known.size // RESERVE, ends, resumes) -> "
        "known.window = _Window(budget.window, left, known.size / RESERVE, ends, resumes)": _WHOLE,
    },
    "fleet.windows.Windows._update_share": {
        "before = known.share.requests -> before = None": "The same value is computed again.",
    },
    "fleet.windows._is_newer": {
        "return name != current and (name is None or current is None or name > current) -> "
        "return name != current and (name is None or current is None or name >= current)": (
            "The names are not equal."
        ),
    },
    "wait.faults.FaultRules.__init__": {
        "self._responded = False -> self._responded = None": _FALSE,
        "self._misdirected = False -> self._misdirected = None": _FALSE,
    },
    "wait.faults.interpret": {
        "case _: assert_never(reply) -> ": _UNREACHABLE,
        "assert_never(reply) -> assert_never(None)": _UNREACHABLE,
    },
    "wait.faults.FaultRules._retry_or_end": {
        'next_step = "" -> next_step = None': "Both mean no next step of its own.",
    },
    "wait.record.Record.__init__": {
        "self.since = started -> self.since = None": _SET_BEFORE,
    },
    "wait.saved.SavedWait.checked": {"raise ValueError(self) -> raise ValueError(None)": _NOT_SHOWN},
    "wait.saved._text": {"raise ValueError(text) -> raise ValueError(None)": _NOT_SHOWN},
    "wait.waiter.Waiter.__init__": {"self._rate_limited = False -> self._rate_limited = None": _FALSE},
    "wait.waiter.Waiter.end_if_held": {
        "fact = messages.not_polled(wait, named=hold.named, earlier_run=False) -> "
        "fact = messages.not_polled(wait, named=hold.named, earlier_run=None)": _FALSE,
    },
    "wait.waiter.Waiter.end_unpolled": {
        "fact = messages.timed_out(deadline.limit, deadline.status, polled=False) -> "
        "fact = messages.timed_out(deadline.limit, deadline.status, polled=None)": _FALSE,
    },
}
"""The changes by function, as the command prints them, and the reasons."""
