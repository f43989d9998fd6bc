"""The defence against DNS rebinding.

A web page can bind a name of its own domain to the address of ``--listen`` and then read the responses,
because for the browser they come from the page's own site. The browser sends that name in ``Host``.
"""

from __future__ import annotations

import re
from ipaddress import ip_address

_AUTHORITY = re.compile(r"(\[[0-9a-f:.]*\]|[\w.-]*)(?::\d*)?", re.ASCII | re.IGNORECASE)
_TOP_LEVEL = re.compile(r"[a-z][a-z0-9-]*", re.ASCII)
_PRIVATE = frozenset({"internal", "local", "localdomain", "localhost", "svc", "test"})
"""Last labels that no website has.

They are reserved (RFC 6761 and 6762, and ICANN's ``internal``), or are used in Kubernetes clusters,
such as ``watcher.jobs.svc`` and ``watcher.jobs.svc.cluster.local``.
"""


_HOME = ".home.arpa"
"""The only private names below ``arpa`` (RFC 8375): others can have names in ``ip6.arpa``."""


def is_local_host(host: str, own: str) -> bool:
    """Return whether no website can have a ``Host``, so that a browser did not send it for a web page.

    Kubelets and Prometheus send an IP address; containers send the name of a service, without dots. ``own``
    is the host that the user chose to listen on.
    """
    match = _AUTHORITY.fullmatch(host)
    if match is None:
        return False
    name = match[1].rstrip(".").lower()
    if name == own.rstrip(".").lower() or _is_address(name.strip("[]")):
        return True
    first, _, last = name.rpartition(".")
    return not first or last in _PRIVATE or name.endswith(_HOME) or not _TOP_LEVEL.fullmatch(last)


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
