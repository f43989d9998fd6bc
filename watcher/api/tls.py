"""Trusted certificate authorities."""

from __future__ import annotations

import ssl
from pathlib import Path

from watcher.core.errors import UsageError


def tls_context(ca_file: Path | None, setting: str) -> ssl.SSLContext | None:
    """Return a TLS context that trusts the system's certificate authorities and those in a PEM file.

    Without a file it is None. OpenSSL itself applies ``SSL_CERT_FILE``.

    Raises:
        UsageError: The file cannot be read or contains no certificate; the message names ``setting``.
    """
    if ca_file is None:
        return None
    import ssl  # noqa: PLC0415 (slow, and help needs none)

    context = ssl.create_default_context()
    try:
        context.load_verify_locations(cafile=ca_file)
    except ssl.SSLError:
        raise UsageError(f"{setting} {ca_file} contains no certificate in PEM format. Convert it.") from None
    except OSError as error:
        raise UsageError(
            f"{setting} {ca_file} cannot be read: {error.strerror}. Name a file in PEM format."
        ) from None
    return context
