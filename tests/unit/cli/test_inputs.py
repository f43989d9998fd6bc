"""What settings point at: the imports, their host and the access token."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.driving import REF
from watcher.api.token import Secret
from watcher.cli.inputs import read_inputs
from watcher.cli.settings import Settings
from watcher.cli.target_lists import TargetLists
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
    return read_inputs(settings, TargetLists(), environ)


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
        (Settings(segment="s"), "--project and --environment and --import-id"),
        (Settings(), "no import is named"),
    ],
)
def test_what_is_refused(settings: Settings, words: str) -> None:
    """Each refusal names the setting, and never repeats a token."""
    with pytest.raises(UsageError, match=words) as caught:
        inputs(settings)
    assert SECRET not in str(caught.value)


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


@pytest.mark.parametrize("field", ["base_uri", "token_file", "targets"])
def test_the_demo_needs_no_target(field: str) -> None:
    """A target, a host or a token file on the command line contradicts --demo."""
    with pytest.raises(UsageError, match="--demo creates and watches its own import"):
        inputs(Settings(demo="demo", given=frozenset({field})))
    assert inputs(Settings(demo="demo", base_uri="http://from.the.environment")).refs == ()
