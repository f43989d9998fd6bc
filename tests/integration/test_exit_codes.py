"""Tests of the program as a process: every exit code and its message."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING

import pytest

from tests.support.processes import FAST, TOKEN, environment, finish, run_watcher, start_watcher
from tests.support.stopwatch import seconds_to_end

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.processes import Finished, StartSimulator


ENDS = [
    (("happy", 10.0), [], 0, "complete", "complete after"),
    (("approval", 20.0), ["--until", "pending_approval"], 0, "reached", "pending_approval after"),
    (("stopped", 20.0), [], 3, "stopped", "create a new one"),
    (("vanish", 5.0), [], 5, "not_found", "the import is gone"),
    (("unknown-status", 4.0), ["--unknown-status", "fail"], 6, "protocol", 'unknown status "validating"'),
    (("unknown-status", 4.0), [], 0, "complete", 'unknown status "validating"; still waiting'),
    (
        ("approval", 20.0),
        ["--fail-on", "pending_approval"],
        7,
        "blocked",
        "The change must be approved and applied in LaunchDarkly",
    ),
    (("stuck", 20.0), ["--until", "ready", "--request-timeout", "0"], 0, "reached", "until ready or later"),
    (("stuck", 20.0), ["--once"], 8, "pending", "not final yet"),
    (("stuck", 20.0), ["--timeout", "700ms"], 124, "timeout", "timed out after 700ms"),
    (
        ("approval", 20.0),
        ["--max-in-state", "pending_approval=300ms"],
        124,
        "timeout",
        "pending_approval for more than 300ms",
    ),
    (("flaky", 4.0), [], 0, "complete", "HTTP 500"),
    (("throttled", 6.0), [], 0, "complete", "rate limited (429)"),
]


@pytest.mark.parametrize(("played", "options", "code", "outcome", "words"), ENDS)
def test_ends_of_an_import(
    start_simulator: StartSimulator,
    played: tuple[str, float],
    options: list[str],
    *,
    code: int,
    outcome: str,
    words: str,
) -> None:
    """The import's status decides the exit code, and standard error explains it."""
    simulator = start_simulator(played[0], speed=played[1])
    finished = run_watcher(simulator.create(), *FAST, *options, env=environment(simulator.base_uri))
    assert finished.code == code, finished.err
    assert finished.out.startswith(f"{outcome} default/production/big-spenders/")
    assert words in finished.err
    assert "Traceback" not in finished.err


def test_a_wrong_token(start_simulator: StartSimulator) -> None:
    """The API's message about the token is printed, and the token is not."""
    simulator = start_simulator()
    env = environment(simulator.base_uri, LD_ACCESS_TOKEN="api-wrong")
    finished = run_watcher(simulator.create(), env=env)
    assert finished.code == 4
    assert 'HTTP 401 unauthorized "Invalid account ID header"' in finished.err
    assert "api-wrong" not in finished.err + finished.out


def test_an_sdk_key_gets_a_hint(start_simulator: StartSimulator) -> None:
    """An SDK key in place of an access token is recognized."""
    simulator = start_simulator()
    finished = run_watcher(simulator.create(), env=environment(simulator.base_uri, LD_ACCESS_TOKEN="sdk-1"))
    assert finished.code == 4
    assert "looks like an SDK key" in finished.err


def test_an_import_that_does_not_exist(start_simulator: StartSimulator) -> None:
    """A 404 is retried for --appear-within, and then fails."""
    simulator = start_simulator()
    env = environment(simulator.base_uri)
    finished = run_watcher("a/b/c/d", "--appear-within", "300ms", *FAST, env=env)
    assert finished.code == 5
    assert "there is no such import: HTTP 404 not_found" in finished.err
    assert "no such import yet" in finished.err


def test_no_server() -> None:
    """An outage longer than its budget gives 75 and the reason."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    env = environment(f"http://127.0.0.1:{port}")
    finished = run_watcher("a/b/c/d", "--outage-budget", "500ms", *FAST, env=env)
    assert finished.code == 75
    assert "connection refused" in finished.err


def test_one_look_under_a_rate_limit(start_simulator: StartSimulator) -> None:
    """--once does not wait for the end of a rate-limit window."""
    simulator = start_simulator("happy", rate_limit=1)
    finished = run_watcher(simulator.create(), "--once", env=environment(simulator.base_uri))
    if finished.code == 8:  # the window ended between the two requests, and this look used the next
        finished = run_watcher("a/b/c/d", "--once", env=environment(simulator.base_uri))
    assert finished.code == 75
    assert "rate_limited" in finished.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "no import is named"),
        (
            ["--base-uri", "ftp://user:hunter2@host", "a/b/c/d"],
            "--base-uri must be a URL such as",
        ),
        (["https://user:hunter2@host:x/api/v2/segments/a/b/c/imports/d"], "target must be a URL such as"),
        (
            ["--base-uri", "exa mple.com", "a/b/c/d"],
            ", not 'https://exa mple.com'",
        ),
        (["--token-file", "/x\x1b[31m\nwatcher: fine", "a/b/c/d"], "/x\\u001b[31m\\u000awatcher: fine"),
        (["a/b/c"], "target does not have four parts: 'a/b/c'. Write project/environment/segment/import-id"),
        (["--nope", "a/b/c/d"], "--nope"),
        (["--timeout", "soon", "a/b/c/d"], "--timeout: 'soon' is not a duration such as"),
        (["--base-uri", "http://192.0.2.1", "a/b/c/d"], "Plain http"),
        (
            ["https://elsewhere.example/api/v2/segments/a/b/c/imports/d"],
            "--base-uri https://elsewhere.example",
        ),
        (["--segment", "s", "--import-id", "i"], "--project and --environment"),
        (["--demo=nope"], "--demo=nope: no such scenario"),
        (["--demo", "--base-uri", "http://127.0.0.1:1"], "--demo"),
        (["--ca-file", "/nowhere.pem", "a/b/c/d"], "--ca-file /nowhere.pem cannot be read"),
        (["--token-file", "/nowhere", "a/b/c/d"], "--token-file /nowhere cannot be read"),
        (["@/nowhere"], "/nowhere cannot be read"),
        (["@"], "names no file (is a variable unset?)"),
        ([""], "target is empty (is a variable unset?)"),
        (["--status-file", "", "a/b/c/d"], "--status-file: it is empty (is a variable unset?)"),
        (["--fail-on", "preparing,ready", "a/b/c/d"], "Repeat the option for each value."),
        (["-"], "standard input is empty"),
        (["--exit-code", "bogus=0", "a/b/c/d"], "stopped=10"),
    ],
)
def test_usage(arguments: list[str], words: str) -> None:
    """A usage error gives 2 and one sentence on standard error, nothing on standard output."""
    finished = run_watcher(*arguments)
    assert finished.code == 2
    assert words in finished.err
    assert finished.err.count("\n") == 1
    assert "hunter2" not in finished.err
    assert finished.out == ""


@pytest.mark.parametrize("token", ["", "  ", "two words", "b\u00e4d", "line\nbreak"])
def test_an_invalid_token(token: str) -> None:
    """An empty or unprintable token is rejected before any request, and never printed."""
    finished = run_watcher("a/b/c/d", env=environment(LD_ACCESS_TOKEN=token))
    assert finished.code == 2
    assert "LD_ACCESS_TOKEN " in finished.err
    assert not token.strip() or token.strip() not in finished.err


def test_a_bad_variable_is_named() -> None:
    """A bad value in the environment is reported with the name of its variable."""
    finished = run_watcher("a/b/c/d", env=environment(WATCHER_TIMEOUT="soon"))
    assert finished.code == 2
    assert finished.err.startswith("watcher: WATCHER_TIMEOUT: 'soon' is not a duration")


def run_with_defect(plant: str, **variables: str) -> Finished:
    """Run the command in a process that first executes a statement."""
    program = f"import sys, watcher.__main__ as m; {plant}; sys.argv[1:] = ['a/b/c/d']; m.run()"
    with subprocess.Popen(
        [sys.executable, "-c", program],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment("http://127.0.0.1:1", **variables),
    ) as process:
        return finish(process)


@pytest.mark.parametrize(("remapped", "code"), [("", 1), ("internal=70", 70)])
def test_a_defect_asks_for_a_report(remapped: str, code: int) -> None:
    """Only code 1 shows a traceback, without the token, after a sentence that asks for a report."""
    finished = run_with_defect(
        "import os, watcher.cli.run as s; s.aclosing = lambda *_, **__: int(os.environ['LD_ACCESS_TOKEN'])",
        WATCHER_EXIT_CODE=remapped,
    )
    assert finished.code == code
    _, first, second, *_ = finished.err.splitlines()
    assert first == "watcher: this is a defect in watcher; please report it with this traceback:"
    assert second == "Traceback (most recent call last):"
    assert "'***'" in finished.err


def test_a_defect_in_the_report_of_a_failure_is_one_line() -> None:
    """If the last report fails too, one line says so, and the exit code is 1."""
    finished = run_with_defect(
        "import os, watcher.cli.outputs as s, watcher.cli.run as r; r.aclosing = s.make_failure_reports = "
        "lambda *_, **__: int(os.environ['LD_ACCESS_TOKEN'])"
    )
    assert finished.code == 1
    assert finished.err.splitlines()[1:] == ["watcher: the result could not be reported (ValueError)"]


each_signal = pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGHUP, 129), (signal.SIGINT, 130), (signal.SIGTERM, 143)]
)


class TestSignals:
    """Tests of SIGHUP, SIGINT and SIGTERM."""

    @each_signal
    def test_in_a_sleep(self, start_simulator: StartSimulator, number: int, code: int) -> None:
        """A signal between polls ends the watch within a second, with the result."""
        simulator = start_simulator("stuck")
        options = ("--min-interval", "30s", "--log-format", "json", "--output", "json")
        process = start_watcher(simulator.create(), *options, env=environment(simulator.base_uri))
        assert process.stderr is not None
        while '"transition"' not in process.stderr.readline():
            pass
        took = seconds_to_end(process, number)
        finished = finish(process)
        assert took < 1
        assert finished.code == code
        assert (finished.result["outcome"], finished.result["exit_code"]) == ("interrupted", code)
        assert finished.events[-1]["exit_code"] == code

    @each_signal
    def test_in_a_request(self, number: int, code: int) -> None:
        """A signal during a request that hangs ends the watch within a second."""
        with socket.create_server(("127.0.0.1", 0)) as server:
            process = start_watcher("a/b/c/d", env=environment(f"http://127.0.0.1:{server.getsockname()[1]}"))
            connection, _ = server.accept()
            with connection:
                connection.recv(1)
                took = seconds_to_end(process, number)
                finished = finish(process)
        assert took < 1
        assert finished.code == code
        assert finished.out.startswith("interrupted a/b/c/d ")
        assert "Watch it again with the same target" in finished.err

    def test_a_request_without_a_limit_ends_with_the_wait(self) -> None:
        """With --request-timeout 0 and a server that never responds, --timeout still ends the wait."""
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
            env = environment(f"http://127.0.0.1:{port}")
            finished = run_watcher("a/b/c/d", "--request-timeout", "0", "--timeout", "1s", env=env)
        assert finished.code == 124
        assert f"no response from 127.0.0.1:{port} within 11s" in finished.err

    @each_signal
    def test_before_the_watch(self, number: int, code: int) -> None:
        """A signal while targets are read gives one line that says so."""
        process = start_watcher("-")
        assert process.stdin is not None
        process.stdin.write("# more than fits into a pipe, so it is being read\n" * 5000)
        process.stdin.flush()
        process.send_signal(number)
        finished = finish(process)
        assert finished.code == code
        assert finished.err == (
            f"watcher: interrupted by {signal.Signals(number).name} while reading standard input. "
            "Nothing was watched.\n"
        )

    @each_signal
    def test_during_the_imports(self, number: int, code: int) -> None:
        """A signal during the imports prints no traceback."""
        sleep = "lambda *a: a[1] == 'watcher.cli.main' and time.sleep(9) or None"
        slow = f"type('Slow', (), {{'find_spec': {sleep}}})()"
        program = (
            f"import sys, time, watcher.__main__ as m; sys.meta_path.insert(0, {slow}); print(1, flush=True)"
        )
        process = subprocess.Popen(
            [sys.executable, "-c", f"{program}; m.run()"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(0.3)
        process.send_signal(number)
        finished = finish(process)
        assert (finished.code, finished.err) == (code, "watcher: interrupted before the watch began\n")


class TestSeveralImports:
    """Tests of several targets in one process."""

    def test_all_are_watched_to_their_end(self, start_simulator: StartSimulator) -> None:
        """The lowest non-zero code decides, and each import has a line."""
        simulator = start_simulator("stopped")
        urls = [simulator.create(f"env-{n}") for n in range(3)]
        finished = run_watcher(*urls, *urls, *FAST, env=environment(simulator.base_uri))
        assert finished.code == 3
        assert finished.out.count("stopped ") == 3
        assert "0 of 3 imports complete; exit code 3 (stopped)" in finished.err

    def test_any(self, start_simulator: StartSimulator) -> None:
        """--any ends with 0 at the first success."""
        simulator = start_simulator("approval")
        simulator_of_success = start_simulator("happy")
        waiting = simulator.create("a").removeprefix(simulator.base_uri)
        finished = run_watcher(
            simulator_of_success.create("b"),
            waiting,
            *FAST,
            "--any",
            "--appear-within",
            "1m",
            "--output",
            "json",
            env=environment(simulator_of_success.base_uri),
        )
        assert finished.code == 0
        imports = finished.result["imports"]
        assert isinstance(imports, list)
        assert [one["outcome"] for one in imports] == ["complete", "pending"]

    def test_fail_fast(self, start_simulator: StartSimulator) -> None:
        """--fail-fast ends at the first failure."""
        simulator = start_simulator("stuck")
        finished = run_watcher(
            simulator.create(),
            "a/b/c/missing",
            *FAST,
            "--fail-fast",
            "--appear-within",
            "0",
            env=environment(simulator.base_uri),
        )
        assert finished.code == 5
        assert "pending default/production" in finished.out

    def test_remapped(self, start_simulator: StartSimulator) -> None:
        """--exit-code changes the code of an outcome."""
        simulator = start_simulator("stopped")
        finished = run_watcher(
            simulator.create(), *FAST, "--exit-code", "stopped=42", env=environment(simulator.base_uri)
        )
        assert finished.code == 42


def test_a_token_file(start_simulator: StartSimulator, tmp_path: Path) -> None:
    """A token file beats the environment, and a wrong token is rejected."""
    simulator = start_simulator("stuck")
    token_file = tmp_path / "token"
    token_file.write_text(f"{TOKEN}\n")
    options = ("--token-file", str(token_file), "--log-format", "json", "--once")
    url = simulator.create()
    assert run_watcher(url, *options, env=environment(simulator.base_uri, LD_ACCESS_TOKEN="x")).code == 8
    token_file.write_text("api-old")
    assert run_watcher(url, *options, env=environment(simulator.base_uri)).code == 4


def test_a_rotated_token_is_used(tmp_path: Path) -> None:
    """After a 401 the token file is read again, and a new token is used."""
    token_file = tmp_path / "token"
    token_file.write_text("api-old\n")
    offered: list[str] = []

    class Rotating(BaseHTTPRequestHandler):
        """Reject the old token and replace it."""

        def do_GET(self) -> None:
            """Respond to one poll."""
            offered.append(self.headers["Authorization"])
            token_file.write_text("api-new\n")
            body = {"id": "d", "segmentKey": "c", "status": "complete", "mode": "merge", "creationTime": 0}
            is_old = offered[-1] == "api-old"
            if is_old:
                body = {"code": "unauthorized", "message": "invalid access token"}
            self.send_response(401 if is_old else 200)
            self.end_headers()
            self.wfile.write(json.dumps(body).encode())

        def log_message(self, *_: object) -> None:
            """Print nothing."""

    with HTTPServer(("127.0.0.1", 0), Rotating) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        env = environment(f"http://127.0.0.1:{server.server_port}", WATCHER_TOKEN_FILE=str(token_file))
        finished = run_watcher("a/b/c/d", env=env)
        server.shutdown()
        thread.join()
    assert finished.code == 0
    assert offered == ["api-old", "api-new"]
    assert "the access token has been replaced" in finished.err
    assert "api-old" not in finished.err


def test_an_echoed_token_is_hidden() -> None:
    """A gateway that quotes the request cannot bring the token into a log."""

    class Echoing(BaseHTTPRequestHandler):
        """Reject every request and quote its header."""

        def do_GET(self) -> None:
            """Respond to one poll."""
            token = self.headers["Authorization"]
            self.send_response(302)
            self.send_header("Location", f"https://login.example/?token={token}")
            self.end_headers()
            self.wfile.write(json.dumps({"message": f"refused: Authorization: {token}"}).encode())

        def log_message(self, *_: object) -> None:
            """Print nothing."""

    with HTTPServer(("127.0.0.1", 0), Echoing) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        env = environment(f"http://127.0.0.1:{server.server_port}")
        finished = run_watcher("a/b/c/d", "--outage-budget", "1s", env=env)
        server.shutdown()
        thread.join()
    assert finished.code == 6
    assert "https://login.example/?token=***" in finished.err
    assert "Authorization: ***" in finished.err
