"""The README files: their code blocks, and the parts that are generated from real output."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.support.paths import EXAMPLES, README, ROOT
from tests.support.processes import environment
from watcher.core.lifecycle import FINAL, TRANSITIONS
from watcher.core.statuses import ImportStatus

READMES = [README, *sorted(EXAMPLES.glob("*/README.md")), ROOT / "tests" / "benchmarks" / "README.md"]

PLACES = {
    "demo": README,
    "summary": EXAMPLES / "github-action" / "README.md",
    "lifecycle": EXAMPLES / "simulator" / "README.md",
    "schedules": ROOT / "tests" / "benchmarks" / "README.md",
}
"""The file of each generated part."""

VARIABLE = {
    r"\d\d:\d\d:\d\d": "TIME",
    r"\b\d+(\.\d+)?(ms|s)\b": "DURATION",
    r"127\.0\.0\.1:\d+": "HOST",
    r"[0-9a-f]{8}-[0-9a-f-]{27}": "ID",
    r"\d+ polls": "POLLS",
    r"\| \d+ \|": "| COUNT |",
    r"\d{4}-\d\d-\d\d TIME\.\d{3}": "MOMENT",
    r"axisFormat .*": "axisFormat FORMAT",
}


def blocks(path: Path, language: str = "sh") -> list[str]:
    """Return the code blocks of a README in a language."""
    found = re.findall(r"^( *)```(\w+)\n(.*?)^\1```$", path.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    return [
        re.sub(rf"^{indentation}", "", text, flags=re.MULTILINE)
        for indentation, name, text in found
        if name == language
    ]


def part(name: str) -> str:
    """Return the text between the markers of a generated part, without its code fence."""
    match = _pattern(name).search(PLACES[name].read_text("utf-8"))
    assert match is not None
    return re.sub(r"\A```\w+\n(.*)```\n\Z", r"\1", match[2], flags=re.DOTALL)


def replace_part(name: str, text: str) -> None:
    """Write a generated part, with its code fence, into its file."""
    path = PLACES[name]
    path.write_text(_pattern(name).sub(lambda match: match[1] + text + match[3], path.read_text("utf-8")))


def _pattern(name: str) -> re.Pattern[str]:
    return re.compile(rf"(<!-- {name} -->\n)(.*?)(<!-- /{name} -->)", re.DOTALL)


def with_placeholders(text: str) -> str:
    """Return text with placeholders for everything that differs from run to run."""
    for pattern, name in VARIABLE.items():
        text = re.sub(pattern, name, text)
    return text


def run_module(*arguments: str, **variables: str) -> str:
    """Run a Python module, and return both streams in the order of writing."""
    finished = subprocess.run(
        [sys.executable, "-m", *arguments],
        check=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=ROOT,
        env=environment(COLUMNS="100", **variables),
    )
    return finished.stdout


def run_demo() -> tuple[str, str]:
    """Return the output of the demo, and its step summary in GitHub Actions."""
    with TemporaryDirectory() as folder:
        summary = Path(folder) / "summary.md"
        shown = run_module("watcher", "--demo", "--ci", "github", GITHUB_STEP_SUMMARY=str(summary))
        return shown, summary.read_text("utf-8").rstrip() + "\n"


def lifecycle() -> str:
    """Return the table of transitions as a Mermaid diagram."""
    lines = ["stateDiagram-v2", f"    [*] --> {ImportStatus.PREPARING}"]
    lines += [f"    {source} --> {to}" for source, following in TRANSITIONS.items() for to in following]
    lines += [f"    {status} --> [*]" for status in TRANSITIONS if status in FINAL]
    return "".join(f"{line}\n" for line in lines)


def run_schedules() -> str:
    """Return the table of polling schedules."""
    return run_module("tests.benchmarks.schedules").rstrip() + "\n"


def regenerate() -> None:
    """Write all generated parts anew."""
    demo, summary = run_demo()
    replace_part("demo", f"```text\n{demo}```\n")
    replace_part("summary", summary)
    replace_part("lifecycle", f"```mermaid\n{lifecycle()}```\n")
    replace_part("schedules", run_schedules())
