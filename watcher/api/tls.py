"""Trusted certificate authorities."""

from __future__ import annotations

import os
import ssl
from pathlib import Path

from watcher.core.errors import UsageError
from watcher.core.text import reason_of

_VARIABLE = "SSL_CERT_FILE"


def tls_context(ca_file: Path | None, setting: str, base_uri: str) -> ssl.SSLContext | None:
    """Return a TLS context that trusts the system's certificate authorities and those in a PEM file.

    Without a file it is None. OpenSSL itself applies ``SSL_CERT_FILE``, but ignores a file that is missing.

    Raises:
        UsageError: A file cannot be read or contains no certificate; the message names ``setting`` or the
            variable. The variable is ignored if ``base_uri`` is plain http.
    """
    system_file = os.environ.get(_VARIABLE)
    if system_file and base_uri.startswith("https:"):
        _load(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), Path(system_file), _VARIABLE)
    if ca_file is None:
        return None
    context = ssl.create_default_context()
    _load(context, ca_file, setting)
    return context


def _load(context: ssl.SSLContext, path: Path, setting: str) -> None:
    try:
        context.load_verify_locations(cafile=path)
    except ssl.SSLError:
        raise UsageError(f"{setting} {path} contains no certificate in PEM format. Convert it.") from None
    except OSError as error:
        raise UsageError(
            f"{setting} {path} cannot be read: {reason_of(error)}. Name a file in PEM format."
        ) from None
