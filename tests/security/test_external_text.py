"""No text from outside is a command, looks like other text or contains a token, in any output."""

from __future__ import annotations

import asyncio
import json
import re
import time
import unicodedata
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

import pytest

from tests.support.driving import REF, Driven, answer, import_body
from tests.support.logs import log_of, never, nowhere
from tests.support.processes import environment, run_watcher
from tests.support.terminal import Window
from watcher.core import text as text_module
from watcher.core.answers.decoding import decode
from watcher.core.answers.replies import Answer
from watcher.core.events import Ended, Event
from watcher.core.exit_codes import ExitCodes
from watcher.core.messages.progress import Level
from watcher.core.model import ImportRef
from watcher.core.policy import Policy
from watcher.core.statuses import ImportStatus, parse_status
from watcher.core.text import printable, redact, safe_json
from watcher.reports.dotenv import Dotenv, variables
from watcher.reports.github.log import AnnotationWriter
from watcher.reports.github.outputs import GithubOutput, GithubSummary
from watcher.reports.gitlab import SectionWriter
from watcher.reports.grouping import shape_of
from watcher.reports.http.metrics import exposition
from watcher.reports.json_log import JsonLog
from watcher.reports.lines import LineWriter
from watcher.reports.live.frame import UNICODE
from watcher.reports.live.live import LiveView
from watcher.reports.report import Notice, Reports
from watcher.reports.results import ResultBuilder
from watcher.reports.status_file import StatusFile
from watcher.reports.stdout import JsonLinesOutput, TextOutput
from watcher.reports.stream import Stream
from watcher.reports.termination_log import TerminationLog

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

UUID = "89abcdef-0123-4567-89ab-cdef01234567"
CODES = ExitCodes()

COMMANDS = [
    "##vso[task.setvariable variable=x]y",
    "a ##VSO[task.setvariable variable=x]y",
    "##teamcity[buildNumber '1']",
    "##[add-mask]x",
    "##[error]x",
    "::error::x",
    "  ::stop-commands::x",
    "a\n::set-output name=outcome::complete",
    "a\r##vso[x]",
]
DECEPTIONS = [
    *(f"complete{chr(code)}" for code in (0x3164, 0x034F, 0xFE0F, 0x2800, 0xE01EF, 0x200B, 0xAD, 0x115F)),
    *(f"complete{chr(code)}" for code in (0x17B4, 0x180E, 0x2062, 0xFFA0, 0x1D159, 0xA0, 0x2003, 0x3000)),
    "\u202eetelpmoc",
    "\u2066complete",
    "stopped\x1b[2K\rcomplete",
    "stopped\x9b2Kcomplete",
    "stopped\x08\x08\x08",
    "a\u2028complete",
    "a\u0085complete",
    "\ud800complete",
]
TOKENS = [
    f"api-{UUID}",
    f"key=SDK-{UUID.upper()}!",
    f"mob-{UUID}/x",
    quote(f"api-{UUID}").replace("-", "%2D"),
    f"%61pi-{UUID}",
    quote(quote(f"api-{UUID}", safe="").replace("-", "%2d")),
]


def events_of(text: str) -> list[Event]:
    """Return the events of a watch whose keys and responses contain a text."""
    seen = answer(import_body(status=text, mode=text, files=[{"filename": text, "status": text}]))
    page = Answer(403, {"server": text, "location": text}, f"<title>{text}</title>".encode(errors="replace"))
    error = answer({"code": text, "message": text, "id": text}, 503, server=text)
    driven = Driven(Policy(timeout=100.0))
    for response in (error, seen, page):
        driven.receive(decode(REF, response))
    driven.receive_until_over(decode(REF, error))
    ref = ImportRef(*(4 * [text.encode(errors="replace").decode()]))
    return [replace(event, ref=ref) for event in driven.events]


def outputs_of(text: str, folder: Path) -> Iterator[tuple[str, str]]:
    """Yield every output of such a watch, by name."""
    events = events_of(text)
    builder = ResultBuilder(CODES)
    for event in events:
        builder.receive(event)
    files = {
        name: (folder / name).open("w") for name in ("plain", "github", "gitlab", "log", "text", "jsonl")
    }
    stream = {name: Stream(file) for name, file in files.items()}
    reports = Reports(
        [
            log_of(LineWriter(stream["plain"], Level.INFO), several=True),
            log_of(
                AnnotationWriter(stream["github"], Level.INFO, CODES, any_suffices=False),
                several=True,
            ),
            log_of(SectionWriter(stream["gitlab"], Level.INFO), several=True),
            JsonLog(stream["log"], Level.INFO, CODES),
            TextOutput(stream["text"], builder),
            JsonLinesOutput(stream["jsonl"], builder),
            StatusFile(folder / "status", builder, lambda _delay, _function: None),
            Dotenv(folder / "dotenv"),
            TerminationLog(folder / "termination", CODES),
            GithubOutput(folder / "outputs", builder),
            GithubSummary(folder / "summary", builder),
        ]
    )
    for event in events:
        reports.receive(event)
    reports.notify(Level.WARNING, "hint", text)
    result = builder.result()
    reports.finish(result)
    reports.close()
    for file in files.values():
        file.close()
    assert isinstance(events[-1], Ended)
    for path in folder.iterdir():
        yield path.name, path.read_bytes().decode()
    yield "metrics", exposition(builder, result)[0].decode()
    yield from variables(result).items()


def check(name: str, shown: str) -> None:
    """Check one output, whose own commands and line breaks are left out."""
    if name == "gitlab":
        shown = re.sub(r"\x1b\[0Ksection_\w+:\d+:\w+\r\x1b\[0K", "", shown)
    if name == "github":
        shown = re.sub(r"^::(error|warning) title=", "", shown, flags=re.MULTILINE)
    assert not re.search(r"##(vso|teamcity)?\[|^\s*::", shown, re.IGNORECASE | re.MULTILINE), name
    assert UUID not in unquote(unquote(unquote(shown))).lower(), name
    for character in set(shown) - set("\n"):
        assert character.isprintable(), (name, character)
        assert not re.search("FILLER|BLANK|SELECTOR|JOINER|NULL|INHERENT", unicodedata.name(character)), name


@pytest.mark.parametrize("text", COMMANDS + DECEPTIONS + TOKENS)
def test_text_from_outside_is_harmless_in_every_output(text: str, tmp_path: Path) -> None:
    """Commands are neutralized, deceptive characters escaped, tokens removed, whichever CI service runs."""
    for name, shown in outputs_of(text, tmp_path):
        check(name, shown)
        if name in {"log", "jsonl", "status"}:
            for line in shown.splitlines():
                assert json.loads(line)


@pytest.mark.parametrize("text", COMMANDS + DECEPTIONS + TOKENS)
def test_text_from_outside_is_harmless_in_the_live_view(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The terminal shows the text escaped, and only the view itself controls it."""
    monkeypatch.setenv("TERM", "xterm-256color")
    window = Window()
    window.resize(200, 50)
    events = events_of(text)

    async def run() -> None:
        view = LiveView(Stream(window.file), nowhere, Level.INFO, UNICODE, several=False, defer=never)
        for event in events:
            view.receive(event)
            await asyncio.sleep(0)
        view.notify(Notice(Level.WARNING, "hint", printable(text)))
        view.finish(CODES.result([event for event in events if isinstance(event, Ended)]))
        view.close()

    asyncio.run(run())
    assert window.lines
    window.close()
    shown = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", window.raw.decode()).replace("\r", "")
    assert "warning" in shown
    check("live", shown)


@pytest.mark.parametrize("text", DECEPTIONS)
def test_json_keeps_the_keys(text: str, tmp_path: Path) -> None:
    r"""JSON escapes a key as ``\u…``, which scripts read as the same key."""
    outputs = dict(outputs_of(text, tmp_path))
    (one,) = json.loads(outputs["status"])["imports"]
    assert one["segment"] == text.encode(errors="replace").decode()


@pytest.mark.parametrize(
    "text",
    [*DECEPTIONS, "complete ", " complete", "\u0441omplete", "complet\u212f", "\uff43omplete", "Complete"],
)
def test_no_status_looks_like_complete(text: str) -> None:
    """An unknown status shows every character that is not printable ASCII, and spaces around it."""
    status = parse_status(text)
    assert status != ImportStatus.COMPLETE
    assert status.isascii()
    assert status.strip() != "complete"


def test_every_ignorable_character_is_escaped() -> None:
    """Characters with Default_Ignorable_Code_Point (Unicode 17, DerivedCoreProperties.txt) are escaped."""
    ranges = (
        "00AD 034F 061C 115F-1160 17B4-17B5 180B-180F 200B-200F 202A-202E 2060-206F 3164 FE00-FE0F FEFF FFA0 "
        "FFF0-FFF8 1BCA0-1BCA3 1D173-1D17A E0000-E0FFF"
    )
    for ends in ranges.split():
        first, _, last = ends.partition("-")
        for code in range(int(first, 16), int(last or first, 16) + 1):
            assert printable(chr(code)).isascii(), hex(code)
            assert safe_json(f'"{chr(code)}"'.encode()).isascii(), hex(code)


@pytest.mark.parametrize(
    "text",
    [*COMMANDS, *DECEPTIONS, *TOKENS, "50 % of std::vector #1 [x] api-key", f"escaped as \u202api-{UUID}"],
)
def test_safe_text_stays_the_same(text: str) -> None:
    """Text that was sanitized once is not changed again."""
    once = printable(text)
    assert printable(once) == once
    assert safe_json(safe_json(json.dumps(once).encode())) == safe_json(json.dumps(once).encode())


def test_ordinary_text_is_not_changed() -> None:
    """Names in any language, and text that only resembles a command, stay readable."""
    for text in (
        "Žluťoučký 顧客 ok",
        "हिन्दी",
        "std::vector",
        "issue #1 [x]",
        "C:\\x",
        f"import-{UUID}",
        "100%",
    ):
        assert printable(text) == text
        assert json.loads(safe_json(json.dumps(text).encode())) == text


def test_the_token_in_use_is_redacted() -> None:
    """A token without the usual form is found if it is known, also where percent-encoding hides it."""
    assert redact("my-own-token is wrong", ["my-own-token"]) == "*** is wrong"
    assert redact("/login?key=my%2down-token", ["my-own-token"]) == "***"


@pytest.mark.parametrize("length", [20, 21, 30, 39])
@pytest.mark.parametrize("end", ["", "...", "\n", "-", "0"])
def test_half_of_the_token_is_redacted(length: int, end: str) -> None:
    """At least half of a token is redacted, whatever follows it."""
    token = f"api-{UUID}"
    shown = redact(f"Authorization: {token[:length]}{end} {token} {token[:length]}", [token])
    assert token[:20] not in shown
    assert shown.startswith("Authorization: ***")
    assert redact(f"{token[:19]} and short", [token, "short"]) == f"{token[:19]} and ***"


@pytest.mark.parametrize(
    "arguments",
    [
        [f"a/b/c/api-{UUID}", "--base-uri", "http://127.0.0.1:1"],
        ["--status-file", f"/nowhere/api-{UUID}", "a/b"],
        ["--timeout", f"api-{UUID}", "a/b/c/d"],
        ["a/b/c/d##vso[x]", "--base-uri", "http://127.0.0.1:1"],
        ["::error::x"],
        ["--until", "complete\u3164", "a/b/c/d"],
        ["@/nowhere/##vso[x]"],
    ],
)
def test_quoted_input_is_harmless(arguments: list[str]) -> None:
    """Arguments that are quoted in a message, or are a key, get the same treatment."""
    options = ("--once", "--outage-budget", "10ms", "--output", "json", "--request-timeout", "1s")
    finished = run_watcher(*arguments, *options, env=environment(CI="true"))
    assert finished.code in {2, 75}
    check("out", finished.out)
    check("err", finished.err)


def test_each_character_is_examined_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Long text of many scripts does not delay the polls."""
    examined: list[str] = []

    def note(character: str) -> bool:
        examined.append(character)
        return character.isprintable()

    monkeypatch.setattr(text_module, "_is_visible", note)
    long = "\u9867\u5ba2\x1b\n" * 50_000
    assert printable(long, limit=len(long)).count("\\u000a") == 50_000
    assert safe_json(long.encode()).count(b"\\u000a") == 50_000
    assert len(examined) <= 8


@pytest.mark.parametrize("piece", ["1", "1.", " 1", "a1", "_", "HTTP "])
def test_similar_messages_are_found_in_linear_time(piece: str) -> None:
    """A server that quotes long numbers does not delay the polls (seconds of CPU time, on any machine)."""
    began = time.thread_time()
    shape_of(" " + piece * (60_000 // len(piece)))
    assert time.thread_time() - began < 2.0
