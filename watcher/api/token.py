"""The access token: read, checked, read again, and never shown."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Protocol
from urllib.parse import unquote

from watcher.core.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

_OTHER_KEYS = {
    "sdk-": "an SDK key",
    "mob-": "a mobile key",
}
_CLIENT_SIDE_ID_LENGTH = 24
_TOKEN = re.compile(r"api-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_LARGEST_FILE = 64 * 1024


class Secret:
    """A string that does not show itself when printed, logged or formatted.

    Args:
        value: The string.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Gives the string, for the one place that sends it."""
        return self._value

    def conceal(self, text: str) -> str:
        """Takes the string out of text that will be shown, as gateways quote what they refuse.

        Args:
            text: What somebody else wrote.

        Returns:
            The text with ``***`` in place of the string; or ``***`` alone, where percent-encoding hid it.
        """
        if self._value in text:
            text = text.replace(self._value, "***")
        if "%" in text and self._value in unquote(text):
            return "***"
        return text

    def __eq__(self, other: object) -> bool:
        """Compares what is hidden."""
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        """Goes with equality."""
        return hash(self._value)

    def __repr__(self) -> str:
        """Hides the string."""
        return "Secret('***')"


def parse_token(text: str, source: str) -> Secret:
    """Checks what should be an access token, without ever repeating it.

    Args:
        text: The token, with any white space around it.
        source: Where it comes from, for the message.

    Returns:
        The token.

    Raises:
        UsageError: It is empty, or has characters that no token has.
    """
    token = text.strip()
    if not token:
        raise UsageError(
            f"{source} holds no access token: it is empty; it should hold one line such as api-…"
        )
    if token.lower().startswith("bearer "):
        raise UsageError(f"{source} holds the word Bearer, too; LaunchDarkly wants the access token alone")
    if not (token.isascii() and token.isprintable()) or " " in token:
        raise UsageError(
            f"{source} holds no access token: it has spaces, line breaks, or characters that are not "
            "printable ASCII"
        )
    return Secret(token)


def looks_like_token(text: str) -> bool:
    """Recognizes a token in a place that shows what it holds.

    Args:
        text: What was given there.

    Returns:
        Whether it has the form of LaunchDarkly's access tokens, of which a host or a file is hardly one.
    """
    return _TOKEN.fullmatch(text) is not None


def hint_at_wrong_key(token: Secret) -> str | None:
    """Recognizes quotes, and LaunchDarkly's other keys, which do not open the REST API.

    Args:
        token: What was given as an access token.

    Returns:
        A hint for the person, or None.
    """
    value = token.reveal()
    if value[0] == value[-1] and value[0] in "\"'":
        return "the access token is within quotes, which are sent with it; give it without them"
    for prefix, kind in _OTHER_KEYS.items():
        if value.startswith(prefix):
            return _hint(kind)
    if len(value) == _CLIENT_SIDE_ID_LENGTH and all(digit in "0123456789abcdef" for digit in value):
        return _hint("a client-side ID")
    return None


def _hint(kind: str) -> str:
    return f"the access token looks like {kind}, which the REST API refuses; an access token begins with api-"


class TokenSource(Protocol):
    """Where the token comes from."""

    def current(self) -> Secret:
        """Gives the token as last read."""
        ...

    def reread(self) -> Secret:
        """Reads it again where that can bring another one, and gives it."""
        ...

    def conceal(self, text: str) -> str:
        """Takes every token that was used so far out of text that will be shown."""
        ...


class FixedToken:
    """A token that cannot change, as one from the environment.

    Args:
        token: The token.
    """

    def __init__(self, token: Secret) -> None:
        self._token = token

    def current(self) -> Secret:
        """Gives the token."""
        return self._token

    def reread(self) -> Secret:
        """Gives the same token."""
        return self._token

    def conceal(self, text: str) -> str:
        """Takes the token out of text that will be shown."""
        return self._token.conceal(text)


class TokenFile:
    """A token in a file that somebody may replace during the wait, as Kubernetes does with a rotated secret.

    Args:
        path: The file.
        setting: What named it, for messages.

    Raises:
        UsageError: The file cannot be read, or holds no token.
    """

    def __init__(self, path: Path, setting: str = "--token-file") -> None:
        self._path = path
        self._setting = setting
        self._token = self._read()
        self._former: list[Secret] = []

    def current(self) -> Secret:
        """Gives the token as last read."""
        return self._token

    def reread(self) -> Secret:
        """Reads the file; while it is being replaced, the token stays the old one."""
        if not self._path.is_file():
            return self._token  # a pipe can be read once, and would hold up the watch
        try:
            token = self._read()
        except UsageError:
            return self._token
        if token != self._token:
            self._former.append(self._token)
            self._token = token
        return self._token

    def conceal(self, text: str) -> str:
        """Takes the token, and those that it replaced, out of text: an old one may still open doors."""
        for token in (self._token, *self._former):
            text = token.conceal(text)
        return text

    def _read(self) -> Secret:
        shown = "***" if looks_like_token(str(self._path)) else str(self._path)
        source = f"{self._setting} {shown}"
        try:
            with self._path.open(encoding="utf-8") as file:
                text = file.read(_LARGEST_FILE)
        except (OSError, UnicodeDecodeError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) and error.strerror else "it is not text"
            raise UsageError(
                f"{source} cannot be read: {reason}; name a file that holds the access token"
            ) from None
        return parse_token(text, source)
