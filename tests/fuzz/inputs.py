"""Strategies: valid inputs, damaged in a few places."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st

from tests.support.driving import REF, import_body
from watcher.core.statuses import ImportStatus

if TYPE_CHECKING:
    from hypothesis.strategies import DrawFn

EXAMPLES = 20
"""Examples of one check in a row."""

FUZZ = settings(
    max_examples=EXAMPLES,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.generate, Phase.shrink),
)

TOKEN = "api-0f2b6a1e-1111-2222-3333-444455556666"

TEXT = st.text(max_size=20)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
STATUSES = st.sampled_from([str(status) for status in ImportStatus]) | TEXT

# Not one element on each line, so that the whole table fits on a screen.
_SCRAPS = (
    b"\x00", b"\x1b[31m", b"\r\n", b"\n", b"\xff", b"\xed\xa0\x80", b"\xef\xbb\xbf", b"\\ud800", b"\\", b'"',
    b"{", b"}", b"[", b"]", b",", b":", b"NaN", b"-Infinity", b"1e999", b"9" * 500, b"[" * 3000,
    b"null", b"true",
    b"::error::x", b"##vso[task]", b"<title>", b"%2e%2e%2f", b"%", b"/", b"..",
    b"\xe2\x80\xae", b"\xe2\x80\xa8",
    b" ", b"\t", b"0", b"-1", b"HTTP/1.1 201 Created\r\n", b"Location: ", b"https://", b"@", b"#",
    b"=", b"--",
    b'"id":"x",', b'"status":"complete",', TOKEN.encode(), b"\x1f\x8b\x08",
)  # fmt: skip


@st.composite
def damaged(draw: DrawFn, valid: st.SearchStrategy[bytes]) -> bytes:
    """Return a valid input in which up to four pieces are removed, repeated or replaced."""
    content = draw(valid)
    for _ in range(draw(st.integers(0, 4))):
        start = draw(st.integers(0, len(content)))
        end = min(len(content), start + draw(st.integers(0, 12)))
        scrap = draw(st.sampled_from(_SCRAPS) | st.binary(max_size=6) | st.just(content[start:end] * 2))
        content = content[:start] + scrap + content[end:]
    return content


IMPORTS = st.builds(
    lambda changes: json.dumps(import_body(**changes)).encode(),
    st.dictionaries(
        st.sampled_from(
            ["id", "segmentKey", "status", "mode", "creationTime", "files", "code", "message", "new"]
        ),
        JSON,
        max_size=3,
    ),
)
ERRORS = st.builds(
    lambda code, message, more: json.dumps({"code": code, "message": message, **more}).encode(),
    STATUSES,
    TEXT | st.just(f"key {TOKEN}"),
    st.dictionaries(TEXT, JSON, max_size=2),
)
BODIES = damaged(IMPORTS | ERRORS) | st.binary(max_size=100)

_NUMBERS = st.integers(-5, 2_000_000_000_000).map(str) | st.floats().map(str)
_VALUES = (
    _NUMBERS
    | TEXT
    | st.sampled_from(
        ["Sun, 28 Nov 2027 20:00:00 GMT", "Sun, 28 Nov 2027", "5, 7", "gzip", "br", "٣", "1e3", TOKEN]
    )
)
HEADERS = st.dictionaries(
    st.sampled_from(
        [
            "date",
            "retry-after",
            "server",
            "location",
            "content-type",
            "content-encoding",
            "x-ratelimit-reset",
            "x-ratelimit-global-limit",
            "x-ratelimit-global-remaining",
            "x-ratelimit-route-limit",
            "x-ratelimit-route-remaining",
            "x-ratelimit-auth-token-remaining",
            "x-ratelimit-auth-token-reset",
        ]
    ),
    _VALUES,
    max_size=5,
)

KEYS = st.sampled_from(["default", "production", "big-spenders", "a b", "ü", "%41", "1234a567"]) | TEXT
_PATH = st.builds(
    "/api/v2/segments/{}/{}/{}/imports/{}".format,
    KEYS,
    KEYS,
    KEYS,
    st.just(REF.import_id),
)
_ORIGINS = st.sampled_from(
    [
        "",
        "https://app.launchdarkly.com",
        "http://127.0.0.1:80",
        "https://app.eu.launchdarkly.com:443",
        "ftp://x",
    ]
)
_TARGETS = st.builds(lambda *keys: "/".join(keys), KEYS, KEYS, KEYS, KEYS) | st.builds(
    lambda origin, path: origin + path, _ORIGINS, _PATH
)
_BLOCKS = st.builds(
    lambda status, target: f"HTTP/1.1 {status} x\r\nServer: y\r\nLocation: {target}\r\n\r\n",
    st.sampled_from(["100", "200", "201", "204", "302", "401", "409", "999", "20"]),
    _TARGETS,
)
TARGETS = damaged(_TARGETS.map(lambda text: text.encode(errors="surrogatepass"))).map(
    lambda content: content.decode(errors="replace")
)
TARGET_LISTS = damaged(
    st.lists(_TARGETS | _BLOCKS | st.just("# comment") | TEXT, max_size=4).map(
        lambda lines: "\n".join(lines).encode(errors="surrogatepass")
    )
)
