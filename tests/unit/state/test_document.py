"""The format of a state file, and what is refused."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watcher.core.model import Import, ImportFile, ImportRef, Instant, Transition
from watcher.core.statuses import ImportStatus, Outcome, parse_status
from watcher.core.text import printable
from watcher.core.wait.saved import SavedHold, SavedWait
from watcher.state.disk import UnusableError
from watcher.state.document import ImportEntry, Reported, decode, encode, encode_entry

BASE = "https://app.launchdarkly.com"
REF = ImportRef("default", "production", "big-spenders", "1234a567")
NOW = 1_767_600_000.25
HOLD = SavedHold(NOW + 9, NOW + 10, named=True)

TIMES = st.floats(-2e9, 1e11)
DURATIONS = st.floats(0, 1e9)
TEXTS = st.text(max_size=40).map(printable)
STATUSES = st.sampled_from(ImportStatus) | st.text(min_size=1, max_size=80).map(parse_status)
COUNTS = st.integers(0, 1 << 40)


def transitions() -> st.SearchStrategy[Transition]:
    """Return any possible transition."""
    return st.builds(
        Transition,
        source=st.none() | STATUSES,
        to=STATUSES,
        at=st.builds(Instant, st.just(0.0), TIMES),
        elapsed=DURATIONS,
        in_state=st.none() | DURATIONS,
        expected=st.booleans(),
    )


def waits() -> st.SearchStrategy[SavedWait]:
    """Return any possible wait for an import that was seen."""
    files = st.lists(st.builds(ImportFile, st.none() | TEXTS, st.none() | TEXTS), max_size=3).map(tuple)
    return st.builds(
        SavedWait,
        began=TIMES,
        since=TIMES,
        last=st.builds(Import, STATUSES, mode=st.none() | TEXTS, created_ms=st.none() | COUNTS, files=files),
        transitions=st.lists(transitions(), max_size=4).map(tuple),
        polls=COUNTS,
        throttled=COUNTS,
        errors=COUNTS,
    )


def content_of(wait: SavedWait) -> bytes:
    """Return a state file with one import and one hold."""
    entry = ImportEntry(BASE, REF, NOW, wait, Reported(Outcome.PENDING, "ready"))
    return encode([encode_entry(entry)], {BASE: HOLD})


def usual_content() -> bytes:
    """Return a typical state file."""
    seen = Transition(None, ImportStatus.READY, Instant(77.0, NOW), 1.5, None, expected=True)
    last = Import(ImportStatus.READY, "merge", 1654104600000, (ImportFile("keys.csv", "complete"),))
    return content_of(SavedWait(NOW - 60, NOW - 30, last, (seen,), polls=3, errors=1))


@given(waits())
def test_every_wait_is_restored(wait: SavedWait) -> None:
    """Whatever the API said, a run can read what an earlier run wrote."""
    document = decode(content_of(wait))
    (entry,) = document.imports
    assert entry == ImportEntry(BASE, REF, NOW, wait, Reported(Outcome.PENDING, "ready"))
    assert document.holds == {BASE: HOLD}


def test_known_statuses_are_restored_as_members() -> None:
    """The rules compare members; a status that this version does not know stays a plain string."""
    (entry,) = decode(usual_content()).imports
    assert entry.wait.last is not None
    assert isinstance(entry.wait.last.status, ImportStatus)
    assert isinstance(entry.wait.transitions[0].to, ImportStatus)
    assert entry.wait.transitions[0].at == Instant(0.0, NOW)


@pytest.mark.parametrize("time", [-1e12, 1e12, 1e300, 10**400])
@pytest.mark.parametrize("field", ["used_at", "began", "since", "at", "until", "resume_at"])
def test_an_impossible_time_is_damage(field: str, time: float) -> None:
    """No report could format such a time."""
    state = json.loads(usual_content())
    entry = state["imports"][0]
    places = {
        "used_at": entry,
        "began": entry["wait"],
        "since": entry["wait"],
        "at": entry["wait"]["transitions"][0]["at"],
    }
    place = places.get(field, state["holds"][BASE])
    place["unix" if field == "at" else field] = time
    with pytest.raises(UnusableError):
        decode(json.dumps(state).encode())


def test_a_truncated_file_is_damaged() -> None:
    """No part of a file is taken for the whole."""
    content = usual_content()
    for length in range(len(content) - 1):  # the last byte is a line end
        with pytest.raises(UnusableError):
            decode(content[:length])


@pytest.mark.parametrize("mask", [0x01, 0x20, 0x80, 0xFF])
def test_a_changed_byte_never_breaks_a_run(mask: int) -> None:
    """A file with a changed byte is refused, or can be read and written again."""
    content = usual_content()
    for position in range(len(content)):
        changed = bytearray(content)
        changed[position] ^= mask
        try:
            document = decode(bytes(changed))
        except UnusableError:
            continue
        again = decode(encode(map(encode_entry, document.imports), document.holds))
        assert again == document


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is damaged"),
        (b"\x00" * 4096, "is damaged"),
        (b"\xff\xfe{}", "is damaged"),
        (b'{"program": "\xff"}', "is damaged"),
        (b"[" * 200_000, "is damaged"),
        (b'{"a": ' * 100_000, "is damaged"),
        (b"[]", "is damaged"),
        (b'{"schema_version": 1, "imports": []}', "is not a state of watcher"),
        (b'{"program": "other", "version": 2}', "is not a state of watcher"),
        (b'{"program": "watcher", "version": 3, "new": true}', "was written by a later version"),
        (b'{"program": "watcher", "version": 1, "sha256": ""}', "was written by an earlier version"),
        (b'{"program": "watcher", "version": 2, "new": true}', "is damaged"),
        (b'{"program": "watcher", "version": 2, "imports": [[]]}', "is damaged"),
        (b'{"program": "watcher", "version": "2"}', "is damaged"),
    ],
)
def test_other_content_is_refused_with_the_reason(content: bytes, words: str) -> None:
    """Damaged files, those of other programs and those of other versions are told apart."""
    with pytest.raises(UnusableError, match=words):
        decode(content)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("wait", "last", "status"), "ready\x1b[2J"),
        (("wait", "last", "mode"), "\u202e"),
        (("wait", "last", "created_ms"), 10**15),
        (("wait", "last", "created_ms"), -1),
        (("wait", "last", "files"), [{"filename": "a\nb", "status": None}]),
        (("wait", "last", "files"), [{"filename": None, "status": "\u2028"}]),
        (("wait", "last"), None),
        (("wait", "since"), None),
        (("wait", "began"), "2026-01-05T10:00:00Z"),
        (("wait", "transitions"), [None]),
        (("wait", "transitions", 0, "to"), "\x07"),
        (("wait", "transitions", 0, "source"), "\x07"),
        (("wait", "transitions", 0, "elapsed"), -1.0),
        (("wait", "transitions", 0, "in_state"), 1e300),
        (("wait", "polls"), -1),
        (("wait", "errors"), 10**40),
        (("used_at",), True),
        (("reported", "outcome"), "success"),
        (("new",), 1),
    ],
)
def test_a_forged_value_is_damage(path: tuple[str | int, ...], value: object) -> None:
    """A file that somebody edited can neither control a terminal nor break a run."""
    state = json.loads(usual_content())
    place = state["imports"][0]
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = value
    with pytest.raises(UnusableError, match="is damaged"):
        decode(json.dumps(state).encode())


def test_the_file_has_one_line_for_each_import() -> None:
    """People can read and search it with their own tools."""
    content = usual_content()
    assert json.loads(content)["imports"][0]["ref"]["import_id"] == REF.import_id
    (line,) = [line for line in content.splitlines() if REF.import_id.encode() in line]
    assert json.loads(line)["wait"]["polls"] == 3
    assert content.endswith(b"}\n")
