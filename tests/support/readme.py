"""The generated parts of the README."""

from __future__ import annotations

import re

from tests.support.paths import README

VARIABLE = {
    r"\d\d:\d\d:\d\d": "TIME",
    r"\b\d+(\.\d+)?(ms|s)\b": "DURATION",
    r"127\.0\.0\.1:\d+": "HOST",
    r"[0-9a-f]{8}-[0-9a-f-]{27}": "ID",
    r"\d+ polls": "POLLS",
    r"\| \d+ \|": "| COUNT |",
    r"\d{4}-\d\d-\d\d TIME\.\d{3}": "MOMENT",
    r"axisFormat .*": "axisFormat FORMAT",
}


def part(name: str) -> str:
    """Return the text between the markers of a generated part, without its code fence."""
    match = re.search(
        rf"<!-- {name} -->\n(```\w+\n)?(.*?)(?(1)```\n)<!-- /{name} -->",
        README.read_text("utf-8"),
        re.DOTALL,
    )
    assert match is not None
    return match[2]


def with_placeholders(text: str) -> str:
    """Return text with placeholders for everything that differs from run to run."""
    for pattern, name in VARIABLE.items():
        text = re.sub(pattern, name, text)
    return text
