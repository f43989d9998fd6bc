"""From options to settings: what goes together, what fills in for what, and what is refused."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from tests.support.driving import REF
from watcher.api.token import Secret, hint_at_wrong_key
from watcher.cli.resolve import resolve
from watcher.cli.settings import Options, Settings
from watcher.core.errors import UsageError
from watcher.core.statuses import ImportStatus

KEYS = str(REF)
EU = f"https://app.eu.launchdarkly.com{REF.path}"
US = f"https://app.launchdarkly.us{REF.path}"
SECRET = "api-0f2b6a1e-1111-2222-3333-0123456789ab"


@pytest.fixture(autouse=True)
def _token(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LD_ACCESS_TOKEN", "LAUNCHDARKLY_ACCESS_TOKEN", "LD_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LD_API_KEY", " api-1 \n")


def settled(options: Options) -> Settings:
    """The settings; nothing is read from outside."""
    return resolve(options, lambda name: pytest.fail(f"{name} is read"))


def test_launchdarkly_s_own_hosts_set_the_base_uri() -> None:
    """A URL on one of LaunchDarkly's hosts, beside targets without a host, says where the API is."""
    assert settled(Options(targets=(EU, KEYS))).base_uri == "https://app.eu.launchdarkly.com"
    assert settled(Options(targets=(KEYS,))).base_uri == "https://app.launchdarkly.com"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (Options(targets=(EU, US)), "on different hosts"),
        (Options(targets=(EU,), base_uri="https://app.launchdarkly.us"), "--base-uri https://app.eu"),
        (Options(targets=(KEYS,), fail_on=(ImportStatus.COMPLETE,)), "--fail-on complete contradicts"),
        (Options(targets=(KEYS,), min_interval=0.0), "--min-interval must be more than 0"),
        (Options(targets=(KEYS,), max_interval=0.0), "--max-interval must be more than 0"),
        (Options(targets=(KEYS,), min_interval=2.0, max_interval=1.0), "longer than --max-interval"),
        (Options(targets=(KEYS,), base_uri="http://192.0.2.1"), "plain http"),
        (Options(targets=(KEYS,), base_uri="https://x.example/path"), "a scheme and host alone"),
        (Options(targets=(KEYS,), base_uri=" "), "is empty; leave it out"),
        (Options(targets=(KEYS,), base_uri=SECRET), "looks like an access token"),
        (Options(targets=(EU.replace("https", "http"),)), "so write https://app.eu.launchdarkly.com"),
        (Options(targets=(KEYS,), token_file=Path(SECRET)), "--token-file *** cannot be read"),
        (Options(segment="s"), "--project and --environment and --import-id"),
        (Options(), "no import is named"),
    ],
)
def test_refusals(options: Options, words: str) -> None:
    """What cannot be is told in words that name the option."""
    with pytest.raises(UsageError) as caught:
        settled(options)
    assert words in str(caught.value)


def test_no_token_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who gave no token is told both ways to give one."""
    monkeypatch.delenv("LD_API_KEY")
    with pytest.raises(UsageError, match=r"LD_ACCESS_TOKEN=api-… .* --token-file"):
        settled(Options(targets=(KEYS,)))


def test_the_first_token_that_is_set_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """The variables have an order, and white space around a token is dropped."""
    assert settled(Options(targets=(KEYS,))).tokens.current() == Secret("api-1")
    monkeypatch.setenv("LD_ACCESS_TOKEN", "api-2")
    assert settled(Options(targets=(KEYS,))).tokens.current() == Secret("api-2")


@pytest.mark.parametrize(
    ("given", "bounds"),
    [
        ({}, (1.0, 25.0)),
        ({"min_interval": 60.0}, (60.0, 60.0)),
        ({"max_interval": 0.5}, (0.5, 0.5)),
        ({"min_interval": 2.0, "max_interval": 3.0}, (2.0, 3.0)),
    ],
)
def test_one_bound_moves_the_other_s_default(given: dict[str, float], bounds: tuple[float, float]) -> None:
    """A bound that is given alone never crosses the default of the other."""
    minimum, maximum = given.get("min_interval"), given.get("max_interval")
    policy = settled(Options(targets=(KEYS,), min_interval=minimum, max_interval=maximum)).policy
    assert (policy.min_interval, policy.max_interval) == bounds


def test_zero_is_no_limit_and_once_has_defaults_of_its_own() -> None:
    """0 lifts a limit; one look waits without end for nothing but half a minute of trouble."""
    policy = settled(Options(targets=(KEYS,), timeout=0.0, outage_budget=0.0)).policy
    assert (policy.timeout, policy.outage_budget) == (math.inf, math.inf)
    once = settled(Options(targets=(KEYS,), once=True)).policy
    assert (once.timeout, once.outage_budget) == (math.inf, 30.0)


def test_the_same_import_is_watched_once() -> None:
    """However often and in whatever form it is named."""
    assert settled(Options(targets=(KEYS, REF.path, KEYS))).refs == (REF,)


def test_a_token_is_never_shown() -> None:
    """Neither by repr nor in formatting, and other keys of LaunchDarkly's get a hint."""
    for value in ("sdk-1", "mob-1", "0123456789abcdef01234567"):
        secret = Secret(value)
        assert value not in f"{secret} {secret!r}"
        hint = hint_at_wrong_key(secret)
        assert hint is not None
        assert value not in hint
    assert hint_at_wrong_key(Secret("api-1")) is None
