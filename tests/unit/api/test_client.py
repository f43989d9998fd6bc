"""Tests of the decompression of bodies; requests are tested over real sockets."""

from __future__ import annotations

import gzip
import zlib

import pytest

from watcher.api.client import _decompressed
from watcher.core.answers.replies import BODY_LIMIT

TEXT = b'{"status": "complete"}'
ZIPPED = gzip.compress(TEXT, mtime=0)


@pytest.mark.parametrize(
    ("body", "coding", "decoded"),
    [
        (ZIPPED, "gzip", TEXT),
        (ZIPPED, "x-gzip", TEXT),
        (ZIPPED + b"\0\0\n", "gzip", TEXT),
        (zlib.compress(TEXT), "deflate", TEXT),
        (zlib.compress(TEXT)[2:-4], "deflate", TEXT),
        (TEXT, "gzip", None),
        (TEXT, "deflate", None),
    ],
)
def test_a_body_is_decompressed(body: bytes, coding: str, decoded: bytes | None) -> None:
    """A body is decompressed with or without the headers of its coding; a plain one is malformed."""
    assert _decompressed(body, coding) == decoded


def test_a_body_is_decompressed_within_the_limit() -> None:
    """However large a few bytes become, only the limit and one byte more are kept."""
    bomb = gzip.compress(b"\0" * (3 * BODY_LIMIT), mtime=0)
    decompressed = _decompressed(bomb, "gzip")
    assert decompressed is not None
    assert len(decompressed) == BODY_LIMIT + 1
