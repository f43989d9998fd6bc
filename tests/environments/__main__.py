"""The command line: ``python -m tests.environments [NAME…]``."""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sys
import tempfile
import time
import traceback
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Final, NamedTuple

from tests.environments import (
    airflow,
    compose,
    cron,
    docker,
    github,
    gitlab,
    network,
    podman,
    prometheus,
    systemd,
)
from tests.environments.support import SEARCH_PATH, Environment, FailedError, SkippedError, kill_all
from tests.simulation.campaign import say

# The longest first, and those that share images not at the same time.
ENVIRONMENTS: Final = {
    one.name: one
    for one in (
        airflow.ENVIRONMENT,
        cron.ENVIRONMENT,
        podman.ENVIRONMENT,
        network.ENVIRONMENT,
        systemd.ENVIRONMENT,
        gitlab.ENVIRONMENT,
        github.ENVIRONMENT,
        prometheus.ENVIRONMENT,
        compose.ENVIRONMENT,
        docker.ENVIRONMENT,
    )
}


class _Result(NamedTuple):
    name: str
    verdict: str
    seconds: float
    reason: str = ""

    @property
    def line(self) -> str:
        words = {"passed": "passed", "skipped": "skipped because ", "failed": "failed with "}[self.verdict]
        first, _, rest = self.reason.partition("\n")
        text = f"{self.name:<12} {self.seconds:5.0f} s  {words}{first}"
        return f"{text}\n{rest}" if rest else text


def main() -> int:
    """Run the environments; return 0 if none failed, 1 if one failed, 130 after a signal."""
    parser = argparse.ArgumentParser(prog="python -m tests.environments", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of: {', '.join(ENVIRONMENTS)} [all]")
    parser.add_argument("--jobs", type=int, default=3, help="environments at the same time [3]")
    parser.add_argument("--keep", action="store_true", help="keep logs and other files, and print where")
    options = parser.parse_args()
    unknown = [name for name in options.names if name not in ENVIRONMENTS]
    if unknown:
        parser.error(f"no environment {', '.join(unknown)}; there are {', '.join(ENVIRONMENTS)}")
    chosen = [ENVIRONMENTS[name] for name in options.names or ENVIRONMENTS]
    work = Path(tempfile.mkdtemp(prefix="environments-"))
    try:
        return _run_all(chosen, work, options.jobs)
    except KeyboardInterrupt:
        say("interrupted")
        return 130
    finally:
        if options.keep:
            say(f"files: {work}")
        else:
            shutil.rmtree(work, ignore_errors=True)


def _run_all(chosen: list[Environment], work: Path, jobs: int) -> int:
    verdicts = []
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that both signals clean up
    with ThreadPoolExecutor(jobs) as pool:
        try:
            for future in as_completed([pool.submit(_run, one, work / one.name) for one in chosen]):
                result = future.result()
                verdicts.append(result.verdict)
                say(result.line)
        except KeyboardInterrupt:
            pool.shutdown(wait=False, cancel_futures=True)
            kill_all()  # the environments fail, and clean up
            raise
    counts = (f"{verdicts.count(verdict)} {verdict}" for verdict in ("passed", "failed", "skipped"))
    say(", ".join(counts))
    return 1 if "failed" in verdicts else 0


def _run(one: Environment, folder: Path) -> _Result:
    begun = time.monotonic()
    folder.mkdir()
    verdict, reason = "passed", ""
    try:
        _check_needs(one)
        one.run(folder)
    except SkippedError as error:
        verdict, reason = "skipped", str(error)
    except FailedError as error:
        verdict, reason = "failed", str(error)
    except Exception:  # noqa: BLE001 (a defect of one environment does not end the others)
        verdict, reason = "failed", f"an exception\n{traceback.format_exc()}"
    return _Result(one.name, verdict, time.monotonic() - begun, reason)


def _check_needs(one: Environment) -> None:
    missing = [need for need in one.needs if shutil.which(need.name, path=SEARCH_PATH) is None]
    if missing:
        names = ", ".join(f"{need.name} ({need.package})" for need in missing)
        raise SkippedError(f"these programs are not installed: {names}")
    if one.root and os.geteuid() != 0:
        raise SkippedError("it needs root")


if __name__ == "__main__":
    sys.exit(main())
