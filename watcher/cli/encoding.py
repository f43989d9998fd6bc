"""Text in files and pipes, which other programs may have written in an unexpected encoding."""

from __future__ import annotations

import codecs

from watcher.core.errors import UsageError

_UTF_16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_SAMPLE = 64


def decode_text(content: bytes, source: str) -> str:
    """Decode UTF-8, without its byte-order mark; invalid bytes are replaced.

    Raises:
        UsageError: It is UTF-16, as PowerShell writes it; the message begins with ``source``.
    """
    if is_utf_16(content):
        raise UsageError(f"{source} is in UTF-16. Convert it to UTF-8.")
    return content.decode("utf-8-sig", errors="replace")


def is_utf_16(content: bytes) -> bool:
    """Return whether bytes begin with the mark of UTF-16, or with ASCII characters of two bytes each."""
    sample = content[:_SAMPLE]
    if sample.startswith(_UTF_16_MARKS):
        return True
    return len(sample) > 1 and (any(sample[::2]), any(sample[1::2])) in {(True, False), (False, True)}
