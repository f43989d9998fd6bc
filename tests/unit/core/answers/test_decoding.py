"""Tests of decoding: every response becomes a reply."""

from __future__ import annotations

import json
import unicodedata
from dataclasses import fields, is_dataclass, replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.support.driving import REF, answer, import_body
from watcher.api.token import Secret
from watcher.core.answers.decoding import decode
from watcher.core.answers.replies import (
    BODY_LIMIT,
    Answer,
    ApiError,
    Denied,
    Fault,
    FaultKind,
    Found,
    Missing,
    Reply,
    WrongImport,
)
from watcher.core.model import ImportFile
from watcher.core.statuses import ImportStatus

if TYPE_CHECKING:
    from collections.abc import Iterator


LONG = "%" * 900_000


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, {"mode": LONG}),
        (200, {"status": LONG}),
        (200, {"id": LONG}),
        (200, {"files": [{"filename": LONG}]}),
        (403, {"code": "forbidden", "message": LONG}),
    ],
)
def test_only_the_beginning_of_a_long_text_is_searched(status: int, body: dict[str, object]) -> None:
    """A search for the token in 1 MiB takes two seconds, and many imports would overrun their timeout."""
    searched: list[int] = []

    def conceal(text: str) -> str:
        searched.append(len(text))
        return text

    decode(REF, replace(answer(import_body(**body), status), conceal=conceal))
    assert 1000 < max(searched) < 10_000


def test_the_documented_import() -> None:
    """The example in the API documentation is decoded with all its fields."""
    reply = decode(REF, answer(import_body(status="in_progress")))
    assert isinstance(reply, Found)
    assert reply.found.status is ImportStatus.IN_PROGRESS
    assert reply.found.mode == "replace"
    assert reply.found.created_ms == 1654104600000
    assert reply.found.files == (ImportFile("bigsegimport.csv", "complete"),)


@pytest.mark.parametrize("status", [str(status) for status in ImportStatus] + ["archiving"])
def test_every_status_is_found(status: str) -> None:
    """Every status is decoded, even an unknown one."""
    reply = decode(REF, answer(import_body(status=status)))
    assert isinstance(reply, Found)
    assert reply.found.status == status


@pytest.mark.parametrize(
    "changes",
    [
        {"creationTime": "1654104600000"},
        {"creationTime": None},
        {"creationTime": -1},
        {"creationTime": 1e300},
        {"creationTime": {"at": 1}},
        {"mode": 7},
        {"mode": None},
        {"files": None},
        {"files": "none"},
        {"files": [None, {}, {"filename": 3}, {"filename": "a", "status": None}]},
        {"_links": None},
        {"something_new": [1, 2, {"x": None}]},
    ],
)
def test_an_unreadable_optional_field_does_not_hide_the_status(changes: dict[str, object]) -> None:
    """An unreadable optional field does not hide the status."""
    reply = decode(REF, answer(import_body(status="complete", **changes)))
    assert isinstance(reply, Found)
    assert reply.found.status is ImportStatus.COMPLETE


def test_a_creation_time_of_digits_is_decoded() -> None:
    """The creation time may be an integer or a string of digits."""
    reply = decode(REF, answer(import_body(creationTime="1654104600000")))
    assert isinstance(reply, Found)
    assert reply.found.created_ms == 1654104600000


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"id": "other"}, "id"),
        ({"segmentKey": "other"}, "segmentKey"),
        ({"id": "other", "mode": 7, "files": {}}, "id"),
        ({"segmentKey": "other", "creationTime": []}, "segmentKey"),
        ({"id": "other", "status": 5}, "id"),
        ({"id": "other", "status": ""}, "id"),
        ({"id": "other", "segmentKey": 5}, "id"),
        ({"id": 5, "segmentKey": "other"}, "segmentKey"),
        ({"id": "other", "code": "c"}, "id"),
    ],
)
def test_another_import_is_recognized_by_id_and_segment_alone(changes: dict[str, object], field: str) -> None:
    """Another import is recognized even if all its other fields are unreadable."""
    reply = decode(REF, answer(import_body(**changes)))
    assert isinstance(reply, WrongImport)
    assert reply.field == field


@pytest.mark.parametrize("status", ["", " "])
def test_an_empty_status_is_a_fault(status: str) -> None:
    """An empty status is a fault, not an unknown status."""
    reply = decode(REF, answer(import_body(status=status)))
    assert isinstance(reply, Fault)
    assert reply.kind is FaultKind.GATEWAY


@pytest.mark.parametrize("missing", ["id", "segmentKey", "status"])
def test_an_import_without_an_essential_field_is_a_fault(missing: str) -> None:
    """A body that is not exactly an import is never a success."""
    body = import_body(status="complete")
    del body[missing]
    reply = decode(REF, answer(body))
    assert isinstance(reply, Fault)
    assert reply.kind is FaultKind.GATEWAY


WHOLE = json.dumps(import_body(status="complete")).encode()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"7",
        b'"complete"',
        b"<html>login</html>",
        WHOLE[:-1],
        WHOLE + b"x",
        WHOLE.replace(b'"complete"', b'"comp\xfflete"'),
        WHOLE.replace(b'"complete"', b'"\\ud800"'),
        WHOLE.replace(b'"complete"', b"true"),
        WHOLE.replace(b'"1234a567"', b"1234"),
        WHOLE.replace(b'"complete"', b"NaN"),
        WHOLE.replace(b'"1234a567"', b'"1234a567\\ud800"'),
        WHOLE.replace(b'"complete"', b'"comp\x1blete"'),
        WHOLE[:-1] + b", 5}",
        b")]}',\n" + WHOLE,
        b"[" + WHOLE + b"]",
        b'{"code": "c", "message": "m", ' + WHOLE[1:].replace(b'"1234a567"', b'"another"'),
        b'{"code": "c", "message": "m", ' + WHOLE[1:].replace(b'"complete"', b"500"),
        b'{"id": "another", "code": "c", "message": "m"}',
        b'{"id": "another", "status": "error"}',
        b'{"segmentKey": "another", "status": "error"}',
        WHOLE.replace(b'"1234a567"', b'"another"').replace(b'"status"', b'"_status"'),
        WHOLE.replace(b'"1234a567"', b'"another"').replace(b'"complete"', b"null", 1),
        b'{"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"x":' * 100_000 + b"1" + b"}" * 100_000,
        WHOLE + b" " * BODY_LIMIT,
    ],
)
def test_a_malformed_200_is_a_fault(body: bytes) -> None:
    """A 200 whose body is not an import is a fault."""
    reply = decode(REF, Answer(200, {}, body))
    assert isinstance(reply, Fault)
    assert reply.kind is FaultKind.GATEWAY


@pytest.mark.parametrize(
    "body",
    [
        b"\xef\xbb\xbf" + WHOLE,
        b"\xef\xbb\xbf \n" + WHOLE + b"\n",
        WHOLE.replace(b"1654104600000", b"NaN"),
        WHOLE.replace(b"1654104600000", b"-Infinity"),
        WHOLE.replace(b"1654104600000", b"1e999"),
        WHOLE.replace(b"1654104600000", b"9" * 5000),
        WHOLE.replace(b"1654104600000", b"0x10"),
        WHOLE.replace(b"bigsegimport", b"\xfc"),
        WHOLE.replace(b"bigsegimport", b"\xed\xa0\x80"),
        WHOLE.replace(b"bigsegimport", b"\\ud800"),
        WHOLE.replace(b"bigsegimport", b"a\nb"),
        WHOLE.replace(b"replace", b"\\x"),
        WHOLE.replace(b"replace", b"\xff\xfe"),
        WHOLE[:-1] + b', "\xff": "\xff"}',
        WHOLE[:-1] + b', "new": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        WHOLE[:-1] + b', "new": {"status": NaN, "id": "[{,:"}}',
        WHOLE[:-1] + b', "code": "c", "message": "m"}',
    ],
    ids=lambda body: repr(body)[-60:],
)
def test_an_unreadable_field_does_not_hide_the_status(body: bytes) -> None:
    """Fields that do not decide never cost the status: not invalid ones, and not those of an error."""
    reply = decode(REF, Answer(200, {}, body))
    assert isinstance(reply, Found)
    assert reply.found.status is ImportStatus.COMPLETE
    assert all(text.isprintable() and text.encode() for text in texts_in(reply))


def test_identity_counts_in_a_malformed_import() -> None:
    """Another import is recognized although one of its fields is unreadable."""
    body = WHOLE.replace(b"1654104600000", b"NaN").replace(b'"1234a567"', b'"another"')
    assert decode(REF, Answer(200, {}, body)) == WrongImport("id", REF.import_id, "another")


def test_a_compressed_body_is_a_fault() -> None:
    """A body that is still compressed is a fault that names the encoding."""
    reply = decode(REF, Answer(200, {"content-encoding": "br"}, b"\x0b\x02\x80abc\x03"))
    assert isinstance(reply, Fault)
    assert "encoded as br" in reply.detail


def test_an_error_quotes_the_api() -> None:
    """An error has the ID for LaunchDarkly's support."""
    reply = decode(
        REF, answer({"code": "not_found", "message": "Invalid resource identifier", "id": "7f"}, 404)
    )
    assert isinstance(reply, Missing)
    assert str(reply.error) == 'HTTP 404 not_found "Invalid resource identifier" (id 7f)'


def test_text_from_the_api_is_printable() -> None:
    """Text from the API is made printable."""
    evil = "\x1b]0;owned\x07\r\n\u202e\u2028\u009b\x00"
    found = decode(REF, answer(import_body(status=evil, mode=evil, files=[{"filename": evil}])))
    failed = decode(REF, answer({"code": evil, "message": evil, "id": evil}, 403))
    moved = decode(REF, Answer(302, {"location": evil}, b""))
    for reply in (found, failed, moved):
        texts = list(texts_in(reply))
        assert any("owned" in text for text in texts)
        assert all(text.isascii() and text.isprintable() for text in texts)


TOKEN = "api-0f2b+6a1e"
ESCAPED = "".join(f"\\u{ord(character):04x}" for character in TOKEN)
ENCODED = "".join(f"%{ord(character):02X}" for character in TOKEN)


def concealed(came: Answer, token: str = TOKEN) -> Reply:
    """Return the reply to a request with the token."""
    return decode(REF, replace(came, conceal=Secret(token).conceal))


def echoes(text: str) -> Iterator[Answer]:
    """Return responses of every kind, each with the text in another place."""
    for field in ("id", "segmentKey", "status", "mode"):
        yield answer(import_body(**{field: text}))
    for field in ("filename", "status"):
        yield answer(import_body(files=[{field: text}]))
    for status in (403, 404, 418, 429, 502):
        for field in ("code", "message", "id"):
            yield answer({field: text}, status)
    yield answer({}, 302, location=text)
    yield answer({}, 403, server=text)
    yield Answer(200, {"content-type": text}, b"<p>")
    yield answer(f"<title>{text}", 403)
    yield answer([text])
    yield answer({"error": text}, 404)
    yield answer({text: 0}, 502)
    yield Answer(200, {"content-encoding": text}, b"\xff")


@pytest.mark.parametrize("text", [TOKEN, f"key={TOKEN}; {TOKEN}", f"key={ENCODED}", f"{TOKEN} {ENCODED}"])
def test_the_token_is_never_shown(text: str) -> None:
    """A reply never contains the token, wherever the response quotes it."""
    for came in echoes(text):
        for body in (came.body, came.body.replace(TOKEN.encode(), ESCAPED.encode())):
            told = repr(concealed(replace(came, body=body)))
            assert "***" in told
            assert "api-" not in told.lower()
            assert "%61" not in told


@pytest.mark.parametrize("token", ['api/0f2b/"6a1e"', "api\\0f2b\\6a1e"])
def test_no_escape_of_json_hides_the_token(token: str) -> None:
    """The token is found in quoted JSON however its characters are escaped."""
    for error in (json.dumps(token), json.dumps(token).replace("/", "\\/")):
        reply = concealed(Answer(404, {}, b'{"error": %s}' % error.encode()), token)
        assert isinstance(reply, Fault)
        assert '"error": "***"' in reply.detail


def test_a_body_that_was_decoded_before_hides_a_new_token() -> None:
    """The reply to a body is not remembered for another token."""
    came = answer(import_body(mode=TOKEN))
    for token, mode in (("other-token", TOKEN), (TOKEN, "***"), ("other-token", TOKEN)):
        reply = concealed(came, token)
        assert isinstance(reply, Found)
        assert reply.found.mode == mode


@pytest.mark.parametrize("length", range(15, 300, 3))
def test_a_cut_leaves_no_part_of_the_token(length: int) -> None:
    """Long text is cut only after the token was removed."""
    for came in echoes("x" * length + TOKEN + "x" * 300):
        assert "api" not in repr(concealed(came))


@pytest.mark.parametrize("text", [TOKEN, ENCODED, f"{TOKEN},"], ids=["plain", "encoded", "separated"])
def test_a_repeated_token_leaves_no_part_of_itself(text: str) -> None:
    """Tokens that become short in the part that is searched do not show half of the last one."""
    for length in range(len(text)):
        for came in echoes("x" * length + text * 200):
            told = repr(concealed(came))
            assert "api" not in told
            assert "%61" not in told


@pytest.mark.parametrize("start", ["", "<title>", '{"error": "', '["'])
@pytest.mark.parametrize("length", range(3, len(TOKEN), 3))
def test_the_beginning_of_a_page_leaves_no_part_of_the_token(start: str, length: int) -> None:
    """Only the beginning of a page is read; half of a token at its end is not shown."""
    before = f"{start:<{(1 << 14) - length}}"
    assert "api" not in repr(concealed(Answer(404, {}, f"{before}{TOKEN} x".encode())))


def test_only_the_token_is_removed() -> None:
    """Only the token is removed from an error message."""
    reply = concealed(answer({"code": "c", "message": f"bad key {TOKEN} for 100%"}, 403))
    assert reply == Denied(ApiError(403, "c", "bad key *** for 100%"))


def test_identity_and_status_are_compared_as_received() -> None:
    """A token that is part of a key or a status hides neither."""
    came = answer(import_body(status="complete"))
    for token in ("1234", "big", "complete", "e", "*", "%"):
        reply = concealed(came, token)
        assert isinstance(reply, Found)
        assert reply.found.status is ImportStatus.COMPLETE


def test_the_repr_of_an_answer_omits_all_text() -> None:
    """The repr of a response contains none of its text."""
    came = replace(answer({"message": TOKEN}, 403, location=TOKEN), conceal=Secret(TOKEN).conceal)
    assert repr(came) == "Answer(status=403, broken=None, token_changed=False)"


def texts_in(value: object) -> Iterator[str]:
    """Return all texts in a reply."""
    if isinstance(value, str):
        yield value
    elif is_dataclass(value):
        for field in fields(value):
            yield from texts_in(getattr(value, field.name))
    elif isinstance(value, tuple):
        for item in value:
            yield from texts_in(item)


headers = st.dictionaries(
    st.sampled_from(
        ["retry-after", "date", "x-ratelimit-reset", "content-encoding", "content-type", "location"]
    ),
    st.text(),
)
json_bodies = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from([*import_body(), "x"]), inner),
).map(lambda value: json.dumps(value).encode())


@given(st.integers(100, 999), headers, st.binary() | json_bodies)
@example(200, {}, b"\xff")
def test_any_answer_is_decoded(status: int, header_fields: dict[str, str], body: bytes) -> None:
    """Any response is decoded without an exception."""
    reply = decode(REF, Answer(status, header_fields, body))
    assert isinstance(reply, Reply)
    assert not any(
        unicodedata.category(character)[0] == "C" for text in texts_in(reply) for character in text
    )
