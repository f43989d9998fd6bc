"""Tests of reading JSON that is not quite valid."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watcher.core.answers.decoding import decode
from watcher.core.answers.lenient import read_object, read_value
from watcher.core.answers.replies import BODY_LIMIT, Answer, Fault, Found, Throttled
from watcher.core.model import ImportRef

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(st.dictionaries(st.text(), values), st.sampled_from([None, 1, "\t"]))
def test_a_valid_object_is_read_as_json_reads_it(
    members: dict[str, object], indent: int | str | None
) -> None:
    """Valid JSON has the same members, however it is written."""
    text = json.dumps(members, indent=indent, ensure_ascii=indent is None)
    read = read_object(text.encode(errors="surrogatepass"))
    assert read is not None
    assert {name: json.loads(value) for name, value in read.items()} == json.loads(text)


@pytest.mark.parametrize(
    ("text", "members"),
    [
        ("{}", {}),
        (' {"a" : 1 , "b":[1,{"c":"}"}] } ', {"a": "1 ", "b": '[1,{"c":"}"}] '}),
        ('{"a":1,"a":2}', {"a": "2"}),
        ('{"a":NaN,"b":1e,"c":}', {"a": "NaN", "b": "1e", "c": ""}),
        ('{"a":"\\"","b":"\\\\"}', {"a": '"\\""', "b": '"\\\\"'}),
        ('{"a":1,}', {"a": "1"}),
        ("[]", None),
        ("{", None),
        ('{"a"}', None),
        ('{"a":1', None),
        ('{"a":1}}', None),
        ('{"a":1} {}', None),
        ('{"a":{}{}}', None),
        ('{"a":[}}', None),
        ('{"a":[{"b":[1]},{}],"c":[[2]]}', {"a": '[{"b":[1]},{}]', "c": "[[2]]"}),
        ('{"a":[{]}}', None),
        ('{"a":[[1]}]}', None),
        ('{"a":["}', None),
        ('{"a":"b}', None),
        ('{"a":"b" "c"}', None),
        ('{"a" 1}', None),
        ("{a:1}", None),
        ("", None),
    ],
)
def test_members(text: str, members: dict[str, str] | None) -> None:
    """Each value is kept as text; an object that is not whole has no members."""
    assert read_object(text.encode()) == members


def filled(before: str, part: str, after: str = "") -> bytes:
    """Return a body of the largest size with a part that is repeated."""
    return (before + part * ((BODY_LIMIT - len(before) - len(after)) // len(part)) + after).encode()


IMPORT = '{"id":"i","segmentKey":"s","status":"complete","creationTime":NaN,'
HOSTILE = {
    "brackets": filled('{"a":', "["),
    "braces": filled('{"a":', '{"a":'),
    "pairs": filled('{"a":', "{}"),
    "pairs in a list": filled('{"a":[', "{}"),
    "pairs in pairs": filled('{"a":[', "[{}]"),
    "an open bracket between pairs": filled('{"a":[', "[{}"),
    "numbers": filled('{"a":[', "1,"),
    "quotes": filled('{"a":', '"'),
    "escaped quotes": filled('{"a":["', '\\"'),
    "a string without an end": filled('{"a":"', "x"),
    "members": filled("{", '"a":1,', '"b":2}'),
    "names without an end": filled('{"a', '\\"'),
    "spaces": filled("{", " "),
    "an import of many members": filled(IMPORT, '"a":1,', '"b":2}'),
    "colons": filled('{"a":', ":"),
}


@pytest.mark.parametrize("status", [200, 429, 503])
@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_body_takes_little_time(body: bytes, status: int) -> None:
    """A body of the largest size does not stop the loop for long, whatever is in it."""
    began = time.process_time()
    reply = decode(ImportRef("p", "e", "s", "i"), Answer(status, {}, body))
    assert time.process_time() - began < 1
    assert isinstance(reply, Throttled if status == 429 else Fault)


def test_a_large_import_with_an_unreadable_field_counts() -> None:
    """An import with twenty thousand files and a byte that is not UTF-8 is complete."""
    files = '{"filename":"keys.csv","status":"done"},' * 20_000
    body = f'{IMPORT}"files":[{files[:-1]}]}}'.replace("keys", "\xfc", 1).encode("latin-1")
    reply = decode(ImportRef("p", "e", "s", "i"), Answer(200, {}, body))
    assert isinstance(reply, Found)
    assert reply.found.status == "complete"


def test_a_value_that_is_nested_deeply_is_unreadable() -> None:
    """Deep nesting costs its own field alone."""
    deep = "[" * 100_000 + "]" * 100_000
    members = read_object(f'{{"a":{deep},"b":1}}'.encode())
    assert members is not None
    assert read_value(members["a"]) is None
    assert read_value(members["b"]) == 1


@pytest.mark.parametrize(("nested", "readable"), [(100_000, True), (100_001, False)])
def test_the_number_of_nested_brackets_is_bounded(nested: int, readable: bool) -> None:
    """A value with very many brackets in brackets is not read; each delays the polls."""
    body = f'{{"a":[{"[{}]" * nested}]}}'.encode()
    assert (read_object(body) is not None) is readable
