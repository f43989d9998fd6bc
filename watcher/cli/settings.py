"""The settings of a run: one field for each option."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from watcher.core import defaults
from watcher.core.errors import UsageError
from watcher.core.exit_codes import ExitCodes
from watcher.core.statuses import ImportStatus, UnknownStatusRule

if TYPE_CHECKING:
    from pathlib import Path

    from watcher.core.policy import Policy, Terms
    from watcher.core.statuses import Outcome


class OutputFormat(StrEnum):
    """Format of standard output."""

    TEXT = "text"
    JSON = "json"
    JSONL = "jsonl"
    NONE = "none"


class ProgressStyle(StrEnum):
    """How people see events."""

    AUTO = "auto"
    LIVE = "live"
    PLAIN = "plain"
    NONE = "none"


class Pipeline(StrEnum):
    """The CI service whose conventions reports follow."""

    AUTO = "auto"
    GITHUB = "github"
    GITLAB = "gitlab"
    NONE = "none"


class LogFormat(StrEnum):
    """Format of standard error."""

    CONSOLE = "console"
    JSON = "json"


class LogLevel(StrEnum):
    """Minimum level on standard error."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All options of one run.

    Times are in seconds. A limit of 0 means no limit. None means that the option was not given. ``given``
    contains the names of the fields that were set on the command line, not in the environment.
    """

    targets: tuple[str, ...] = ()
    base_uri: str | None = None
    token_file: Path | None = None
    ca_file: Path | None = None
    project: str | None = None
    environment: str | None = None
    segment: str | None = None
    import_id: str | None = None
    until: ImportStatus = ImportStatus.COMPLETE
    fail_on: tuple[ImportStatus, ...] = ()
    once: bool = False
    any_suffices: bool = False
    fail_fast: bool = False
    unknown_status: UnknownStatusRule = UnknownStatusRule.WAIT
    timeout: float | None = None
    max_in_state: tuple[tuple[ImportStatus, float], ...] = ()
    outage_budget: float | None = None
    appear_within: float = defaults.APPEAR_WITHIN
    request_timeout: float = defaults.REQUEST_TIMEOUT
    min_interval: float | None = None
    max_interval: float | None = None
    growth: float = defaults.GROWTH
    output: OutputFormat = OutputFormat.TEXT
    progress: ProgressStyle = ProgressStyle.AUTO
    quiet: bool = False
    heartbeat: float = defaults.HEARTBEAT
    log_format: LogFormat = LogFormat.CONSOLE
    log_level: LogLevel = LogLevel.INFO
    exit_code: tuple[tuple[Outcome, int], ...] = ()
    ci: Pipeline = Pipeline.NONE
    dotenv: Path | None = None
    status_file: Path | None = None
    state_file: Path | None = None
    termination_log: Path | None = None
    listen: tuple[str, int] | None = None
    linger: bool = False
    demo: str | None = None
    given: frozenset[str] = frozenset()

    @property
    def exit_codes(self) -> ExitCodes:
        """The exit codes after --exit-code."""
        return ExitCodes(dict(self.exit_code))

    def check(self, *, has_command: bool) -> None:
        """Raise UsageError if options contradict each other or do not go with a command after ``--``."""
        if self.linger and self.listen is None:
            raise UsageError("--linger needs --listen. Add for example --listen 127.0.0.1:8080.")
        if self.linger and has_command:
            raise UsageError(
                "--linger serves after the end, but -- COMMAND replaces watcher then. Leave out one of them."
            )
        if self.until in self.fail_on:
            raise UsageError(
                f"--fail-on {self.until} contradicts --until {self.until}. Leave out one of them."
            )

    def terms(self) -> Terms:
        """Return the rules of the watch.

        Raises:
            UsageError: The bounds of the polling interval contradict each other.
        """
        from watcher.core.policy import Terms  # noqa: PLC0415 (help needs neither)

        codes, policy = self.exit_codes, self._policy()
        # A single poll has no timeout that would end a request without a limit.
        longest_request = policy.outage_budget if policy.once else math.inf
        return Terms(
            policy=policy,
            succeeds=lambda outcome: codes.code(outcome) == 0,
            any_suffices=self.any_suffices,
            fail_fast=self.fail_fast,
            heartbeat=_limit(self.heartbeat),
            request_timeout=self.request_timeout or longest_request,
        )

    def _policy(self) -> Policy:
        from watcher.core.policy import Policy  # noqa: PLC0415 (likewise)

        timeout, outage_budget = defaults.TIMEOUT, defaults.OUTAGE_BUDGET
        if self.once:
            timeout, outage_budget = math.inf, defaults.ONCE_OUTAGE_BUDGET
        min_interval, max_interval = self._intervals()
        return Policy(
            until=self.until,
            fail_on=frozenset(self.fail_on),
            once=self.once,
            remembered=self.state_file is not None,
            unknown_status=self.unknown_status,
            timeout=timeout if self.timeout is None else _limit(self.timeout),
            max_in_state={status: _limit(longest) for status, longest in self.max_in_state},
            outage_budget=outage_budget if self.outage_budget is None else _limit(self.outage_budget),
            appear_within=self.appear_within,
            min_interval=min_interval,
            max_interval=max_interval,
            growth=self.growth,
        )

    def _intervals(self) -> tuple[float, float]:
        """Return both bounds; a default gives way to the bound that was given."""
        shortest, longest = self.min_interval, self.max_interval
        for name, value in (("--min-interval", shortest), ("--max-interval", longest)):
            if value == 0:
                raise UsageError(f"{name} must be more than 0. Write for example {name} 1s.")
        if shortest is not None and longest is not None and shortest > longest:
            raise UsageError(
                "--min-interval is longer than --max-interval. Swap them, or leave out one of them."
            )
        if shortest is None:
            shortest = min(defaults.MIN_INTERVAL, longest or math.inf)
        return shortest, longest or max(defaults.MAX_INTERVAL, shortest)


def _limit(seconds: float) -> float:
    return seconds or math.inf
