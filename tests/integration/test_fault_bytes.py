"""Test of arbitrary bytes as a response, over real sockets."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.fault_server import Close, Play, Send, Wait, playing
from tests.support.fault_watch import ask, client_of, silent_libraries
from tests.support.faults import GOOD

if TYPE_CHECKING:
    from watcher.core.answers.replies import Reply

_PIECES = (
    b'HTTP/1.1 |200| OK|\r\n|\n|\r\n\r\n|100|101|304|204|:| |\0|zz\r\n|{|"status":|"complete"|}|\xff|'
    b"Content-Length: |5|-1|99999999999999999999|Transfer-Encoding: chunked\r\n|0\r\n\r\n|Set-Cookie: |"
    b"Content-Encoding: gzip\r\n|\x1f\x8b|Connection: upgrade\r\nUpgrade: websocket\r\n|Retry-After: "
)
WORDS = st.sampled_from([*_PIECES.split(b"|"), b"a" * 9000, GOOD])
ANSWERS = st.lists(st.lists(WORDS | st.binary(max_size=20), max_size=12).map(b"".join), max_size=3)


@settings(max_examples=150, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])
@given(pieces=ANSWERS)
def test_any_bytes(pieces: list[bytes]) -> None:
    """A request returns without a warning, whatever bytes arrive in whatever pieces."""
    acts = [act for piece in pieces for act in (Send(piece), Wait(0.001))]

    async def run() -> Reply:
        async with playing(Play((*acts, Close()))) as server, client_of(server.base_uri) as client:
            return await ask(client, 1.0)

    with silent_libraries():
        asyncio.run(run())
