"""An access token that a function of the program returns, such as one from a secrets manager."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from watcher.api.token import Secret, TokenSource, parse_token
from watcher.core.errors import UsageError

_FORMER_TOKENS = 8
"""Former tokens that are still removed from messages; they may be valid for a while."""


class TokenError(Exception):
    """There is no access token at present; the message fits after a colon and is safe to print."""


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
        """Return whether there is another token than the one that got a 401; ask the function if needed.

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
                    self._tokens.append(await self._call())
                    del self._tokens[:-_FORMER_TOKENS]
        except asyncio.CancelledError:  # the request timed out
            raise TokenError("the token function did not return in time") from None

    async def _call(self) -> Secret:
        # The text of an error may contain the token, so only its type is shown.
        try:
            returned: object = await self._function()
        except Exception as error:  # noqa: BLE001 (any function of the program)
            raise TokenError(f"the token function raised {type(error).__name__}") from None
        if not isinstance(returned, str):
            raise TokenError(f"the token function returned {type(returned).__name__} instead of str")
        try:
            return parse_token(returned, "token")
        except UsageError:
            raise TokenError("the token function returned no valid access token") from None
