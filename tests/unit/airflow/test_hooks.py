"""The connection, with Airflow; skipped where it is not installed."""

from __future__ import annotations

import asyncio
import json
import threading
import traceback

import pytest

pytest.importorskip("airflow.sdk", reason="Airflow is not installed: pip install '.[airflow]'")

from asgiref.sync import async_to_sync

from watcher.airflow.compat import AirflowNotFoundException
from watcher.airflow.hooks import LaunchDarklyHook, get_account, token_reader
from watcher.airflow.threads import call
from watcher.core.errors import UsageError

# Airflow 3.1 imports its own deprecated names.
CONNECTION = "AIRFLOW_CONN_LAUNCHDARKLY_DEFAULT"
TOKEN = "api-secret"


@pytest.mark.parametrize(
    ("uri", "base_uri"),
    [
        ("launchdarkly://:api-secret@", None),
        ("launchdarkly://:api-secret@app.eu.launchdarkly.com", "https://app.eu.launchdarkly.com"),
        ("launchdarkly://:api-secret@127.0.0.1:8080/http", "http://127.0.0.1:8080"),
        (
            json.dumps({"conn_type": "launchdarkly", "password": TOKEN, "host": "http://localhost:8080/"}),
            "http://localhost:8080",
        ),
    ],
)
def test_a_connection_names_token_and_host(
    monkeypatch: pytest.MonkeyPatch, uri: str, base_uri: str | None
) -> None:
    """All ways to write a connection are understood; without a scheme it is https."""
    monkeypatch.setenv(CONNECTION, uri)
    account = LaunchDarklyHook().get_conn()
    assert (account.token, account.base_uri) == (TOKEN, base_uri)
    assert TOKEN not in repr(account)
    assert asyncio.run(get_account("launchdarkly_default")) == account


def test_a_missing_connection_is_named() -> None:
    """The message says what to create."""
    with pytest.raises(
        AirflowNotFoundException, match=r"no connection 'ld'. Create one of type launchdarkly"
    ):
        LaunchDarklyHook("ld").get_conn()


@pytest.mark.parametrize("password", ["", "Bearer api-secret"])
def test_a_wrong_password_is_no_token(monkeypatch: pytest.MonkeyPatch, password: str) -> None:
    """It is refused at once, instead of after an outage budget, and no variable of a traceback shows it."""
    monkeypatch.setenv(CONNECTION, json.dumps({"conn_type": "launchdarkly", "password": password}))
    with pytest.raises(UsageError, match="password of the connection 'launchdarkly_default'") as caught:
        LaunchDarklyHook().get_conn()
    captured = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    ours = [
        frame
        for frame in captured.stack
        if "watcher/airflow" in frame.filename or "watcher/api" in frame.filename
    ]
    assert ours
    assert TOKEN not in str(caught.value) + "".join(str(frame.locals) for frame in ours)


def test_a_rotated_token_is_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """The function that reads the token is always the same, and reads the connection at each call."""
    read = token_reader("launchdarkly_default")
    assert token_reader("launchdarkly_default") is read
    for token in ("api-old", "api-new"):
        monkeypatch.setenv(CONNECTION, f"launchdarkly://:{token}@")
        assert asyncio.run(_call(read)) == token


async def _call(read: object) -> object:
    assert callable(read)
    return await read()


def test_a_cancelled_call_goes_on() -> None:
    """Airflow 3.1 confuses its messages if a request is cancelled before its response."""
    begun, go_on, ended = threading.Event(), threading.Event(), threading.Event()

    async def request() -> None:
        begun.set()
        await asyncio.to_thread(go_on.wait, 10)
        ended.set()

    ask = async_to_sync(request)  # as Airflow 3.1 asks its supervisor

    async def cancel() -> None:
        task = asyncio.create_task(call(ask))
        await asyncio.to_thread(begun.wait, 10)
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()
        go_on.set()
        assert await asyncio.to_thread(ended.wait, 10)

    asyncio.run(cancel())
