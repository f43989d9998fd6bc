"""An HTTP response as received, and the closed set of replies that it can mean."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import TypeAlias

from watcher.core.model import Import

BODY_LIMIT = 1 << 20
"""Largest body to read, in bytes; an import takes a few hundred."""


class FaultKind(Enum):
    """The kind of a fault, which decides how long to retry."""

    NETWORK = "network"
    UNKNOWN_HOST = "unknown host"
    UNTRUSTED = "untrusted certificate"
    PROXY = "proxy"
    SERVER = "server"
    GATEWAY = "gateway"


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP response as received; it may quote the token, so its ``repr`` omits all text.

    Attributes:
        headers: Names are in lower case; repeated fields are joined by commas (RFC 9110, 5.3).
        body: At most ``BODY_LIMIT`` bytes, and one more if there were more.
        broken: The fault that cut off the body; status and headers are complete.
        token_changed: Whether the token file, read again after this 401, contains another token now.
        conceal: Remove the token from text that will be shown.
        memory: The share of the memory that a large body takes, until it is decoded.
        peer: The host that sent it, and the proxy on the way, as messages name them; safe to print.
    """

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    broken: Fault | None = None
    token_changed: bool = False
    conceal: Callable[[str], str] = field(default=str, repr=False)
    memory: object = field(default=None, repr=False, compare=False)
    peer: str = field(default="the server", repr=False)


@dataclass(frozen=True, slots=True)
class ApiError:
    """An error as the API describes it; all text is safe to print.

    Attributes:
        code: The API's code, such as ``not_found``.
        id: The ID for LaunchDarkly's support.
        lacks: The action and the resource that a 403 names.
    """

    http_status: int
    code: str | None = None
    message: str | None = None
    id: str | None = None
    lacks: str | None = None

    def __str__(self) -> str:
        """Return all fields in one phrase."""
        message = f'"{self.message}"' if self.message else None
        support_id = f"(id {self.id})" if self.id else None
        parts = (f"HTTP {self.http_status}", self.code, message, support_id)
        return " ".join(part for part in parts if part)


@dataclass(frozen=True, slots=True)
class Found:
    """200: the requested import."""

    found: Import


@dataclass(frozen=True, slots=True)
class WrongImport:
    """200: another import."""

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
    """401 or 403: the token gives no access to this import."""

    error: ApiError
    token_changed: bool = False


@dataclass(frozen=True, slots=True)
class Refused:
    """400 or another 4xx of LaunchDarkly's own: the request is invalid."""

    error: ApiError


@dataclass(frozen=True, slots=True)
class Fault:
    """Nothing usable: no response, a server error, or a response that does not come from LaunchDarkly.

    ``detail`` says what happened in words that fit after a colon; it is safe to print. ``http_status`` is
    None if no complete head of a response arrived.
    """

    kind: FaultKind
    detail: str
    http_status: int | None = None


Reply: TypeAlias = Found | WrongImport | Throttled | Missing | Denied | Refused | Fault
