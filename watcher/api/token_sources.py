"""Where the access token comes from: fixed text, a file, or a function of the program."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Self

from watcher.api.threads import in_daemon_thread
from watcher.api.token import Secret, check_token, parse_token
from watcher.core.errors import UsageError
from watcher.core.text import is_utf16, reason_of, redact

_LARGEST_FILE = 64 * 1024
_KEPT_TOKENS = 8
"""Latest tokens that are removed from messages; former ones may be valid for a while."""


class TokenError(Exception):
    """There is no access token at present; the message fits after a colon and is safe to print."""


class TokenSource:
    """A token that cannot change, such as one from the environment; also the base class of other sources."""

    def __init__(self, token: Secret) -> None:
        self._tokens = [token]

    def current(self) -> Secret:
        """Return the token as last read."""
        return self._tokens[-1]

    def reread(self) -> Secret:
        """Read the token again if it can have changed, and return it."""
        return self.current()

    async def get(self) -> Secret:
        """Return the token for the next request."""
        return self.current()

    async def is_replaced(self, rejected: Secret) -> bool:
        """Return whether the token, read again if it can change, is another than the one that got a 401."""
        return self.reread() != rejected

    def _replace_with(self, token: Secret) -> None:
        self._tokens.append(token)
        del self._tokens[:-_KEPT_TOKENS]

    def conceal(self, text: str) -> str:
        """Return text with ``***`` in place of every token: former ones may still be valid."""
        for token in self._tokens:
            text = token.conceal(text)
        return text


class TokenFile(TokenSource):
    """A token in a file that may be replaced during the wait, as Kubernetes does when a secret is rotated.

    Raises:
        UsageError: The file cannot be read or contains no token; the message begins with ``setting``.
    """

    def __init__(self, path: Path, setting: str) -> None:
        self._path = path
        self._setting = setting
        super().__init__(self._read())

    @classmethod
    async def opened(cls, path: Path, setting: str) -> Self:
        """Read the file without blocking the event loop, even if it is a pipe that nobody writes to.

        Raises:
            UsageError: The file cannot be read or contains no token; the message begins with ``setting``.
        """
        if path.is_file():  # noqa: ASYNC240 (as fast as reading it)
            return cls(path, setting)
        return await in_daemon_thread(lambda: cls(path, setting))

    def reread(self) -> Secret:
        """Read the file again and return its token; keep the old one while the file is being replaced."""
        if self._path.is_file():  # a pipe can be read only once, and reading again would block
            with suppress(UsageError):
                token = self._read()
                if token != self.current():
                    self._replace_with(token)
        return self.current()

    def _read(self) -> Secret:
        source = f"{self._setting} {redact(str(self._path))}"
        try:
            with self._path.open("rb") as file:
                return _decoded(file.read(_LARGEST_FILE), source)
        except OSError as error:
            reason = reason_of(error)
        raise UsageError(f"{source} cannot be read: {reason}. Check the path.")


class TokenFunction(TokenSource):
    """Call a function for the token before the first request, and again after each 401.

    One call is in progress at a time. A 401 to a token that was replaced since causes no further call. The
    time that the function takes counts as time of the request.
    """

    def __init__(self, function: Callable[[], Awaitable[str]]) -> None:
        self._function = function
        self._tokens = []
        self._lock = asyncio.Lock()

    async def get(self) -> Secret:
        """Return the token, from the function if this is the first request.

        Raises:
            TokenError: The function failed.
        """
        if not self._tokens:
            await self._replace(None)
        return self.current()

    async def is_replaced(self, rejected: Secret) -> bool:
        """Return whether there is another token than the one that got a 401, from the function if needed.

        Raises:
            TokenError: The function failed.
        """
        if self.current() is rejected:
            await self._replace(rejected)
        return self.current() != rejected

    async def _replace(self, rejected: Secret | None) -> None:
        try:
            async with self._lock:
                if not self._tokens or self.current() is rejected:
                    self._replace_with(await self._call())
        except asyncio.CancelledError:  # the request timed out
            raise TokenError("the token function did not return in time") from None

    async def _call(self) -> Secret:
        # The text of an error may contain the token, so only its type is shown.
        try:
            call: object = self._function()
            returned: object = await call if isinstance(call, Awaitable) else None
        except Exception as error:  # noqa: BLE001 (any function of the program)
            raise TokenError(f"the token function raised {type(error).__name__}") from None
        if not isinstance(call, Awaitable):
            raise TokenError("the token function is not async")
        if not isinstance(returned, str):
            raise TokenError(f"the token function returned {type(returned).__name__} instead of str")
        try:
            return parse_token(returned, "token")
        except UsageError:
            raise TokenError("the token function returned no valid access token") from None


def _decoded(content: bytes, source: str) -> Secret:
    wrong_encoding = is_utf16(content)
    raw = Secret(content.decode(errors="replace"))
    del content  # as in parse_token
    if wrong_encoding:
        raise UsageError(f"{source} is in UTF-16. Convert it to UTF-8.")
    return check_token(raw, source)
