"""nginx as LaunchDarkly's API: it responds faster than any client here can poll."""

from __future__ import annotations

import re
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.support.nginx import running_nginx

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LATER_STATUSES = ("ready", "in_progress", "complete")
"""Statuses that can be shown, in this order, instead of the status in an import's environment key."""

_HTTP = r"""
  access_log off;
  default_type application/json;
  keepalive_requests 1000000000;
  map $msec $window_end { "~^(?<tens>\d+)\d\." "${tens}9999"; }
"""

# Rate-limit headers with a window of ten seconds that never runs out, because reading them is part of a poll.
_SERVER = """
    add_header X-Ratelimit-Global-Remaining 1000000 always;
    add_header X-Ratelimit-Route-Remaining 1000000 always;
    add_header X-Ratelimit-Reset $window_end always;
    location = /requests {{ stub_status; }}
    location ~ "^/api/v2/segments/[^/]+/missing/" {{
      return 404 '{{"code":"not_found","message":"Not found"}}';
    }}
    location ~ "^/api/v2/segments/[^/]+/unkept/(?<segment>[^/]+)/imports/(?<id>[^/]+)$" {{
      keepalive_timeout 0;
      return 200 '{{"id":"$id","segmentKey":"$segment","status":"in_progress"}}';
    }}
    location ~ "^/api/v2/segments/[^/]+/(?<environment>[^/]+)/(?<segment>[^/]+)/imports/(?<id>[^/]+)$" {{
      set $shown $environment;
      {later}
      return 200 '{{"id":"$id","segmentKey":"$segment","creationTime":1654104600000,"mode":"replace",
        "status":"$shown","files":[{{"filename":"bigsegimport.csv","status":"$shown"}}],
        "_links":{{"_parent":{{"href":"/api/v2/segments/default/$environment/$segment",
        "type":"application/json"}},"_self":{{"href":"$uri","type":"application/json"}}}}}}';
    }}
"""

_LATER = "if (-f {directory}/{status}) {{ set $shown {status}; }}"


@dataclass(frozen=True, slots=True)
class Server:
    """A running nginx.

    Attributes:
        base_uri: Its base URI.
        directory: Its files.
    """

    base_uri: str
    directory: Path

    def show(self, status: str) -> None:
        """Show a later status for all imports; call it in the order of `LATER_STATUSES`."""
        (self.directory / status).touch()

    def reset(self) -> None:
        """Show the status in each import's environment key again."""
        for status in LATER_STATUSES:
            (self.directory / status).unlink(missing_ok=True)

    def requests(self) -> int:
        """Return the number of requests so far, including this one."""
        with urllib.request.urlopen(f"{self.base_uri}/requests", timeout=10) as response:  # noqa: S310 (loopback)
            counters = re.search(r"\n\s*\d+\s+\d+\s+(\d+)", response.read().decode("ascii"))
        assert counters is not None
        return int(counters[1])


@contextmanager
def serving(directory: Path) -> Iterator[Server]:
    """Run the server while the context lasts.

    Args:
        directory: An empty directory for its files.

    Yields:
        The server. It is listening.

    Raises:
        RuntimeError: nginx is not installed, or does not start.
    """
    later = "\n      ".join(_LATER.format(directory=directory, status=status) for status in LATER_STATUSES)
    with running_nginx(directory, http=_HTTP, server=_SERVER.format(later=later)) as base_uri:
        yield Server(base_uri, directory)
