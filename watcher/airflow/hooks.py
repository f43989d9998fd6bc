"""The connection to LaunchDarkly: access token and base URI."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import cache

from airflow.sdk import BaseHook

from watcher.airflow.compat import AirflowNotFoundException
from watcher.airflow.form import (
    CONNECTION_TYPE,
    DEFAULT_CONNECTION,
    HIDDEN_FIELDS,
    PLACEHOLDERS,
    RELABELED_FIELDS,
)
from watcher.airflow.threads import call
from watcher.api.hosts import parse_base_uri
from watcher.api.token import Secret, check_token


@dataclass(frozen=True, slots=True)
class LaunchDarklyAccount:
    """What a connection contains.

    Attributes:
        base_uri: Scheme and host of the API; None for the host of the target, else the default.
    """

    token: str = field(repr=False)
    base_uri: str | None


class LaunchDarklyHook(BaseHook):
    """Reads a connection of type ``launchdarkly``: its password is the access token, its host the base URI.

    Args:
        launchdarkly_conn_id: The connection ID.
    """

    conn_name_attr = "launchdarkly_conn_id"
    default_conn_name = DEFAULT_CONNECTION
    conn_type = CONNECTION_TYPE
    hook_name = "LaunchDarkly"

    def __init__(self, launchdarkly_conn_id: str = DEFAULT_CONNECTION) -> None:
        super().__init__()
        self.launchdarkly_conn_id = launchdarkly_conn_id

    @classmethod
    def get_ui_field_behaviour(cls) -> dict[str, object]:
        """Return the form of the connection, for Airflow before 3.3."""
        return {
            "hidden_fields": HIDDEN_FIELDS,
            "relabeling": RELABELED_FIELDS,
            "placeholders": PLACEHOLDERS,
        }

    def get_conn(self) -> LaunchDarklyAccount:
        """Return the access token and the base URI.

        Raises:
            AirflowNotFoundException: There is no such connection, or no secrets backend found it.
            UsageError: Its password is no access token, or its host is no base URI.
        """
        name = self.launchdarkly_conn_id
        try:
            connection = self.get_connection(name)
        except AirflowNotFoundException as error:
            raise AirflowNotFoundException(
                f"there is no connection {name!r}. Create one of type {CONNECTION_TYPE} with a LaunchDarkly "
                "access token as its password."
            ) from error
        base_uri = _base_uri(connection.host, connection.schema, connection.port)
        password = Secret(connection.password or "")
        del connection  # a traceback may show the variables of this function
        token = check_token(password, f"the password of the connection {name!r}")
        return LaunchDarklyAccount(token.reveal(), base_uri)


def _base_uri(host: str | None, scheme: str | None, port: int | None) -> str | None:
    """Return the base URI; Airflow splits one that is written as a URI, or in the fields of the CLI."""
    if not host:
        return None
    uri = host if "://" in host else f"{scheme or 'https'}://{host}"
    uri = uri if port is None else f"{uri.rstrip('/')}:{port}"
    return parse_base_uri(uri, "the connection's host")


async def get_account(conn_id: str) -> LaunchDarklyAccount:
    """Return the account of a connection without blocking the event loop.

    The raised errors are those of ``LaunchDarklyHook.get_conn``.
    """
    return await call(LaunchDarklyHook(conn_id).get_conn)


@cache
def token_reader(conn_id: str) -> Callable[[], Awaitable[str]]:
    """Return the function that reads the token of a connection, for ``watcher.shared``.

    It is the same one for each connection ID, because ``shared`` compares functions by identity.
    """

    async def read() -> str:
        account = await get_account(conn_id)
        return account.token

    return read
