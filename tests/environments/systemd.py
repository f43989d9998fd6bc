"""systemd as process 1: the service with its credential and hardening, and the timer."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final

from tests.environments.debian import PROGRAMS, install_watcher, make_root
from tests.environments.support import (
    Environment,
    Program,
    expect_in,
    expect_that,
    keys_of,
    program,
    run,
    simulator,
)
from tests.support.paths import EXAMPLES
from tests.support.processes import TOKEN

_PACKAGES: Final = ("systemd", "systemd-sysv", "dbus", "python3", "python3-venv", "ca-certificates")

# Without the network, the budget of one look is over after a second.
_DROP_IN: Final = """[Service]
Environment=LD_BASE_URI={base_uri} WATCHER_OUTAGE_BUDGET=1s
"""

# The timer starts the service within 80 s: at the next minute and up to 20 s later.
_SCRIPT: Final = """#!/bin/sh
show() {
  echo "$1: $(systemctl show --property=ExecMainStatus,Result --value watcher.service | xargs)"
}
# The timer first: without it, systemd forgets the exit code of a service that is not running.
systemctl enable --now watcher.timer
systemctl start watcher.service
show 'first look'
stat --format 'state: %a' /var/lib/private/watcher/state.json
began=$(systemctl show --property=ExecMainStartTimestampMonotonic --value watcher.service)
for _ in $(seq 100); do
  now=$(systemctl show --property=ExecMainStartTimestampMonotonic --value watcher.service)
  [ "$now" != "$began" ] && break
  sleep 1
done
[ "$now" != "$began" ] && echo 'the timer started the service'
while [ "$(systemctl is-active watcher.service)" = activating ]; do sleep 0.1; done
show 'look of the timer'
systemctl stop watcher.timer
rm /var/lib/private/watcher/state.json
sed -i 's/127.0.0.1:[0-9]*/127.0.0.1:9/' /etc/systemd/system/watcher.service.d/test.conf
systemctl daemon-reload
systemctl start watcher.service
show 'look without a network'
echo nonsense >/etc/watcher/targets
systemctl start watcher.service
show 'look with wrong targets'
journalctl --output cat --identifier watcher
"""

_CHECK: Final = """[Unit]
After=multi-user.target
[Service]
Type=oneshot
TimeoutStartSec=5min
ExecStart=/bin/sh -c '/check >/report 2>&1; systemctl poweroff --no-block'
[Install]
WantedBy=multi-user.target
"""


def _install_units(root: Path, base_uri: str, target: str) -> None:
    units = root / "etc" / "systemd" / "system"
    for name in ("watcher.service", "watcher.timer"):
        shutil.copy2(EXAMPLES / "cron" / name, units / name)
    drop_in = units / "watcher.service.d"
    drop_in.mkdir()
    (drop_in / "test.conf").write_text(_DROP_IN.format(base_uri=base_uri))
    settings = root / "etc" / "watcher"
    settings.mkdir()
    (settings / "targets").write_text(f"{target}\n")
    (settings / "token").write_text(f"{TOKEN}\n")
    (settings / "token").chmod(0o600)
    (root / "check").write_text(_SCRIPT)
    (root / "check").chmod(0o755)
    (units / "check.service").write_text(_CHECK)
    (units / "multi-user.target.wants" / "check.service").symlink_to("../check.service")


def _run(folder: Path) -> None:
    root = make_root(folder, _PACKAGES)
    install_watcher(root)
    with simulator(folder, "stuck") as server:
        _install_units(root, server.base_uri, keys_of(server.create()))
        nspawn = ("--quiet", "--register=no", "--keep-unit", "--console=pipe", "--boot")
        ended = run(program("systemd-nspawn"), *nspawn, f"--directory={root}", cwd=folder)
    report_file = root / "report"
    expect_that(report_file.is_file(), f"report of systemd in\n{ended.output}")
    report = report_file.read_text("utf-8")
    expect_in(
        report,
        "first look: success 8",
        "state: 600",
        "the timer started the service",
        "look of the timer: success 8",
        "look without a network: success 75",
        "look with wrong targets: exit-code 2",
        "not final yet",
    )


ENVIRONMENT: Final = Environment(
    "systemd",
    (*PROGRAMS, Program("systemd-nspawn", "apt: systemd-container")),
    _run,
    root=True,
)
