"""Mutants that change nothing that can be observed, with the reason."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_NO_FIELD: Final = "A missing field is read like one without a number or a date."
_FALSE: Final = "None is as false as False."
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
        'window, resets_in, is_plausible = _read_reset(headers.get(reset, ""), now) -> '
        'window, resets_in, is_plausible = _read_reset(headers.get(reset, "XXXX"), now)': _NO_FIELD,
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
    "wait.faults.FaultRules.__init__": {
        "self._answered = False -> self._answered = None": _FALSE,
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
        "self.since = started -> self.since = None": "The first observation sets it.",
    },
    "wait.saved.SavedWait.checked": {"raise ValueError(self) -> raise ValueError(None)": _NOT_SHOWN},
    "wait.saved._text": {"raise ValueError(text) -> raise ValueError(None)": _NOT_SHOWN},
    "wait.waiter.Waiter.__init__": {"self._rate_limited = False -> self._rate_limited = None": _FALSE},
    "wait.waiter.Waiter.end_if_held": {
        "fact = messages.not_polled(wait, named=hold.named, earlier_run=False) -> "
        "fact = messages.not_polled(wait, named=hold.named, earlier_run=None)": _FALSE,
        "fact = messages.timed_out(deadline.limit, deadline.status, polled=False) -> "
        "fact = messages.timed_out(deadline.limit, deadline.status, polled=None)": _FALSE,
    },
}
"""The changes by function, as the command prints them, and the reasons."""
