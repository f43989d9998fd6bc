"""The checks: what must hold whatever comes from outside."""

from __future__ import annotations

import asyncio
import io
import json
import os
import tempfile
from contextlib import redirect_stderr, redirect_stdout, suppress
from dataclasses import fields, is_dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Final
from unittest.mock import patch

from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz.inputs import BODIES, FUZZ, HEADERS, JSON, KEYS, TARGET_LISTS, TARGETS, TEXT, TOKEN, damaged
from tests.support.driving import REF
from tests.support.fault_server import Close, Play, Send, Wait, playing
from tests.support.fault_watch import ask, client_of, silent_libraries
from watcher.api.hosts import parse_base_uri
from watcher.api.proxy import find_proxy
from watcher.api.targets import parse_target
from watcher.api.token import Secret, parse_token
from watcher.cli.options import COMMAND, variables
from watcher.cli.parse import parse
from watcher.cli.target_lists import parse_target_list
from watcher.core.answers.decoding import decode
from watcher.core.answers.lenient import read_object, read_value
from watcher.core.answers.rate_limits import LATEST_RETRY_AFTER, read_rate_limits
from watcher.core.answers.replies import Answer, Fault, Found
from watcher.core.errors import BusyError, UsageError
from watcher.core.model import Import, ImportFile, ImportRef, Instant, Transition
from watcher.core.statuses import ImportStatus, Outcome
from watcher.core.text import printable
from watcher.core.wait.saved import SavedHold, SavedWait
from watcher.state import document
from watcher.state.disk import UnusableError
from watcher.state.store import open_store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_NOW: Final = 1_767_600_000.0
_BASE_URI: Final = "http://127.0.0.1:1"


def _texts(value: object) -> Iterator[str]:
    """Yield every string in a reply."""
    if isinstance(value, str) and not isinstance(value, Enum):
        yield value
    elif isinstance(value, tuple | list):
        for item in value:
            yield from _texts(item)
    elif is_dataclass(value):
        for field in fields(value):
            yield from _texts(getattr(value, field.name))


def _check_message(error: Exception) -> None:
    """A message is printable and does not repeat the token."""
    text = printable(str(error), 10_000)
    assert TOKEN not in text, text
    assert text, repr(error)


@FUZZ
@given(st.sampled_from([200, 200, 200, 204, 302, 400, 401, 403, 404, 410, 429, 500, 503]), HEADERS, BODIES)
def responses(status: int, headers: dict[str, str], body: bytes) -> None:
    """Every response becomes a reply that is safe to print, and an import only if its keys match."""
    reply = decode(REF, Answer(status, headers, body, conceal=Secret(TOKEN).conceal))
    for text in _texts(reply):
        assert printable(text, len(text) + 1) == text, text
        assert TOKEN not in text, text
    if isinstance(reply, Found):
        assert status == 200
        text = body.decode(errors="replace")
        assert REF.import_id in text or "\\u" in text
        assert REF.segment in text or "\\u" in text
    if status in {302, 500, 503}:
        assert isinstance(reply, Fault)


@FUZZ
@given(HEADERS, st.booleans())
def rate_limits(headers: dict[str, str], throttled: bool) -> None:
    """A named wait is positive and plausible, whatever the headers say."""
    limits = read_rate_limits(headers, _NOW)
    wait = limits.named_wait(throttled=throttled)
    assert wait is None or 0 < wait <= LATEST_RETRY_AFTER + 1
    assert all(printable(text) == text for text in limits.implausible)


@FUZZ
@given(st.dictionaries(TEXT, JSON, max_size=4), st.booleans(), st.sampled_from([None, 1]))
def valid_json(members: dict[str, object], ascii_only: bool, indent: int | None) -> None:
    """The lenient reader reads valid JSON as the strict one does, but for constants such as NaN."""
    text = json.dumps(members, ensure_ascii=ascii_only, indent=indent)
    expected = json.loads(text, parse_constant=lambda _: None)
    found = read_object(text.encode(errors="surrogatepass"))
    assert found is not None
    assert list(found) == list(expected)
    if "\\ud" not in text and text.isascii():
        assert {name: read_value(value) for name, value in found.items()} == expected


@FUZZ
@given(st.lists(BODIES | st.sampled_from([b"HTTP/1.1 200 OK\r\n", b"Content-Length: 5\r\n\r\n"]), max_size=4))
def connections(pieces: list[bytes]) -> None:
    """A request returns without an exception, whatever bytes arrive on the connection."""
    acts = [act for piece in pieces for act in (Send(piece), Wait(0.0))]

    async def run() -> object:
        async with playing(Play((*acts, Close()))) as server, client_of(server.base_uri) as client:
            return await ask(client, 1.0)

    with silent_libraries():
        assert asyncio.run(run()) is not None


@FUZZ
@given(TARGETS)
def targets(text: str) -> None:
    """A target is refused, or its own path names the same import."""
    try:
        target = parse_target(text)
    except UsageError as error:
        printable(str(error))
        return
    assert target.ref.path.startswith("/api/v2/segments/")
    assert ".." not in target.ref.path.split("/")
    assert target.ref.path.isascii()
    assert parse_target(target.ref.path).ref == target.ref


@FUZZ
@given(TARGET_LISTS)
def target_lists(content: bytes) -> None:
    """A list is refused with one message, or names at least one import."""
    with suppress(UsageError):
        assert parse_target_list(content.decode(errors="replace"), "standard input")


@FUZZ
@given(st.text(max_size=60) | st.builds("{}{}{}".format, TEXT, st.just(TOKEN), TEXT), TEXT)
def tokens(text: str, around: str) -> None:
    """A token is one word of printable ASCII, and is removed from every text that contains it."""
    try:
        secret = parse_token(text, "LD_ACCESS_TOKEN")
    except UsageError as error:
        _check_message(error)
        return
    value = secret.reveal()
    assert value.isascii()
    assert value.isprintable()
    assert " " not in value
    if len(value) < 8:  # a short token is removed only where it is a whole word
        around = " "
    assert value not in secret.conceal(f"{around}{value}{around}").replace("***", "\n") or value in "***"
    assert repr(secret) == "Secret()"


def _state() -> bytes:
    """Return a state file with two imports and a hold."""
    last = Import(ImportStatus.READY, "merge", 1_767_599_990_000, (ImportFile("keys.csv", "ok"),))
    changes = (
        Transition(None, ImportStatus.PREPARING, Instant(1.0, _NOW - 9), 1.0, None, expected=True),
        Transition(
            ImportStatus.PREPARING, ImportStatus.READY, Instant(5.0, _NOW - 5), 5.0, 4.0, expected=True
        ),
    )
    wait = SavedWait(_NOW - 10, _NOW - 5, last, changes, polls=4, throttled=1, errors=2)
    reported = document.Reported(Outcome.PENDING, ImportStatus.READY)
    other = ImportRef("p", "e", "s", "i")
    entries = (
        document.ImportEntry(_BASE_URI, REF, _NOW, wait, reported),
        document.ImportEntry(_BASE_URI, other, _NOW, SavedWait(_NOW)),
    )
    holds = {_BASE_URI: SavedHold(_NOW + 60, _NOW + 65, named=True)}
    return document.encode([document.encode_entry(entry) for entry in entries], holds)


_STATE: Final = _state()


@FUZZ
@given(damaged(st.just(_STATE)) | st.binary(max_size=60))
def state_documents(content: bytes) -> None:
    """A state file is unusable, or is written back as an equal document."""
    try:
        found = document.decode(content)
    except UnusableError as error:
        _check_message(error)
        return
    written = document.encode([document.encode_entry(entry) for entry in found.imports], found.holds)
    assert document.decode(written) == found


@FUZZ
@given(damaged(st.just(_STATE)))
def state_files(content: bytes) -> None:
    """A run with a damaged state file starts, and leaves a file that the next run reads without a warning."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "state.json"
        path.write_bytes(content)
        path.chmod(0o600)
        warnings: list[str] = []
        for _ in range(2):
            warnings.clear()
            with suppress(UsageError, BusyError), open_store(path, _BASE_URI, [REF], warnings.append):
                pass
        assert not warnings


_NAMES = sorted({name for parameter in COMMAND.params for name in parameter.opts if name.startswith("-")})
_VALUES = st.sampled_from(
    [
        "1",
        "0",
        "90s",
        "1h30m",
        "500ms",
        "-1",
        "nan",
        "inf",
        "1e9",
        "true",
        "yes",
        "text",
        "json",
        "complete=3",
        "stopped=10",
        "in_progress=5m",
        "@/dev/null",
        "127.0.0.1:0",
        "[::1]:8080",
        ":80",
        "host:99999",
        "/dev/null",
        ".",
        "-",
        "--",
        "a/b/c/d",
        "http://127.0.0.1:1",
        "https://x:y@z/",
        "pending_approval,ready",
    ]
) | TEXT.filter(lambda text: "\0" not in text)
_WORDS = st.one_of(
    st.sampled_from([name for name in _NAMES if name not in {"--help", "-h", "--version", "--print-schema"}]),
    st.builds("{}={}".format, st.sampled_from(_NAMES), _VALUES),
    _VALUES,
)
_SETTABLE = st.sampled_from([*sorted(variables()), "LD_ACCESS_TOKEN", "HTTPS_PROXY", "no_proxy", "CI"])


def _is_settable(text: str) -> bool:
    try:
        os.fsencode(text)
    except UnicodeEncodeError:
        return False
    return "\0" not in text


@FUZZ
@given(st.lists(_WORDS, max_size=5), st.dictionaries(_SETTABLE, _VALUES.filter(_is_settable), max_size=3))
def options(arguments: list[str], environ: dict[str, str]) -> None:
    """Options and variables are settings, or one usage error."""
    arguments = [
        word for word in arguments if (word != "--" and not word.startswith(("-", "@"))) or "--" in word
    ]
    arguments = [word for word in arguments if word != "-"]
    out = io.StringIO()
    kept = {name: value for name, value in os.environ.items() if name == "PATH"}
    with patch.dict(os.environ, kept | environ, clear=True), redirect_stdout(out), redirect_stderr(out):
        parsed = parse(arguments)
        if parsed is None or parsed.error is not None:
            if parsed is not None:
                _check_message(parsed.error or UsageError(""))
            return
        with suppress(UsageError):
            parsed.settings.check(has_command=False)
            terms = parsed.settings.terms()
            assert terms.policy.timeout > 0
            for text in parsed.settings.targets:
                parse_target(text)


@FUZZ
@given(damaged(st.sampled_from([b"https://app.launchdarkly.com", b"http://127.0.0.1:8080", b"http://[::1]"])))
def base_uris(content: bytes) -> None:
    """A base URI is a scheme and a host, or refused without a repetition of the token."""
    try:
        origin = parse_base_uri(content.decode(errors="replace"), "--base-uri")
    except UsageError as error:
        _check_message(error)
        return
    assert origin.startswith(("http://", "https://"))
    assert "@" not in origin
    assert not origin.endswith("/")


@FUZZ
@given(
    damaged(
        st.sampled_from([b"http://user:p%40ss@proxy:3128", b"https://[::1]:1", b"socks5://x", b"proxy:80"])
    ),
    damaged(st.sampled_from([b"*", b".example.com,10.0.0.0/8", b"[::1]", b"localhost:80"])),
)
def proxies(proxy: bytes, exempt: bytes) -> None:
    """Proxy variables give a proxy, none, or a usage error without the password."""
    environ = {"HTTPS_PROXY": proxy.decode(errors="replace"), "NO_PROXY": exempt.decode(errors="replace")}
    environ = {name: value for name, value in environ.items() if _is_settable(value)}
    with patch.dict(os.environ, environ, clear=True):
        try:
            found = find_proxy("https://app.launchdarkly.com")
        except UsageError as error:
            shown = str(error)
        else:
            shown = str(found)
    assert "p%40ss" not in shown
    assert "p@ss" not in shown


@FUZZ
@given(KEYS)
def keys(key: str) -> None:
    """A literal key is one segment of the path, or refused."""
    with suppress(UsageError):
        ref = parse_target(f"{key}/e/s/i").ref if "/" not in key else None
        assert ref is None or ref.path.count("/") == 8


CHECKS: Final[tuple[Callable[[], None], ...]] = (
    responses,
    rate_limits,
    valid_json,
    connections,
    targets,
    target_lists,
    tokens,
    state_documents,
    state_files,
    options,
    base_uris,
    proxies,
    keys,
)
