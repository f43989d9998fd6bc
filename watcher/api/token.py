"""The access token: read, checked, reread after a 401, and never shown."""

from __future__ import annotations

import codecs
import re
from contextlib import suppress
from pathlib import Path
from typing import NoReturn, Self
from urllib.parse import unquote

from watcher.api.threads import in_daemon_thread
from watcher.core.errors import UsageError

_TOKEN = re.compile(r"api-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_OTHER_KEYS = (
    (re.compile(r"sdk-.*"), "an SDK key"),
    (re.compile(r"mob-.*"), "a mobile key"),
    (re.compile(r"[0-9a-f]{24}"), "a client-side ID"),
)
_LARGEST_FILE = 64 * 1024
_BYTE_ORDER_MARK = "\ufeff"


class Secret:
    """A string that is hidden when it is printed, logged or formatted, and cannot be pickled or copied."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def __repr__(self) -> str:
        """Return the same for every secret."""
        return "Secret()"

    def __eq__(self, other: object) -> bool:
        """Return whether both are the same string."""
        return isinstance(other, Secret) and self._value == other._value

    def __hash__(self) -> int:
        """Return the hash of the string."""
        return hash(self._value)

    def __reduce_ex__(self, _protocol: object) -> NoReturn:
        """Refuse to be pickled or copied.

        Raises:
            TypeError: Always.
        """
        raise TypeError("a Secret cannot be pickled or copied")

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
    """Check an access token; surrounding white space and a byte-order mark are ignored.

    Raises:
        UsageError: It is empty or contains characters that no token has. The message names ``source``, the
            setting or file that contains the token, and does not repeat the token.
    """
    raw = Secret(text)
    del text  # a traceback may show the variables of this function
    return check_token(raw, source)


def check_token(raw: Secret, source: str) -> Secret:
    """Return the token in a secret text, like ``parse_token``, for callers that no longer hold the text.

    Raises:
        UsageError: As for ``parse_token``.
    """
    token = Secret(raw.reveal().strip().removeprefix(_BYTE_ORDER_MARK).strip())
    problem = _problem_with(token)
    if problem is not None:
        raise UsageError(f"{source} {problem}")
    return token


def _problem_with(token: Secret) -> str | None:
    value = token.reveal()
    if not value:
        return "is empty. Set it to an access token such as api-…"
    if value.lower().startswith("bearer "):
        return "begins with the word Bearer. Write the access token alone."
    if not (value.isascii() and value.isprintable()) or " " in value:
        return (
            "contains no access token: it has spaces, line breaks, or characters other than printable ASCII. "
            "Check it for parts of other text."
        )
    return None


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
                    self._tokens.append(token)
        return self.current()

    def _read(self) -> Secret:
        source = f"{self._setting} {'***' if looks_like_token(str(self._path)) else self._path}"
        try:
            with self._path.open("rb") as file:
                return _decoded(file.read(_LARGEST_FILE), source)
        except OSError as error:
            reason = (error.strerror or "unknown reason").lower()
        raise UsageError(f"{source} cannot be read: {reason}. Check the path.")


def _decoded(content: bytes, source: str) -> Secret:
    is_utf16 = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    raw = Secret(content.decode(errors="replace"))
    del content  # as in parse_token
    if is_utf16:
        raise UsageError(f"{source} is in UTF-16. Convert it to UTF-8.")
    return check_token(raw, source)
