"""Tests of responses that quote the token, with the real client and the real program."""

from __future__ import annotations

import asyncio
import html
from typing import TYPE_CHECKING
from urllib.parse import unquote

import pytest

from tests.support.fault_program import run_program
from tests.support.fault_server import Play, Send, playing
from tests.support.fault_watch import ask, client_of
from tests.support.faults import COMPLETE, answer, import_body
from tests.support.processes import TOKEN

if TYPE_CHECKING:
    from pathlib import Path

    from watcher.core.answers.replies import Reply

ESCAPED = TOKEN.replace("a", "\\u0061")
NESTED = ESCAPED.replace("\\", "\\\\")
ENTITIES = "".join(f"&#{ord(character)};" for character in TOKEN)
ENCODED = TOKEN.replace("a", "%61")


@pytest.mark.parametrize(
    "data",
    [
        answer(import_body(id=TOKEN)),
        answer(import_body(status=TOKEN)),
        answer(b"<html>", f"Content-Type: {TOKEN}"),
        answer(f"<title>Bad key {TOKEN}</title>".encode(), status="403 Forbidden"),
        answer(b"", f"Server: {TOKEN}", status="502 Bad Gateway"),
        answer(f'{{"message": "bad key {ESCAPED}"}}'.encode(), status="403 Forbidden"),
        answer(f'{{"message": "bad key {NESTED}"}}'.encode(), status="403 Forbidden"),
        answer(f'{{"code": "x", "message": "key={ENTITIES}."}}'.encode(), status="500 Internal Server Error"),
        answer(import_body(status=ENTITIES)),
        answer(b"", f"Location: /login?token={ENTITIES}", status="302 Found"),
        answer(b"", f"Location: https://login.example/?token={ENCODED}", status="302 Found"),
    ],
)
def test_a_quoted_token_is_concealed(data: bytes) -> None:
    """The token is concealed in every part of a response, whatever the status and the encoding."""

    async def run() -> Reply:
        async with playing(Play((Send(data),))) as server, client_of(server.base_uri) as client:
            return await ask(client)

    shown = repr(asyncio.run(run()))
    assert "***" in shown
    assert TOKEN not in html.unescape(unquote(shown.replace("\\u0061", "a").replace("\\", "")))


def test_no_output_holds_the_token(tmp_path: Path) -> None:
    """A token quoted in an import appears in no output stream and no file."""
    echo = import_body(
        status=f"queued for {TOKEN}", mode=ENCODED, files=[{"filename": TOKEN, "status": TOKEN}]
    )
    files = [tmp_path / name for name in ("state", "status", "variables", "termination-log")]
    options = ("--state-file", "--status-file", "--dotenv", "--termination-log")
    named = [word for pair in zip(options, map(str, files), strict=True) for word in pair]

    async def run() -> str:
        async with playing(Play((Send(answer(echo)),)), COMPLETE) as server:
            ended = await run_program(server.base_uri, *named, "--output", "jsonl", "--log-format", "json")
        assert ended.code == 0, ended.err
        return ended.out + ended.err

    outputs = [asyncio.run(run()), *(file.read_text() for file in files)]
    assert "queued for ***" in outputs[0]
    assert not [text for text in outputs if TOKEN in unquote(text)]
