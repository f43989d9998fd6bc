"""An HTTP answer as it came, and the closed set of replies that it may mean."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from watcher.core.model import Import

BODY_LIMIT = 1 << 20
"""Largest body that is read, in bytes; an import's is a few hundred."""


class FaultKind(Enum):
    """Why a request brought nothing usable."""

    NETWORK = "network"
    UNKNOWN_HOST = "unknown host"
    UNTRUSTED = "untrusted certificate"
    SERVER = "server"
    NONSENSE = "nonsense"


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer as it came; it may quote the token, so its own text is in no ``repr``.

    Attributes:
        status: The HTTP status.
        headers: The header fields, names in lower case; repeated ones are joined by commas (RFC 9110, 5.3).
        body: At most ``BODY_LIMIT`` bytes, and one more where there were more.
        broken: What kept the rest of the body from coming. Status and header fields came whole all the same,
            and with them what they say of a refusal and of the rate limits.
        token_changed: Whether the token file, read again after this 401, holds another token by now.
        conceal: Takes the token out of text that will be shown.
    """

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    broken: Fault | None = None
    token_changed: bool = False
    conceal: Callable[[str], str] = field(default=str, repr=False)


@dataclass(frozen=True, slots=True)
class ApiError:
    """What the API itself says about an error; all text is safe to print.

    Attributes:
        http_status: The HTTP status.
        code: The API's own code, such as ``not_found``.
        message: The API's own words.
        id: What LaunchDarkly's support asks for.
    """

    http_status: int
    code: str | None = None
    message: str | None = None
    id: str | None = None

    def __str__(self) -> str:
        """One phrase with everything in it."""
        parts = [f"HTTP {self.http_status}"]
        if self.code:
            parts.append(self.code)
        if self.message:
            parts.append(f'"{self.message}"')
        if self.id:
            parts.append(f"(id {self.id})")
        return " ".join(parts)


@dataclass(frozen=True, slots=True)
class Found:
    """200: the import that was asked for."""

    found: Import


@dataclass(frozen=True, slots=True)
class WrongImport:
    """200: another import than the one that was asked for."""

    field: str
    expected: str
    actual: str


@dataclass(frozen=True, slots=True)
class Throttled:
    """429: too many requests."""

    error: ApiError


@dataclass(frozen=True, slots=True)
class Missing:
    """404 or 410: no such import."""

    error: ApiError


@dataclass(frozen=True, slots=True)
class Denied:
    """401 or 403: the token does not open this import."""

    error: ApiError
    token_changed: bool = False


@dataclass(frozen=True, slots=True)
class Refused:
    """400, or another 4xx: the request itself is at fault."""

    error: ApiError


@dataclass(frozen=True, slots=True)
class Redirected:
    """3xx: somebody points elsewhere; the token does not follow."""

    error: ApiError
    location: str | None


@dataclass(frozen=True, slots=True)
class Fault:
    """Nothing usable: no answer, a server's own fault, or an answer that makes no sense.

    Attributes:
        kind: Which of these.
        detail: What happened, in words that fit after a colon; safe to print.
    """

    kind: FaultKind
    detail: str


Reply: TypeAlias = Found | WrongImport | Throttled | Missing | Denied | Refused | Redirected | Fault
