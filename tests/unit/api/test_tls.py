"""Tests of files with trusted certificate authorities."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import trustme

from watcher.api.tls import tls_context
from watcher.core.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

BASE_URI = "https://api.test"


def test_no_file_means_the_system_s_authorities() -> None:
    """Without a file there is no context of its own."""
    assert tls_context(None, "ca_file", BASE_URI) is None


def test_a_file_adds_authorities(tmp_path: Path) -> None:
    """A certificate in the file is added to the trusted ones."""
    path = tmp_path / "ca.pem"
    trustme.CA(organization_name="authority of the test").cert_pem.write_to_path(path)
    context = tls_context(path, "ca_file", BASE_URI)
    assert context is not None
    assert "authority of the test" in str(context.get_ca_certs())


def test_a_file_without_a_certificate_is_rejected(tmp_path: Path) -> None:
    """Unreadable files and files without a certificate are usage errors that name the setting."""
    with pytest.raises(UsageError, match=r"^ca_file .*/missing cannot be read: no such file"):
        tls_context(tmp_path / "missing", "ca_file", BASE_URI)
    path = tmp_path / "text"
    path.write_text("not a certificate\n")
    with pytest.raises(UsageError, match=r"^ca_file .*/text contains no certificate in PEM format"):
        tls_context(path, "ca_file", BASE_URI)


def test_a_missing_ssl_cert_file_is_rejected(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """OpenSSL would ignore a missing `SSL_CERT_FILE`; it is a usage error, but not for plain http."""
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "missing"))
    with pytest.raises(UsageError, match=r"^SSL_CERT_FILE .*/missing cannot be read: no such file"):
        tls_context(None, "ca_file", BASE_URI)
    assert tls_context(None, "ca_file", "http://127.0.0.1:8080") is None


def test_an_ssl_cert_file_without_a_certificate_is_rejected(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """An `SSL_CERT_FILE` of another format is a usage error; an empty variable is not set."""
    path = tmp_path / "text"
    path.write_text("not a certificate\n")
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    with pytest.raises(UsageError, match=r"^SSL_CERT_FILE .*/text contains no certificate in PEM format"):
        tls_context(None, "ca_file", BASE_URI)
    monkeypatch.setenv("SSL_CERT_FILE", "")
    assert tls_context(None, "ca_file", BASE_URI) is None
