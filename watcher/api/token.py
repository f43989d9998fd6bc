"""The access token: checked, and never shown."""

from __future__ import annotations

import re
from typing import NoReturn

from watcher.core.errors import UsageError
from watcher.core.text import redact

_OTHER_KEYS = (
    (re.compile(r"sdk-.*"), "an SDK key"),
    (re.compile(r"mob-.*"), "a mobile key"),
    (re.compile(r"[0-9a-f]{24}"), "a client-side ID"),
)
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

    def seal(self, text: str) -> str:
        """Return an HMAC of text (RFC 2104), which proves that its author had the string."""
        import hmac  # noqa: PLC0415 (slow, and help needs no token)

        return hmac.new(self._value.encode(), text.encode(), "sha256").hexdigest()

    def conceal(self, text: str) -> str:
        """Return text from outside with ``***`` in place of the string.

        Gateways quote the requests that they refuse.
        """
        return redact(text, [self._value])


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
    if value[0] == value[-1] and value[0] in "\"'":
        return "is in quotes. Remove them."
    if value.lower().startswith("bearer "):
        return "begins with the word Bearer. Write the access token alone."
    if not (value.isascii() and value.isprintable()) or " " in value:
        return (
            "contains no access token: it has spaces, line breaks, or characters other than printable ASCII. "
            "Check it for parts of other text."
        )
    return None


def wrong_key_hint(token: Secret) -> str | None:
    """Return a hint about LaunchDarkly keys that the REST API refuses."""
    for pattern, kind in _OTHER_KEYS:
        if pattern.fullmatch(token.reveal()):
            return f"the access token looks like {kind}, which the REST API refuses. Use one like api-…"
    return None
