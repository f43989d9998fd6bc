"""Tests of files with trusted certificate authorities."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import trustme

from watcher.api.tls import tls_context
from watcher.core.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path


def test_no_file_means_the_system_s_authorities() -> None:
    """Without a file there is no context of its own."""
    assert tls_context(None, "ca_file") is None


def test_a_file_adds_authorities(tmp_path: Path) -> None:
    """A certificate in the file is added to the trusted ones."""
    path = tmp_path / "ca.pem"
    trustme.CA(organization_name="authority of the test").cert_pem.write_to_path(path)
    context = tls_context(path, "ca_file")
    assert context is not None
    assert "authority of the test" in str(context.get_ca_certs())


def test_a_file_without_a_certificate_is_rejected(tmp_path: Path) -> None:
    """Unreadable files and files without a certificate are usage errors that name the setting."""
    with pytest.raises(UsageError, match=r"^ca_file .*/missing cannot be read: No such file"):
        tls_context(tmp_path / "missing", "ca_file")
    path = tmp_path / "text"
    path.write_text("not a certificate\n")
    with pytest.raises(UsageError, match=r"^ca_file .*/text contains no certificate in PEM format"):
        tls_context(path, "ca_file")
