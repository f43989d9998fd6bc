"""What some options can be; apart from the settings, so that the help need not load those."""

from enum import StrEnum

TOKEN_VARIABLES = ("LD_ACCESS_TOKEN", "LAUNCHDARKLY_ACCESS_TOKEN", "LD_API_KEY")


class OutputFormat(StrEnum):
    """What goes to standard output."""

    TEXT = "text"
    JSON = "json"
    JSONL = "jsonl"


class ProgressStyle(StrEnum):
    """How people see the events."""

    AUTO = "auto"
    LIVE = "live"
    PLAIN = "plain"
    NONE = "none"


class Pipeline(StrEnum):
    """The service whose ways of showing results are used."""

    AUTO = "auto"
    GITHUB = "github"
    GITLAB = "gitlab"
    NONE = "none"


class LogFormat(StrEnum):
    """What goes to standard error."""

    CONSOLE = "console"
    JSON = "json"


class LogLevel(StrEnum):
    """The least that goes to standard error."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"
