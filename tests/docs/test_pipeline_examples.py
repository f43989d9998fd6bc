"""The pipeline examples work against the simulator."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.support.paths import EXAMPLES, README
from tests.support.pipelines import (
    Action,
    Workflow,
    filled_in,
    make_checkout,
    read,
    read_gitlab_jobs,
    run,
    run_step,
)
from tests.support.processes import TOKEN
from tests.support.readme import blocks
from tests.support.simulator_client import SEMANTIC_PATCH, approval
from tests.unit.reports.github.test_outputs import outputs
from watcher.core.exit_codes import DEFAULT_CODES
from watcher.core.statuses import Outcome

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.processes import StartSimulator

WORKFLOW = read("github-action/workflow.yml", Workflow)
ACTION = read("github-action/action.yml", Action)
JOBS = read_gitlab_jobs("gitlab/.gitlab-ci.yml")
TEMPLATES = read_gitlab_jobs("gitlab/watcher.gitlab-ci.yml")
SCRIPT = EXAMPLES / "shell" / "import-and-wait.sh"
PARTS = EXAMPLES / "shell" / "import-in-parts.sh"
SHELLCHECK = shutil.which("shellcheck")
SHELLS = [shell for shell in ("bash", "dash", "zsh") if shutil.which(shell)]
NOWHERE = "http://127.0.0.1:9"

needs_curl = pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
needs_bash = pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a checkout as a job gets it."""
    make_checkout(tmp_path)
    return tmp_path


def run_script(
    folder: Path, base_uri: str, *options: str, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run the plain shell example."""
    command = ["/bin/sh", str(SCRIPT), "keys.csv", "default", "production", "big-spenders", *options]
    return run(command, folder, base_uri, variables)


@needs_curl
@pytest.mark.parametrize(
    ("scenario", "options", "code"),
    [
        ("happy", [], 0),
        ("stopped", [], 3),
        ("approval", ["--fail-on", "pending_approval"], 7),
        ("approval", ["--timeout", "500ms"], 124),
    ],
)
def test_the_shell_example(
    start_simulator: StartSimulator, folder: Path, scenario: str, options: list[str], code: int
) -> None:
    """The script creates an import, waits for it, and prints a message for each outcome."""
    words = {
        0: "The segment is in place.",
        3: "check keys.csv",
        7: "approves and applies",
        124: "not final in time",
    }
    finished = run_script(folder, start_simulator(scenario).base_uri, *options)
    assert finished.returncode == code, finished.stderr
    said = finished.stdout if code == 0 else finished.stderr
    assert words[code] in said.splitlines()[-1]


@needs_curl
def test_a_failed_creation_is_explained(start_simulator: StartSimulator, folder: Path) -> None:
    """If the server does not exist or rejects the request, the output has curl's or the API's message."""
    finished = run_script(folder, NOWHERE)
    assert finished.returncode == 2
    assert "curl: (7)" in finished.stderr
    assert "The import was not created" in finished.stderr
    finished = run_script(folder, start_simulator().base_uri, LD_ACCESS_TOKEN="api-wrong")
    assert finished.returncode == 2
    assert '"unauthorized"' in finished.stderr
    assert "The requested URL returned error: 401" in finished.stderr
    finished = run_script(folder, NOWHERE, LD_ACCESS_TOKEN="")
    assert finished.returncode == 2
    assert "set it to an access token" in finished.stderr


@pytest.mark.parametrize("script", [SCRIPT, PARTS], ids=lambda path: path.name)
def test_nothing_is_created_if_watcher_is_not_installed(folder: Path, script: Path) -> None:
    """A script whose `watcher` is missing says so before it creates an import that nobody would watch."""
    arguments = ["keys.csv", "default", "production", "big-spenders", "keys.csv"]
    finished = run(["/bin/sh", str(script), *arguments], folder, NOWHERE, {"PATH": "/usr/bin:/bin"})
    assert (finished.returncode, finished.stdout) == (2, "")
    assert finished.stderr.startswith("watcher is not on the PATH. Install it")


@needs_curl
@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("example", ["script", "README"])
def test_a_log_of_both_streams_is_appended_to(
    start_simulator: StartSimulator, folder: Path, shell: str, example: str
) -> None:
    """If both streams are the same file, its content stays, and a rejection and a success are appended."""
    base_uri = start_simulator().base_uri
    script = [str(SCRIPT), "keys.csv", "default", "production", "big-spenders"]
    (readme,) = (block for block in blocks(README) if "watcher @headers" in block)
    command = [shell, *(script if example == "script" else ["-c", readme])]
    deploy = folder / "deploy.sh"
    deploy.write_text("#!/bin/sh\necho deployed\n", "utf-8")
    deploy.chmod(0o755)
    log = folder / "deploy.log"
    log.write_text("history\n", "utf-8")
    for token, code in (("api-wrong", 2 if example == "script" else 22), (TOKEN, 0)):
        # The shell opens it once for both streams, as `>> deploy.log 2>&1` in a crontab does.
        logged = ["/bin/sh", "-c", 'exec "$@" >>deploy.log 2>&1', "sh", *command]
        assert run(logged, folder, base_uri, {"LD_ACCESS_TOKEN": token}).returncode == code
    text = log.read_text("utf-8")
    assert TOKEN not in text
    assert "\0" not in text
    assert ("deployed" in text) == (example == "README")
    parts = ["history\n", '"unauthorized"', "complete default/production/"]
    assert [text.count(part) for part in parts[:2]] == [1, 1]
    places = [text.find(part) for part in parts]
    assert places[0] == 0
    assert places == sorted(places)


def run_parts(
    folder: Path, base_uri: str, *parts: str, during_pauses: str = "", **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run the shell example for several files; its pauses take no time, but run a command."""
    sleep = folder / "watcher" / "bin" / "sleep"
    sleep.write_text(f"#!/bin/sh\n{during_pauses}\nexec /bin/sleep 0.1\n")
    sleep.chmod(0o755)
    for part in parts:
        (folder / part).write_text(f"{part}\n")
    command = ["/bin/sh", str(PARTS), "default", "production", "big-spenders", *parts]
    return run(command, folder, base_uri, variables)


@needs_curl
def test_imports_in_parts(start_simulator: StartSimulator, folder: Path) -> None:
    """Parts are imported one after the other, after another import of the environment has ended."""
    simulator = start_simulator("happy")
    other = simulator.create(wait_on_approvals=True)
    watching = run(["watcher", other, "--until", "pending_approval"], folder, simulator.base_uri, {})
    assert watching.returncode == 0  # its life begins with the first poll
    # The other import ends only after the script has met it.
    (folder / "approval.json").write_text(json.dumps(approval(other)))
    headers = " ".join(f"-H '{name}: {value}'" for name, value in SEMANTIC_PATCH.items())
    approve = (
        f"{shutil.which('curl')} -s -o /dev/null -X PATCH -H 'Authorization: {TOKEN}' {headers} "
        f"--data-binary '@{folder}/approval.json' '{other.rpartition('/imports/')[0]}'"
    )
    finished = run_parts(folder, simulator.base_uri, "part-aa", "part-ab", during_pauses=approve)
    assert finished.returncode == 0, finished.stderr
    assert "part-aa: another import of this environment is running" in finished.stderr
    assert "part-ab: another" not in finished.stderr
    assert finished.stdout.count("complete default/production/") == 2
    assert finished.stdout.endswith("All 2 parts are imported.\n")


@needs_curl
def test_a_failed_part_is_the_last(start_simulator: StartSimulator, folder: Path) -> None:
    """After a failure, the script ends with watcher's exit code, or with 2 if nothing was created."""
    finished = run_parts(folder, start_simulator("stopped").base_uri, "part-aa", "part-ab")
    assert finished.returncode == 3
    assert finished.stdout.count("stopped default/") == 1
    rejected = run_parts(folder, start_simulator().base_uri, "part-aa", LD_ACCESS_TOKEN="api-wrong")
    assert rejected.returncode == 2
    assert "part-aa: the import was not created (HTTP 401)" in rejected.stderr
    assert '"unauthorized"' in rejected.stderr
    assert run_parts(folder, NOWHERE, "part-aa").returncode == 2


@needs_curl
@needs_bash
@pytest.mark.parametrize(("scenario", "code"), [("happy", 0), ("stopped", 3)])
def test_the_workflow(start_simulator: StartSimulator, folder: Path, scenario: str, code: int) -> None:
    """The action reads the headers, and the last step branches on its outputs."""
    base_uri = start_simulator(scenario).base_uri
    _, create, wait, branch = WORKFLOW.jobs["import"].steps
    context = {
        "secrets.LD_ACCESS_TOKEN": TOKEN,
        "vars.LD_BASE_URI": base_uri,
        "vars.LD_BASE_URI || 'https://app.launchdarkly.com'": base_uri,
        "runner.temp": str(folder),
    }
    created = run_step(create, folder, base_uri, context)
    assert created.returncode == 0, created.stderr

    _, step, _ = ACTION.runs.steps
    waited = run_step(step, folder, base_uri, ACTION.values(filled_in(wait.with_, context)))
    assert waited.returncode == code, waited.stderr
    written = outputs((folder / "output").read_text("utf-8"))
    assert {name: output.value for name, output in ACTION.outputs.items()} == {
        name: f"${{{{ steps.{step.id}.outputs.{name} }}}}" for name in written
    }
    branched = run_step(
        branch, folder, base_uri, {f"steps.{wait.id}.outputs.{name}": text for name, text in written.items()}
    )
    assert branched.returncode == (0 if code == 0 else 1)
    assert ("in place" if code == 0 else "check keys.csv") in branched.stdout


@needs_curl
@needs_bash
def test_a_workflow_stops_if_nothing_was_created(folder: Path) -> None:
    """The step that creates the import fails with curl's exit code and message."""
    _, create, _, _ = WORKFLOW.jobs["import"].steps
    values = dict.fromkeys(re.findall(r"\$\{\{ (.+?) \}\}", " ".join(create.env.values())), NOWHERE)
    created = run_step(create, folder, NOWHERE, values)
    assert created.returncode == 7
    assert "curl: (7)" in created.stderr


@needs_bash
def test_the_action_accepts_no_options_as_targets(start_simulator: StartSimulator, folder: Path) -> None:
    """An input that looks like an option cannot send the token elsewhere."""
    simulator = start_simulator("stuck")
    _, step, _ = ACTION.runs.steps
    given = {"token": TOKEN, "until": "preparing", "targets": simulator.create()}
    good = run_step(step, folder, simulator.base_uri, ACTION.values(given))
    assert good.returncode == 0, good.stderr
    evil = ACTION.values(given | {"targets": "--base-uri=https://evil.example\n"})
    assert run_step(step, folder, simulator.base_uri, evil).returncode == 2


@needs_bash
@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"targets": "a/b/c/d"}, "'token'"),
        ({"token": TOKEN}, "'targets' and 'headers-file'"),
        ({"token": TOKEN, "targets": "a/b/c/d", "headers-file": "headers"}, "'targets' and 'headers-file'"),
    ],
)
def test_the_action_names_a_missing_input(folder: Path, given: dict[str, str], named: str) -> None:
    """An input that is missing, or one too many, is an annotation that names it as the workflow does."""
    _, step, _ = ACTION.runs.steps
    ended = run_step(step, folder, NOWHERE, ACTION.values(given))
    assert ended.returncode == 2
    assert ended.stdout.startswith(f"::error::The input{'s' if 'and' in named else ''} {named} ")


def test_the_action_explains_which_input_is_meant() -> None:
    """Messages name environment variables; the last step names the input of each."""
    _, wait, explain = ACTION.runs.steps
    assert f"steps.{wait.id}.outputs.outcome == 'usage'" in str(explain.if_)
    for variable, expression in wait.env.items():
        (name,) = re.findall(r"inputs\.([\w-]+)", expression)
        assert re.search(rf"\b{variable}\b[^,]*'{name}'|'{name}'", explain.run)
        assert f"'{name}'" in explain.run


def test_the_action_installs_this_repository() -> None:
    """The path from the action to the repository is correct, and every expression goes through `env`."""
    install, wait, _ = ACTION.runs.steps
    assert '"$GITHUB_ACTION_PATH/../.."' in install.run
    assert (EXAMPLES / "github-action" / ".." / ".." / "pyproject.toml").is_file()
    used = set(re.findall(r"inputs\.([\w-]+)", " ".join(wait.env.values())))
    assert used == set(ACTION.inputs)


@needs_curl
@pytest.mark.parametrize(("scenario", "code"), [("happy", 0), ("stopped", 3)])
def test_the_gitlab_jobs(start_simulator: StartSimulator, folder: Path, scenario: str, code: int) -> None:
    """The jobs pass on the headers and the dotenv report, and the last jobs branch on it."""
    base_uri = start_simulator(scenario).base_uri
    wait = JOBS["wait-for-import"]
    template = TEMPLATES[str(wait.extends)]

    def job(script: list[str], **variables: str) -> subprocess.CompletedProcess[str]:
        command = ["/bin/sh", "-ec", "\n".join(script)]
        return run(command, folder, base_uri, {"GITLAB_CI": "true"} | variables)

    created = job(JOBS["create-import"].script)
    assert created.returncode == 0, created.stderr
    waited = job(template.script, **(template.variables | wait.variables))
    assert waited.returncode == code, waited.stderr
    assert "section_start" in waited.stderr
    assert template.artifacts is not None
    assert template.artifacts.reports is not None
    dotenv = folder / template.artifacts.reports.dotenv
    report = dict(line.split("=", 1) for line in dotenv.read_text("utf-8").splitlines())
    following = job(JOBS["deploy" if code == 0 else "tell-somebody"].script, **report)
    assert following.returncode == 0
    assert ("is complete; deploying" if code == 0 else "check keys.csv") in following.stdout
    assert job(JOBS["deploy"].script, **(report | {"WATCHER_RESULT_CODE": "8"})).returncode != 0


@pytest.mark.skipif(SHELLCHECK is None, reason="shellcheck is not installed")
def test_every_fragment_passes_shellcheck(tmp_path: Path) -> None:
    """The program shellcheck accepts the shell code in YAML and in the shell examples."""
    fragments = {
        "bash": [step.run for step in WORKFLOW.jobs["import"].steps + ACTION.runs.steps if step.run],
        "sh": ["\n".join(job.script) for job in (JOBS | TEMPLATES).values() if job.script]
        + [path.read_text("utf-8") for path in (SCRIPT, PARTS)],
    }
    for shell, texts in fragments.items():
        paths = [tmp_path / f"{shell}-{number}" for number in range(len(texts))]
        for path, text in zip(paths, texts, strict=True):
            path.write_text(text, "utf-8")
        checked = subprocess.run(
            [str(SHELLCHECK), f"--shell={shell}", "--norc", *map(str, paths)],
            check=False,
            capture_output=True,
            text=True,
        )
        assert checked.returncode == 0, checked.stdout
        assert len(texts) >= 4


@pytest.mark.parametrize(
    "name", ["github-action/workflow.yml", "gitlab/.gitlab-ci.yml", "shell/import-and-wait.sh"]
)
def test_the_codes_are_the_contract_s(name: str) -> None:
    """The examples branch only on exit codes of outcomes."""
    codes = re.findall(r"^ +(\d+)\)", (EXAMPLES / name).read_text("utf-8"), re.MULTILINE)
    assert {int(code) for code in codes} <= set(DEFAULT_CODES.values())
    assert str(DEFAULT_CODES[Outcome.STOPPED]) in codes
    assert str(DEFAULT_CODES[Outcome.TIMEOUT]) in codes
