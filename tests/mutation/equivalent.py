"""Mutants that change nothing that can be observed, with the reason."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_NO_FIELD: Final = "A missing field is read like one without a number or a date."

EQUIVALENT: Final[Mapping[str, str]] = {
    "line = next((line for line in lines if line.strip()), None)": "Both defaults mean no line.",
    'served = _http_date(headers.get("date", None))': _NO_FIELD,
    'served = _http_date(headers.get("date", ))': _NO_FIELD,
    'served = _http_date(headers.get("date", "XXXX"))': _NO_FIELD,
    'window, resets_in, is_plausible = _read_reset(headers.get(reset, "XXXX"), now)': _NO_FIELD,
    'remaining = _least(headers.get(left, "XXXX"))': _NO_FIELD,
    'budgets.append(Budget(limit, _least(headers.get(size, "XXXX")), remaining, window, resets_in))': (
        _NO_FIELD
    ),
    'retry_after, is_plausible = _retry_after(headers.get("retry-after", "XXXX"), now)': _NO_FIELD,
    "is_plausible = None": "None is as false as False.",
}
"""The changed line of each mutant, as `mutmut show` prints it, and the reason."""
