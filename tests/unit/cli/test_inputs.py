"""What settings point at: the imports, their host and the access token."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.driving import REF
from watcher.api.token import Secret
from watcher.cli.inputs import InputReader
from watcher.cli.settings import Settings
from watcher.core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from watcher.cli.inputs import Inputs

KEYS = str(REF)
EU = f"https://app.eu.launchdarkly.com{REF.path}"
US = f"https://app.launchdarkly.us{REF.path}"
SECRET = "api-0f2b6a1e-1111-2222-3333-0123456789ab"
TOKEN = {"LD_API_KEY": " api-1 \n"}


def inputs(settings: Settings, environ: Mapping[str, str] = TOKEN) -> Inputs:
    """Read the inputs of settings that name no list."""
    return InputReader(settings, environ).read()


def test_a_host_of_launchdarkly_sets_the_base_uri() -> None:
    """A URL on one of LaunchDarkly's hosts, beside targets without a host, sets the base URI."""
    assert inputs(Settings(targets=(EU, KEYS))).base_uri == "https://app.eu.launchdarkly.com"
    assert inputs(Settings(targets=(KEYS,))).base_uri == "https://app.launchdarkly.com"


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (Settings(targets=(EU, US)), "different hosts"),
        (Settings(targets=(EU,), base_uri="https://app.launchdarkly.us"), "--base-uri https://app.eu"),
        (Settings(targets=(KEYS,), base_uri="http://192.0.2.1"), "Plain http"),
        (Settings(targets=(KEYS,), base_uri="https://x.example/path"), "https://app.launchdarkly.com"),
        (Settings(targets=(KEYS,), base_uri=" "), "empty"),
        (Settings(targets=(KEYS,), base_uri=SECRET), "looks like an access token"),
        (Settings(targets=(EU.replace("https", "http"),)), "https://app.eu.launchdarkly.com"),
        (Settings(targets=(KEYS,), token_file=Path(SECRET)), r"--token-file \*\*\*"),
        (Settings(targets=(f"a/b/c/{SECRET}",)), "import ID looks like an access token"),
        (Settings(targets=(SECRET,)), "target looks like an access token"),
        (Settings(targets=(f"a/b/c/{SECRET.replace('-', '%2D')}/x",)), r"four parts: 'a/b/c/\*\*\*/x'"),
        (Settings(segment="s"), "--project and --environment and --import-id"),
        (Settings(), "no import is named"),
    ],
)
def test_what_is_refused(settings: Settings, words: str) -> None:
    """Each refusal names the setting, and never repeats a token."""
    with pytest.raises(UsageError, match=words) as caught:
        inputs(settings)
    assert SECRET not in str(caught.value)
    assert SECRET[4:] not in str(caught.value)


@pytest.mark.parametrize("token", ["my-secret-token", "short"])
def test_a_target_with_the_token_in_use(token: str) -> None:
    """A target that contains the access token is refused, whatever the token looks like."""
    with pytest.raises(UsageError, match="contains the access token"):
        inputs(Settings(targets=(f"a/b/c/{token}",)), {"LD_ACCESS_TOKEN": token})


def test_a_host_with_the_token_in_use() -> None:
    """A base URI that contains the access token is refused in any case of letters."""
    with pytest.raises(UsageError, match="base URI contains the access token"):
        inputs(Settings(targets=(KEYS,), base_uri="https://secret.example"), {"LD_ACCESS_TOKEN": "Secret"})


def test_a_short_token_within_a_word() -> None:
    """A token that is shorter than ordinary words may be a part of them."""
    assert inputs(Settings(targets=(KEYS,)), {"LD_ACCESS_TOKEN": "t"}).refs == (REF,)


def test_the_token_is_concealed_before_it_is_read() -> None:
    """Messages about a command line that is refused contain no token from the environment."""
    reader = InputReader(Settings(), {"LD_API_KEY": " my-secret-token\n"})
    assert reader.conceal("target is 'my-secret-token'") == "target is '***'"


@pytest.mark.parametrize(
    ("environ", "sentence"),
    [
        ({}, None),
        ({"LD_BASE_URI": "https://app.launchdarkly.us"}, None),
        (
            {"WATCHER_BASE_URI": "", "LD_BASE_URI": "https://gw.example"},
            "https://gw.example (from LD_BASE_URI)",
        ),
        ({"LAUNCHDARKLY_API_HOST": "http://127.0.0.1:1"}, "http://127.0.0.1:1 (from LAUNCHDARKLY_API_HOST)"),
    ],
)
def test_another_host_is_named(environ: dict[str, str], sentence: str | None) -> None:
    """A host that is not LaunchDarkly's own is named with the variable that sets it."""
    base_uri = next((uri for uri in environ.values() if uri), None)
    said = inputs(Settings(targets=(KEYS,), base_uri=base_uri), TOKEN | environ).foreign_host
    assert said == (None if sentence is None else f"polling {sentence}, which is not a LaunchDarkly host")


def test_a_missing_token() -> None:
    """A missing token is explained with both ways to give one."""
    with pytest.raises(UsageError, match=r"LD_ACCESS_TOKEN=api-… .* --token-file"):
        inputs(Settings(targets=(KEYS,)), {})


def test_the_order_of_token_variables() -> None:
    """The first variable that is set counts, and white space around a token is dropped."""
    assert inputs(Settings(targets=(KEYS,))).tokens.current() == Secret("api-1")
    both = TOKEN | {"LD_ACCESS_TOKEN": "api-2"}
    assert inputs(Settings(targets=(KEYS,)), both).tokens.current() == Secret("api-2")


def test_the_same_import_is_watched_once() -> None:
    """An import that is named twice in different forms is watched once."""
    assert inputs(Settings(targets=(KEYS, REF.path, KEYS))).refs == (REF,)


@pytest.mark.parametrize(
    ("settings", "environ", "words"),
    [
        (Settings(targets=("-", "a/b")), TOKEN, "four parts"),
        (Settings(targets=("-",)), {}, "no access token"),
        (Settings(targets=("-",), base_uri="http://192.0.2.1"), TOKEN, "Plain http"),
        (Settings(targets=("@list", EU), base_uri="https://x.example"), TOKEN, "target is on https://app.eu"),
        (Settings(targets=("a/b",), token_file=Path("file")), TOKEN, "four parts"),
    ],
)
def test_what_is_checked_before_reading(settings: Settings, environ: dict[str, str], words: str) -> None:
    """Mistakes that show without reading are reported before a read that may block."""
    with pytest.raises(UsageError, match=words):
        InputReader(settings, environ).check()


@pytest.mark.parametrize("field", ["base_uri", "token_file", "targets"])
def test_the_demo_needs_no_target(field: str) -> None:
    """A target, a host or a token file on the command line contradicts --demo."""
    with pytest.raises(UsageError, match="--demo creates and watches its own import"):
        inputs(Settings(demo="demo", given=frozenset({field})))
    assert inputs(Settings(demo="demo", base_uri="http://from.the.environment")).refs == ()
