"""cron: the example's crontab, with a mail sink, in a mount namespace of its own."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Final

from tests.environments.support import (
    Environment,
    FailedError,
    Program,
    approve,
    expect,
    expect_in,
    keys_of,
    program,
    simulator,
    started,
    wait_until,
)
from tests.support.paths import EXAMPLES, ROOT
from tests.support.processes import TOKEN, environment

# cron reads its files at fixed paths, and its mail goes to /usr/sbin/sendmail.
_MOUNTS: Final = """
set -e
mount --bind "$1/sbin" /usr/sbin
mount --bind "$1/spool" /var/spool/cron
mount --bind "$1/cron.d" /etc/cron.d
mount --bind "$1/empty" /etc/crontab
mount -t tmpfs tmpfs /run
exec /usr/sbin/cron -f
"""

_SENDMAIL: Final = """#!/bin/sh
exec cat >"{mails}/$(date +%s.%N)"
"""

_WATCHER: Final = """#!/bin/sh
cd '{root}'
'{python}' -m watcher "$@"
code=$?
echo "$code" >>'{codes}'
exit "$code"
"""


def _prepare(folder: Path, base_uri: str, target: str) -> None:
    for name in (
        "sbin",
        "spool/crontabs",
        "cron.d",
        "mails",
        "bin",
        "home/.config/watcher",
        "home/.local/state",
    ):
        (folder / name).mkdir(parents=True)
    (folder / "empty").touch()
    shutil.copy2(program("cron"), folder / "sbin" / "cron")
    _script(folder / "sbin" / "sendmail", _SENDMAIL.format(mails=folder / "mails"))
    codes = folder / "codes"
    _script(folder / "bin" / "watcher", _WATCHER.format(root=ROOT, python=sys.executable, codes=codes))
    (folder / "home" / ".config" / "watcher" / "token").write_text(f"{TOKEN}\n")
    (folder / "home" / ".config" / "watcher" / "targets").write_text(f"# tonight\n{target}\n")
    text = (EXAMPLES / "cron" / "crontab").read_text("utf-8")
    path = "PATH=/usr/local/bin:/usr/bin:/bin\n"
    expect(text.count(path), 1, f"line {path!r}")
    settings = f"PATH={folder / 'bin'}:/usr/bin:/bin\nHOME={folder / 'home'}\nLD_BASE_URI={base_uri}\n"
    crontab = folder / "spool" / "crontabs" / "root"
    crontab.write_text(text.replace(path, settings), "utf-8")
    crontab.chmod(0o600)


def _script(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)


def _run(folder: Path) -> None:
    """One look that mails the status, one silent look, and one after a change."""
    with simulator(folder, "approval", "--speed", "100") as server:
        target = server.create()
        _prepare(folder, server.base_uri, keys_of(target))
        cron = (program("unshare"), "--mount", "/bin/sh", "-c", _MOUNTS, "sh", folder)
        with started(folder / "cron.log", *cron, env=environment()) as running:

            def looks(number: int) -> bool:
                if running.process.poll() is not None:
                    raise FailedError(f"cron ended:\n{running.log}")
                codes = folder / "codes"
                return codes.exists() and len(codes.read_text().split()) >= number

            def mails() -> list[str]:
                return [path.read_text("utf-8") for path in sorted((folder / "mails").iterdir())]

            wait_until(lambda: looks(1), "first look", 90)
            wait_until(lambda: mails() and mails()[0].endswith("\n"), "first mail")
            expect_in(mails()[0], "To: oncall@example.com", "not final yet", "pending_approval")
            wait_until(lambda: looks(2), "second look", 90)
            approve(target)
            wait_until(lambda: looks(3), "third look", 90)
            wait_until(lambda: len(mails()) > 1, "second mail")
    expect((folder / "codes").read_text().split(), ["8", "8", "0"], "exit codes of the looks")
    expect(len(mails()), 2, "mails")
    expect_in(mails()[1], "complete")


ENVIRONMENT: Final = Environment(
    "cron",
    (Program("cron", "apt: cron"), Program("unshare", "apt: util-linux"), Program("mount", "apt: mount")),
    _run,
    root=True,
)
