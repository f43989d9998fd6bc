"""The examples install pinned packages, and nothing in them changes a request or shows the token."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.support.paths import EXAMPLES, ROOT
from tests.support.pipelines import Action, Workflow, read
from tests.support.processes import environment

if TYPE_CHECKING:
    from pathlib import Path

ACTION = read("github-action/action.yml", Action).runs.steps[0].run
GITLAB = (EXAMPLES / "gitlab" / "watcher.gitlab-ci.yml").read_text("utf-8")
SHELL = sorted((EXAMPLES / "shell").glob("*.sh"))
CREATES = {
    "github": "\n".join(
        step.run for step in read("github-action/workflow.yml", Workflow).jobs["import"].steps
    ),
    "gitlab": (EXAMPLES / "gitlab" / ".gitlab-ci.yml").read_text("utf-8"),
    **{path.name: path.read_text("utf-8") for path in SHELL},
}
UUID_TOKEN = "api-89abcdef-0123-4567-89ab-cdef01234567"

needs_curl = pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")


@pytest.mark.parametrize("script", [ACTION, GITLAB])
def test_every_package_is_pinned_by_hash(script: str) -> None:
    """Each installation takes the hashes of this repository, or downloads nothing."""
    installations = re.findall(r"pip\"? (install .+?)'?$", script, re.MULTILINE)
    assert len(installations) == 3
    for installation, file in zip(
        installations, ("requirements.txt", ".ci/requirements-build.txt"), strict=False
    ):
        assert "--require-hashes" in installation
        assert "--only-binary :all:" in installation  # a source distribution would download its build system
        assert installation.rstrip("'").endswith(f'/{file}"')  # YAML quotes the command
        assert (ROOT / file).is_file()
    assert {"--no-index", "--no-deps", "--no-build-isolation"} < set(installations[-1].rstrip("'").split())


@pytest.mark.parametrize("script", [ACTION, GITLAB])
def test_the_working_directory_is_not_imported(script: str) -> None:
    """Python runs without the working directory in its path, and programs by their own path."""
    assert re.findall(r"python3? (.*)", re.sub("(?m)^ *#.*|image:.*", "", script))[0].startswith(
        "-I -m venv "
    )
    assert script.count("-m ") == script.count("-I -m ")


@pytest.mark.parametrize("name", CREATES)
def test_curl_takes_the_url_literally(name: str) -> None:
    """The request that sends the token has the options of the contract, and no token in its arguments."""
    script = CREATES[name].replace("\\\n", " ")
    (command,) = re.findall(r"(?m)^ *(?:\S+ \| *)?curl (.*)|^ *curl (.*)", script) or [("", "")]
    words = "".join(command).split()
    required = {"--globoff", "--path-as-is", "--proto", "--fail-with-body", "--suppress-connect-headers"}
    assert required <= set(words)
    assert words[words.index("--proto") + 1] in {"=https", '"=$protocol"'}
    assert "LD_ACCESS_TOKEN" not in "".join(command)
    assert "set -x" not in script


def run_script(
    script: Path,
    folder: Path,
    *keys: str,
    base_uri: str = "https://127.0.0.1:9",
    program: str = "sh -x",
    curl: str = "exit 7\n",
    file: str = "keys.csv",
) -> tuple[subprocess.CompletedProcess[str], str]:
    """Run a shell example with a trace and a curl that records its arguments."""
    (folder / "curl").write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" >{folder}/arguments\n{curl}')
    (folder / "watcher").write_text("#!/bin/sh\nexit 3\n")
    for name in ("curl", "watcher"):
        (folder / name).chmod(0o755)
    (folder / "keys.csv").touch()
    arguments = [file, *keys] if script.name == "import-and-wait.sh" else [*keys, file]
    env = environment(base_uri, PATH=f"{folder}:{os.environ['PATH']}", LD_ACCESS_TOKEN=UUID_TOKEN)
    command = [*program.split(), str(script), *arguments]
    finished = subprocess.run(
        command, check=False, capture_output=True, encoding="utf-8", errors="replace", cwd=folder, env=env
    )
    record = folder / "arguments"
    return finished, record.read_text("utf-8") if record.exists() else ""


@pytest.mark.parametrize("script", SHELL, ids=lambda path: path.name)
@pytest.mark.parametrize("program", [f"{name} -x" for name in ("sh", "bash", "dash") if shutil.which(name)])
def test_a_trace_shows_no_token(script: Path, program: str, tmp_path: Path) -> None:
    """The token is neither in a trace nor in curl's arguments."""
    finished, arguments = run_script(script, tmp_path, "default", "production", "x", program=program)
    assert finished.returncode == 2
    assert "--globoff" in arguments.splitlines()
    assert UUID_TOKEN not in finished.stdout + finished.stderr + arguments


@pytest.mark.parametrize("script", SHELL, ids=lambda path: path.name)
@pytest.mark.parametrize(
    "key",
    ["{a,b}", "[1-3]", "..", ".", "", "../../../x", "a/b", "a?b", "a#b", "a%2fb", "a b", "a\nb", "-x/y", "é"],
)
def test_a_key_cannot_change_the_request(script: Path, key: str, tmp_path: Path) -> None:
    """A key with other characters than LaunchDarkly's is refused before curl runs."""
    for position in range(3):
        keys = ["default", "production", "big-spenders"]
        keys[position] = key
        finished, arguments = run_script(script, tmp_path, *keys, program="sh")
        assert (finished.returncode, arguments) == (2, "")
        assert "letters, digits" in finished.stderr


@pytest.mark.parametrize("script", SHELL, ids=lambda path: path.name)
@pytest.mark.parametrize("file", ["-", "/dev/stdin", 'keys.csv",".env', 'keys.csv";headers="X: y', "keys\\"])
def test_only_the_named_file_is_uploaded(script: Path, file: str, tmp_path: Path) -> None:
    """A file that is standard input, or whose name curl would read as several files, is refused."""
    finished, arguments = run_script(script, tmp_path, "default", "production", "x", program="sh", file=file)
    assert (finished.returncode, arguments) == (2, "")
    assert "standard input" in finished.stderr


@pytest.mark.parametrize("script", SHELL, ids=lambda path: path.name)
@pytest.mark.parametrize(
    ("base_uri", "protocol"),
    [
        ("https://app.launchdarkly.com", "=https"),
        ("http://app.launchdarkly.com", "=https"),
        ("app.launchdarkly.com", "=https"),
        ("http://127.0.0.1:8080@evil.example", "=https"),
        ("http://127.0.0.1.evil.example", "=https"),
        ("http://127.0.0.1:8080", "=http"),
    ],
)
def test_plain_http_is_only_for_the_simulator(
    script: Path, base_uri: str, protocol: str, tmp_path: Path
) -> None:
    """Curl may send the token over https only, except to a port of this machine."""
    _, arguments = run_script(script, tmp_path, "default", "production", "x", base_uri=base_uri, program="sh")
    words = arguments.splitlines()
    assert words[words.index("--proto") + 1] == protocol
    assert words[words.index("--url") + 1].startswith(base_uri)


@pytest.mark.parametrize("script", SHELL, ids=lambda path: path.name)
def test_a_body_is_no_command(script: Path, tmp_path: Path) -> None:
    """The body of a rejection is printed without control characters, tokens and commands for CI services."""
    body = "###vso[x]\n##[a]##teamcity[y]\n:::error::x\n\x01::set-output name=a::b\r::c\x1b]0;t\x07 reason é"
    body += "\n\x9b2K\u202e\u2066#\x85#[a]:\x80:error::x\nAuthorization: "
    body += UUID_TOKEN.replace("-", "\x1b-") + ", 顧客"
    nested = b"\xc2\xc2\x9b\x9b2J\xe2\x80\xe2\x80\xae\xae"
    (tmp_path / "answer").write_bytes(body.encode() + nested)
    curl = 'while [ "$1" != -o ]; do shift; done\ncat answer >"$2"\nprintf 409x\nexit 22\n'
    finished, _ = run_script(script, tmp_path, "default", "production", "x", program="sh", curl=curl)
    assert finished.returncode == 2
    assert "reason é" in finished.stderr
    assert "\nAuthorization: ***, 顧客" in finished.stderr
    assert not re.search(r"##\w*\[|^\s*::", finished.stderr, re.MULTILINE)
    assert "".join(finished.stderr.split("\n")).isprintable()


@pytest.mark.parametrize("script", SHELL, ids=lambda path: path.name)
def test_a_file_name_is_no_command(script: Path, tmp_path: Path) -> None:
    """Control characters and commands for a CI service in a file's name are not printed."""
    file, curl = "::stop-commands::x\x1b[31m\n##vso[x", "exit 0\n"
    if script.name == "import-in-parts.sh":
        curl = "printf 500; exit 22\n"
    curl = f'while [ "$1" != -D ]; do shift; done\n: >"$2"\n{curl}'
    finished, _ = run_script(
        script, tmp_path, "default", "production", "x", program="sh", curl=curl, file=file
    )
    assert "stop-commands" in finished.stderr
    assert not re.search(r"::|##|\x1b", finished.stderr)
