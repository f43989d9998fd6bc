"""What a state file says, and what is not believed."""

from __future__ import annotations

import json
from hashlib import sha256

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from watcher.core.lifecycle import is_expected
from watcher.core.model import Import, ImportFile, ImportRef, Instant, Transition
from watcher.core.statuses import ImportStatus, Outcome, parse_status
from watcher.core.text import printable
from watcher.core.wait.saved import SavedHold, SavedWait, Stamp
from watcher.state.document import Document, decode, encode, encode_entry
from watcher.state.entries import EndEntry, HoldEntry, ImportEntry
from watcher.state.errors import DamagedError

BASE = "https://app.launchdarkly.com"
REF = ImportRef("default", "production", "big-spenders", "1234a567")
STAMP = Stamp(1_767_600_000.25, "boot-1", 12.5)

MOMENTS = st.floats(-2e9, 220e9).map(lambda unix: round(unix, 6))
LENGTHS = st.floats(0, 1e9)
TEXTS = st.text(max_size=40).map(printable)
STATUSES = st.sampled_from(ImportStatus) | st.text(min_size=1, max_size=80).map(parse_status)


def a_transition() -> st.SearchStrategy[Transition]:
    """Any transition that can have been seen."""
    return st.builds(
        Transition,
        source=st.none() | STATUSES,
        to=STATUSES,
        at=st.builds(Instant, st.just(0.0), MOMENTS),
        elapsed=LENGTHS,
        in_state=st.none() | LENGTHS,
        expected=st.booleans(),
    )


def a_memory() -> st.SearchStrategy[SavedWait]:
    """Any memory of an import that was seen."""
    files = st.lists(st.builds(ImportFile, st.none() | TEXTS, st.none() | TEXTS), max_size=3).map(tuple)
    counts = st.integers(0, 1 << 40)
    return st.builds(
        SavedWait,
        began=MOMENTS,
        since=MOMENTS,
        last=st.builds(Import, STATUSES, mode=st.none() | TEXTS, created_ms=st.none() | counts, files=files),
        transitions=st.lists(a_transition(), max_size=4).map(tuple),
        polls=counts,
        throttled=counts,
        errors=counts,
    )


def content_of(memory: SavedWait, hold: SavedHold | None = None) -> bytes:
    """A state file of one import."""
    end = EndEntry(outcome=Outcome.PENDING, status="ready")
    entry = encode_entry(ImportEntry.of(BASE, REF, memory, end, STAMP))
    return encode([entry], [] if hold is None else [HoldEntry.of(BASE, hold, STAMP)])


def a_content() -> bytes:
    """A state file as it usually is."""
    seen = Transition(
        None, ImportStatus.READY, Instant(0.0, STAMP.unix), 1.5, None, is_expected(None, ImportStatus.READY)
    )
    last = Import(ImportStatus.READY, "merge", 1654104600000, (ImportFile("keys.csv", "complete"),))
    memory = SavedWait(STAMP.unix - 60, STAMP.unix - 30, last, (seen,), polls=3, errors=1)
    return content_of(memory, SavedHold(STAMP.unix + 9, STAMP.unix + 10, named=True))


def wrapped(state: object, **changes: object) -> bytes:
    """A file with a right digest, whatever it says."""
    text = json.dumps(state).encode()
    envelope = {"program": "watcher", "version": 1, "sha256": sha256(text).hexdigest()} | changes
    return json.dumps(envelope).encode()[:-1] + b', "state": ' + text + b"}"


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59-14:00", "9998-01-01T00:00:00Z"])
@pytest.mark.parametrize("field", ["began", "since", "kept", "at", "until", "resume_at"])
def test_an_absurd_moment_is_damage(field: str, at: str) -> None:
    """A file that says such a thing is set aside whole, and breaks no run, whatever its digest says."""
    state = json.loads(a_content())["state"]
    (entry,), (hold,) = state["imports"], state["holds"]
    places = {
        "began": entry,
        "since": entry["last"],
        "kept": entry["kept"],
        "at": entry["transitions"][0],
        "until": hold,
        "resume_at": hold,
    }
    assert decode(wrapped(state)).holds
    places[field]["at" if field == "kept" else field] = at
    with pytest.raises(DamagedError):
        decode(wrapped(state))


@given(a_memory())
def test_every_memory_comes_back_as_it_was(memory: SavedWait) -> None:
    """Whatever the API said, what was written can be read, for else a run would set aside its own file."""
    (entry,) = decode(content_of(memory)).imports
    back = entry.memory()
    assert (entry.ref, entry.kept.stamp()) == (REF, STAMP)
    assert (back.last, back.polls, back.throttled, back.errors) == (
        memory.last,
        memory.polls,
        memory.throttled,
        memory.errors,
    )
    assert back.began == pytest.approx(memory.began, abs=1e-3)
    assert [
        (item.source, item.to, item.elapsed, item.in_state, item.expected) for item in back.transitions
    ] == [(item.source, item.to, item.elapsed, item.in_state, item.expected) for item in memory.transitions]


def test_a_hold_comes_back_as_it_was() -> None:
    """So does a stretch without requests."""
    (entry,) = decode(a_content()).holds
    assert entry.hold() == SavedHold(STAMP.unix + 9, STAMP.unix + 10, named=True)


def test_a_file_cut_anywhere_is_damaged() -> None:
    """No beginning of a file is taken for the whole."""
    content = a_content()
    for length in range(len(content) - 1):  # the last byte is a line end
        with pytest.raises(DamagedError):
            decode(content[:length])


@pytest.mark.parametrize("mask", [0x01, 0x20, 0x80, 0xFF])
def test_a_file_changed_anywhere_is_damaged_or_says_the_same(mask: int) -> None:
    """No changed byte makes it say anything else, the digits of its moments included."""
    content = a_content()
    expected = decode(content)
    for position in range(len(content)):
        changed = bytearray(content)
        changed[position] ^= mask
        try:
            found = decode(bytes(changed))
        except DamagedError:
            continue
        assert found == expected


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "damaged or no state file"),
        (b"\x00" * 4096, "damaged or no state file"),
        (b"\xff\xfe{}", "damaged or no state file"),
        (b"[" * 200_000, "damaged or no state file"),
        (b'{"a": ' * 100_000, "damaged or no state file"),
        (b"[]", "damaged or no state file"),
        (b'{"schema_version": 1, "imports": []}', "no state file of watcher's"),
        (wrapped({"imports": [], "holds": []}, program="other"), "no state file of watcher's"),
        (wrapped({"later": True}, version=2), "is of version 2, which a later watcher wrote"),
        (wrapped({"imports": [], "holds": []}, version=0), "is damaged"),
        (wrapped({"imports": [], "holds": []}, sha256="0" * 64), "is damaged"),
        (wrapped({"imports": []}), "is damaged"),
        (wrapped({"imports": [], "holds": [], "more": 1}), "is damaged"),
        (wrapped({"imports": [[]], "holds": []}), "is damaged"),
    ],
)
def test_what_is_no_state_file_is_told_apart(content: bytes, words: str) -> None:
    """Damaged, foreign and later files are refused with the reason."""
    with pytest.raises(DamagedError, match=words):
        decode(content)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("last", "status"), "ready\x1b[2J"),
        (("last", "status"), ""),
        (("last", "mode"), "\u202e"),
        (("last", "files"), [{"filename": "a\nb", "status": None}]),
        (("transitions",), [None]),
        (("began",), "2026-01-05T10:00:00"),
        (("began",), "0001-01-01T00:00:00+14:00"),
        (("polls",), -1),
        (("kept", "uptime_s"), 1e999),
        (("end", "outcome"), "success"),
    ],
)
def test_planted_values_are_refused(path: tuple[str, ...], value: object) -> None:
    """A file that somebody wrote with a right digest can neither drive a terminal nor break the run."""
    state = json.loads(a_content())["state"]
    inner = state["imports"][0]
    for name in path[:-1]:
        inner = inner[name]
    inner[path[-1]] = value
    try:
        document = decode(wrapped(state))
    except DamagedError:
        return
    assert (path, value) in [(("last", "status"), ""), (("began",), "0001-01-01T00:00:00+14:00")]
    assert isinstance(document, Document)


def test_the_content_is_one_line_of_json() -> None:
    """People can read it with their own tools."""
    content = a_content()
    assert content.endswith(b"}\n")
    assert content.count(b"\n") == 1
    assert msgspec.json.decode(content)["program"] == "watcher"
