"""A process that the fork server starts is like a new interpreter."""

from __future__ import annotations

import signal
import socket
from typing import TYPE_CHECKING

import pytest

from tests.support.forked import ForkedProcess, can_fork
from tests.support.processes import environment, finish, start_interpreter, start_watcher

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from tests.support.processes import Finished

    Start = Callable[..., subprocess.Popen[str]]

NOWHERE = environment("http://127.0.0.1:1")
pytestmark = pytest.mark.skipif(not can_fork(NOWHERE), reason="no process is forked")
each_start = pytest.mark.parametrize("start", [start_watcher, start_interpreter])

DESCRIBE = """
import json, os, signal, sys
del os.environ["LD_ACCESS_TOKEN"], os.environ["WATCHER_RESULT_JSON"]
print(json.dumps([
    sys.argv, os.getcwd(), dict(os.environ), sorted(os.listdir("/proc/self/fd")), sys.stdin.read(),
    os.getsid(0), os.getpgid(0), [str(signal.getsignal(number)) for number in signal.valid_signals()],
    sorted(signal.pthread_sigmask(signal.SIG_BLOCK, [])),
]))
sys.exit(7)
"""


def start_both(
    *arguments: str, text: str = "", cwd: Path | None = None, variables: Mapping[str, str]
) -> tuple[Finished, Finished]:
    """Return what a forked process and a new interpreter printed."""
    env = environment("http://127.0.0.1:1", **variables)
    starts: tuple[Start, Start] = (start_watcher, start_interpreter)
    processes = [start(*arguments, env=env, cwd=cwd) for start in starts]
    assert [isinstance(process, ForkedProcess) for process in processes] == [True, False]
    forked, new = (finish(process, text) for process in processes)
    return forked, new


@pytest.mark.parametrize(
    ("arguments", "variables", "text"),
    [
        (["--help"], {"COLUMNS": "60"}, ""),
        (["--version"], {}, ""),
        (["--bogus"], {"TERM": "xterm", "FORCE_COLOR": "1"}, ""),
        (["@list", "--output", "json"], {}, ""),
        (["-"], {}, "# nothing\n"),
        (["-", "\udce9"], {}, "\N{LATIN SMALL LETTER E WITH ACUTE}/b\n"),
        (["a/b/c/d"], {"WATCHER_TIMEOUT": "soon"}, ""),
        (["a/b/c/d", "--", "no-such-program"], {}, ""),
    ],
)
def test_the_output_is_the_same(
    tmp_path: Path, arguments: Sequence[str], variables: Mapping[str, str], text: str
) -> None:
    """Arguments, environment, working directory and standard input have the same effects."""
    (tmp_path / "list").write_text("a/b/c\n")
    forked, new = start_both(*arguments, text=text, cwd=tmp_path, variables=variables)
    assert forked == new


def test_a_command_finds_the_same(tmp_path: Path) -> None:
    """A command that replaces the program has the same arguments, environment, descriptors and signals."""
    script = tmp_path / "describe.py"
    script.write_text(DESCRIBE)
    command = ("--demo", "--once", "--exit-code", "pending=0", "--", "python3", str(script), "-x")
    forked, new = start_both(*command, text="input", cwd=tmp_path, variables={"A": "1", "TZ": "Asia/Tokyo"})
    assert forked.code == new.code == 7
    assert forked.out.splitlines()[1:] == new.out.splitlines()[1:]  # the first lines have times


@each_start
@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGKILL, -9)]
)
def test_signals(start: Start, number: int, code: int) -> None:
    """A signal reaches the process, and a process that it killed has a negative exit code."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        process = start("a/b/c/d", env=environment(f"http://127.0.0.1:{server.getsockname()[1]}"))
        connection, _ = server.accept()
        with connection:
            assert process.poll() is None
            process.send_signal(number)
            assert finish(process).code == process.poll() == process.wait() == code


def test_variables_that_python_reads_when_it_starts() -> None:
    """With another locale, other certificates or other settings of Python, a new interpreter is started."""
    assert can_fork(NOWHERE | {"WATCHER_TIMEOUT": "1s"})
    for name in ("PYTHONUTF8", "LC_ALL", "SSL_CERT_FILE", "AIOHTTP_NO_EXTENSIONS"):
        assert not can_fork(NOWHERE | {name: "1"})


def test_coverage_is_measured_in_new_interpreters(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where coverage of processes is measured, none is forked."""
    monkeypatch.setenv("COVERAGE_PROCESS_START", "pyproject.toml")
    assert not can_fork(NOWHERE)
