"""The access token: read, checked, reread after a 401, and never shown."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote

from watcher.core.errors import UsageError

_TOKEN = re.compile(r"api-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_OTHER_KEYS = (
    (re.compile(r"sdk-.*"), "an SDK key"),
    (re.compile(r"mob-.*"), "a mobile key"),
    (re.compile(r"[0-9a-f]{24}"), "a client-side ID"),
)
_LARGEST_FILE = 64 * 1024


@dataclass(frozen=True, slots=True)
class Secret:
    """A string that is hidden when it is printed, logged or formatted."""

    _value: str = field(repr=False)

    def reveal(self) -> str:
        """Return the string itself, for the one place that sends it."""
        return self._value

    def conceal(self, text: str) -> str:
        """Return text from outside with ``***`` in place of the string.

        Gateways quote the requests that they refuse. If percent-encoding hides the string, all of the text is
        replaced.
        """
        if self._value in text:
            text = text.replace(self._value, "***")
        return "***" if "%" in text and self._value in unquote(text) else text


def parse_token(text: str, source: str) -> Secret:
    """Check an access token; surrounding white space is ignored.

    Raises:
        UsageError: It is empty or contains characters that no token has. The message names ``source``, the
            setting or file that contains the token, and does not repeat the token.
    """
    token = text.strip()
    if not token:
        raise UsageError(f"{source} is empty. Set it to an access token such as api-…")
    if token.lower().startswith("bearer "):
        raise UsageError(f"{source} begins with the word Bearer. Write the access token alone.")
    if not (token.isascii() and token.isprintable()) or " " in token:
        raise UsageError(
            f"{source} contains no access token: it has spaces, line breaks, or characters other than "
            "printable ASCII"
        )
    return Secret(token)


def looks_like_token(text: str) -> bool:
    """Return whether text has the form of an access token, as hosts and file names hardly ever have."""
    return _TOKEN.fullmatch(text) is not None


def wrong_key_hint(token: Secret) -> str | None:
    """Return a hint about quotes around the token, or about LaunchDarkly keys that the REST API refuses."""
    value = token.reveal()
    if value[0] == value[-1] and value[0] in "\"'":
        return "the access token is in quotes, which are sent with it. Remove them."
    for pattern, kind in _OTHER_KEYS:
        if pattern.fullmatch(value):
            return f"the access token looks like {kind}, which the REST API refuses. Use one like api-…"
    return None


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

    def reread(self) -> Secret:
        """Read the file again and return its token; keep the old one while the file is being replaced."""
        if self._path.is_file():  # a pipe can be read only once, and reading again would block
            with suppress(UsageError):
                token = self._read()
                if token != self.current():
                    self._tokens.append(token)
        return self.current()

    def _read(self) -> Secret:
        source = f"{self._setting} {'***' if looks_like_token(str(self._path)) else self._path}"
        try:
            with self._path.open(encoding="utf-8") as file:
                text = file.read(_LARGEST_FILE)
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) and error.strerror else "it is not text"
            raise UsageError(f"{source} cannot be read: {reason.lower()}. Check the path.") from None
        return parse_token(text, source)
