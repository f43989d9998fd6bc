"""Tests of the decoding of bodies; requests are tested over real sockets."""

from __future__ import annotations

import gzip
import zlib

import pytest

from watcher.api.client import _decoded
from watcher.core.answers.replies import BODY_LIMIT

TEXT = b'{"status": "complete"}'


def zipped(body: bytes) -> bytes:
    """Return a gzip body, the same in each process."""
    return gzip.compress(body, mtime=0)


ZIPPED = zipped(TEXT)


@pytest.mark.parametrize(
    ("body", "codings", "decoded"),
    [
        (ZIPPED, ["gzip"], TEXT),
        (ZIPPED, ["x-gzip"], TEXT),
        (ZIPPED, ["gzip", "identity", ""], TEXT),
        (zipped(ZIPPED), ["gzip", "gzip"], TEXT),
        (zipped(zlib.compress(TEXT)), ["deflate", "gzip"], TEXT),
        (zipped(TEXT[:9]) + zipped(TEXT[9:]), ["gzip"], TEXT),
        (ZIPPED + b"\0\0\n", ["gzip"], TEXT),
        (zlib.compress(TEXT), ["deflate"], TEXT),
        (zlib.compress(TEXT)[2:-4], ["deflate"], TEXT),
        (TEXT, ["gzip"], None),
        (ZIPPED, ["gzip", "br"], None),
        (ZIPPED, ["br", "gzip"], None),
        (TEXT, ["gzip"] * 9, None),
    ],
)
def test_content_codings_are_undone(body: bytes, codings: list[str], decoded: bytes | None) -> None:
    """The codings are undone in reverse order; an unknown one leaves the body as it is."""
    assert _decoded(body, codings) == decoded


def test_a_body_is_inflated_within_the_limit() -> None:
    """However much a few bytes inflate to, only the limit and one byte more are kept."""
    bomb = zipped(b"\0" * (3 * BODY_LIMIT))
    for body, codings in ((bomb, ["gzip"]), (bomb * 3, ["gzip"]), (zipped(bomb), ["gzip", "gzip"])):
        inflated = _decoded(body, codings)
        assert inflated is not None
        assert len(inflated) == BODY_LIMIT + 1
