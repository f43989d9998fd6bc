"""Everything that the user asked for, checked, in one frozen value."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from watcher.cli.choices import LogFormat, LogLevel, OutputFormat, Pipeline, ProgressStyle
from watcher.core import defaults
from watcher.core.exit_codes import ExitCodes
from watcher.core.statuses import ImportStatus, UnknownStatusRule

if TYPE_CHECKING:
    from pathlib import Path

    from watcher.api.network import Address
    from watcher.api.token import TokenSource
    from watcher.core.model import ImportRef
    from watcher.core.policy import Policy
    from watcher.core.statuses import Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The options as they were given; None is not given. Times are seconds, 0 is no limit."""

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
    heartbeat: float = defaults.HEARTBEAT
    log_format: LogFormat = LogFormat.CONSOLE
    log_level: LogLevel = LogLevel.INFO
    exit_code: tuple[tuple[Outcome, int], ...] = ()
    ci: Pipeline = Pipeline.AUTO
    dotenv: Path | None = None
    status_file: Path | None = None
    state_file: Path | None = None
    termination_log: Path | None = None
    listen: Address | None = None
    linger: bool = False
    demo: str | None = None
    on_command_line: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What one run does; times are seconds, ``math.inf`` is no limit.

    Attributes:
        refs: The imports, each once; none in the demo, which creates its own.
        base_uri: Where the API is.
        tokens: Where the access token comes from.
        state_file: Where the waits are remembered across runs.
        ci: The pipeline service, found out where the options leave it open.
        listen: Where the state is served over HTTP.
        linger: Keep serving after the end, until a signal.
        demo: The scenario of the embedded simulator to play.
    """

    refs: tuple[ImportRef, ...]
    base_uri: str
    tokens: TokenSource
    policy: Policy
    exit_codes: ExitCodes = field(default_factory=ExitCodes)
    any_suffices: bool = False
    fail_fast: bool = False
    ca_file: Path | None = None
    request_timeout: float = defaults.REQUEST_TIMEOUT
    heartbeat: float = defaults.HEARTBEAT
    output: OutputFormat = OutputFormat.TEXT
    progress: ProgressStyle = ProgressStyle.AUTO
    log_format: LogFormat = LogFormat.CONSOLE
    log_level: LogLevel = LogLevel.INFO
    ci: Pipeline = Pipeline.NONE
    dotenv: Path | None = None
    status_file: Path | None = None
    state_file: Path | None = None
    termination_log: Path | None = None
    listen: Address | None = None
    linger: bool = False
    demo: str | None = None

    @property
    def tells_changes(self) -> bool:
        """Whether single looks follow each other, so that each tells only what the last one did not."""
        return self.policy.once and self.state_file is not None
