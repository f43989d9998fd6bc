"""Airflow: the provider, the sensor in `dag.test()`, a killed triggerer, and 200 triggers in one loop.

It needs an `airflow` on the PATH, in an environment that has this package: ``pip install '.[airflow]'``.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, TypeVar

import msgspec

from tests.environments.support import (
    Environment,
    FailedError,
    Program,
    SkippedError,
    expect,
    expect_in,
    program,
    run,
    simulator,
    started,
    succeed,
    wait_until,
)
from tests.support.paths import EXAMPLES, ROOT
from tests.support.processes import TOKEN, environment, serving

PROGRAMS: Final = Path(__file__).parent / "airflow_programs"
DISTRIBUTION: Final = "launchdarkly-import-watcher"
DAG: Final = "import_and_deploy"
DAG_RUN: Final = "environment"

_Document = TypeVar("_Document")

_LIFE: Final = ["preparing", "ready", "in_progress", "complete"]
_FINAL_STATES: Final = {"success", "failed", "skipped", "upstream_failed"}

MOST_REFUSED: Final = 0.03
MOST_CONNECTIONS: Final = 30
LATEST_OUTCOME: Final = 90.0
"""Seconds from the end of an import to the event of its trigger."""

LIFE: Final = 90.0
"""Shortest wait in seconds for an import that takes 100 s and was found in `preparing`."""

START_TIMEOUT: Final = 180.0
RESUME_TIMEOUT: Final = 120.0
"""Airflow hands triggers over when a triggerer was silent for 30 s; the rest is the start of a process."""


def _run(folder: Path) -> None:
    airflow = Path(program("airflow"))
    python = airflow.parent / "python"
    (folder / "home" / "dags").mkdir(parents=True)
    env = _settings(folder)
    if run(python, "-c", "import watcher.airflow.sensors", env=env, cwd=folder).code != 0:
        raise SkippedError(f"this package is not installed beside {airflow}: pip install '.[airflow]'")
    succeed(airflow, "db", "migrate", env=env, cwd=folder)
    _check_provider(airflow, env, folder)
    _check_outcomes(python, env, folder)
    _check_killed_triggerer(airflow, env, folder)
    _check_load(python, env, folder)


def _settings(folder: Path) -> dict[str, str]:
    """Return an environment with settings for Airflow on free ports; timeouts are Airflow's own."""
    api, worker, triggerer = _free_ports(3)
    return environment(
        PATH=os.environ["PATH"],
        PYTHONPATH=str(ROOT),
        HOME=str(folder),
        AIRFLOW_HOME=str(folder / "home"),
        AIRFLOW__CORE__LOAD_EXAMPLES="False",
        AIRFLOW__CORE__PARALLELISM="4",
        AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION="False",
        AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS="True",
        AIRFLOW__CORE__EXECUTION_API_SERVER_URL=f"http://127.0.0.1:{api}/execution/",
        AIRFLOW__API__HOST="127.0.0.1",
        AIRFLOW__API__PORT=str(api),
        AIRFLOW__API__BASE_URL=f"http://127.0.0.1:{api}",
        AIRFLOW__API__WORKERS="1",
        AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT=str(worker),
        AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT=str(triggerer),
    )


def _free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def _check_provider(airflow: Path, env: Mapping[str, str], folder: Path) -> None:
    """Airflow lists the provider and its connection type."""
    expect_in(_output(airflow, "providers", "list", env=env, folder=folder), DISTRIBUTION)
    hooks = _output(airflow, "providers", "hooks", env=env, folder=folder)
    expect_in(hooks, "launchdarkly", "watcher.airflow.hooks.LaunchDarklyHook", DISTRIBUTION)


def _check_outcomes(python: Path, env: Mapping[str, str], folder: Path) -> None:
    """`dag.test()` runs sensor and trigger for each outcome, with retries where they must not be used."""
    shutil.copy2(PROGRAMS / "waits.py", folder / "home" / "dags")
    # Their imports begin when they are first read: tasks start slowly.
    with (
        serving("happy", 3, None) as happy,
        serving("stopped", 3, None) as stopped,
        serving("stuck", 3, None) as stuck,
    ):
        servers = {"happy": happy, "stopped": stopped, "stuck": stuck}
        for name, server in servers.items():
            connection = {"conn_type": "launchdarkly", "host": server.base_uri, "password": TOKEN}
            env = dict(env) | {f"AIRFLOW_CONN_{name.upper()}": json.dumps(connection)}
        missing = "default/production/big-spenders/00000000-0000-0000-0000-000000000000"
        waiting = {"deferrable": True}
        cases = {
            "complete": waiting | {"launchdarkly_conn_id": "happy", "target": happy.create()},
            "several": waiting
            | {"launchdarkly_conn_id": "happy", "target": [happy.create("test"), happy.create("staging")]},
            "in_worker": {"launchdarkly_conn_id": "happy", "target": happy.create("worker")},
            "stopped": waiting
            | {"launchdarkly_conn_id": "stopped", "target": stopped.create(), "retries": 2},
            "not_found": waiting | {"launchdarkly_conn_id": "happy", "target": missing, "retries": 2},
            "timed_out": waiting | {"launchdarkly_conn_id": "stuck", "target": stuck.create(), "timeout": 8},
            "soft_fail": waiting
            | {
                "launchdarkly_conn_id": "stuck",
                "target": stuck.create("soft"),
                "timeout": 8,
                "soft_fail": True,
            },
            "no_connection": waiting | {"launchdarkly_conn_id": "nobody", "target": missing},
        }
        env = dict(env) | {"CASES": json.dumps(cases)}
        output = succeed(python, folder / "home" / "dags" / "waits.py", env=env, cwd=folder)
    states = dict(line.split()[1:] for line in output.splitlines() if line.startswith("STATE "))
    failed = ("stopped", "not_found", "timed_out", "no_connection")
    wanted = dict.fromkeys(cases, "success") | dict.fromkeys(failed, "failed") | {"soft_fail": "skipped"}
    expect(states, wanted, "states of the tasks")
    parts = {name: output.partition(f"CASE {name}\n")[2].partition(f"STATE {name} ")[0] for name in cases}
    expect_in(
        parts["complete"], "until complete", "not final yet: waiting in the triggerer", "complete after"
    )
    expect_in(parts["stopped"], "AirflowFailException: default/production", "stopped in LaunchDarkly")
    expect_in(parts["not_found"], "no such import yet", "AirflowFailException", "there is no such import")
    expect_in(parts["timed_out"], "AirflowSensorTimeout", "timed out after 8s; last status in_progress")
    expect_in(parts["soft_fail"], "timed out after 8s", "Skipping")
    expect_in(parts["no_connection"], "there is no connection 'nobody'. Create one of type launchdarkly")


def _check_killed_triggerer(airflow: Path, env: Mapping[str, str], folder: Path) -> None:
    """The example's DAG waits on while its triggerer is killed: nothing is lost or repeated."""
    shutil.copy2(EXAMPLES / "airflow" / f"{DAG}.py", folder / "home" / "dags")
    keys = folder / "keys.csv"
    keys.write_text("user-1\nuser-2\n")
    api = f"http://127.0.0.1:{env['AIRFLOW__API__PORT']}"
    with simulator(folder, "happy", "--speed", "0.1") as server:
        add = ("connections", "add", "launchdarkly_default", "--conn-type", "launchdarkly")
        values = ("--conn-host", server.base_uri, "--conn-password", TOKEN)
        succeed(airflow, *add, *values, env=env, cwd=folder)
        with _airflow(folder / "standalone.log", airflow, "standalone", env=env) as standalone:
            wait_until(lambda: _is_healthy(api), "Airflow", START_TIMEOUT)
            _check_form(api)
            wait_until(lambda: _get(api, f"/api/v2/dags/{DAG}", _Dag), "the DAG", START_TIMEOUT)
            settings = json.dumps({"file": str(keys)})
            succeed(airflow, "dags", "trigger", DAG, "-r", DAG_RUN, "-c", settings, env=env, cwd=folder)
            logs = folder / "home" / "logs" / f"dag_id={DAG}" / f"run_id={DAG_RUN}" / "task_id=wait"
            wait_until(lambda: "preparing -> ready" in _events(logs), "a transition", START_TIMEOUT)
            triggerers = [pid for pid in _descendants(standalone) if "airflow triggerer" in _command(pid)]
            for pid in triggerers:
                os.kill(pid, signal.SIGKILL)
            if not triggerers:
                raise FailedError("no triggerer is running")
            with _airflow(folder / "triggerer.log", airflow, "triggerer", env=env):
                path = f"/api/v2/dags/{DAG}/dagRuns/{DAG_RUN}/taskInstances"
                states = wait_until(
                    lambda: _final_states(api, path), "the DAG run's end", RESUME_TIMEOUT + 60
                )
                xcom = _get(api, f"{path}/wait/xcomEntries/return_value?deserialize=true", _XCom)
    expect(states, {"create": "success", "wait": "success", "deploy": "success"}, "states of the tasks")
    lines = _events(logs)
    for text in ("watching default", "preparing -> ready", "ready -> in_progress", "in_progress -> complete"):
        expect(lines.count(text), 1, f"lines with {text!r}")
    expect(lines.count(" starting"), 2, "triggers that were started")
    if xcom is None or xcom.value.elapsed_s < LIFE:
        raise FailedError(f"the clock began anew: {xcom}")
    expect([one.to for one in xcom.value.transitions], _LIFE, "transitions in the result")
    _check_no_token(folder / "home")


def _check_form(api: str) -> None:
    """The connection form asks for the base URI and the token only."""
    forms = _get(api, "/ui/connections/hook_meta", list[_Form]) or []
    fields = next(one.standard_fields for one in forms if one.connection_type == "launchdarkly") or {}
    shown = {name: field.title for name, field in fields.items() if field and not field.hidden}
    expect(shown, {"host": "Base URI", "password": "Access token"}, "fields of the form")


def _check_load(python: Path, env: Mapping[str, str], folder: Path) -> None:
    """200 triggers keep a limit of 40 requests in ten seconds."""
    program_ = ("-m", "tests.environments.airflow_programs.load")
    output = succeed(python, *program_, env=env, cwd=folder, timeout=600)
    figures = json.loads(output.partition("FIGURES ")[2].partition("\n")[0])
    if (
        figures["refused"] > MOST_REFUSED * figures["requests"]
        or figures["connections"] > MOST_CONNECTIONS
        or figures["latest"] > LATEST_OUTCOME
    ):
        raise FailedError(f"200 triggers: {figures}")


def _check_no_token(home: Path) -> None:
    """Neither logs nor the database contain the token; connections are encrypted."""
    for path in home.rglob("*"):
        if path.is_file() and TOKEN.encode() in path.read_bytes():
            raise FailedError(f"the access token is in {path}")


@contextmanager
def _airflow(log: Path, *command: str | Path, env: Mapping[str, str]) -> Iterator[int]:
    """Run an Airflow command in the background, yield its process ID, and end it with all its children."""
    with started(log, *command, env=env, cwd=log.parent, stop=signal.SIGINT) as running:
        try:
            yield running.process.pid
        finally:
            children = _descendants(running.process.pid)
            running.process.send_signal(signal.SIGINT)
            with suppress(subprocess.TimeoutExpired):
                running.process.wait(20)
            for pid in children:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)


def _descendants(ancestor: int) -> list[int]:
    """Return the process IDs of children, grandchildren and so on."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
    found = [ancestor]
    for pid in found:  # it grows
        found += [child for child, parent in parents.items() if parent == pid]
    return found[1:]


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    except OSError:
        return ""


class _Component(msgspec.Struct):
    status: str | None


class _Health(msgspec.Struct):
    scheduler: _Component
    triggerer: _Component
    dag_processor: _Component


class _Dag(msgspec.Struct):
    dag_id: str


class _Instance(msgspec.Struct):
    task_id: str
    state: str | None


class _Instances(msgspec.Struct):
    task_instances: list[_Instance]


class _Field(msgspec.Struct):
    title: str | None = None
    hidden: bool = False


class _Form(msgspec.Struct):
    connection_type: str
    standard_fields: dict[str, _Field | None] | None


class _Transition(msgspec.Struct):
    to: str


class _Result(msgspec.Struct):
    elapsed_s: float
    transitions: list[_Transition]


class _XCom(msgspec.Struct):
    value: _Result


class _LogLine(msgspec.Struct):
    event: str = ""


def _get(api: str, path: str, kind: type[_Document]) -> _Document | None:
    """Return a document of Airflow's API; None if there is none yet."""
    try:
        token = _download(f"{api}/auth/token", {})
        access = {"Authorization": f"Bearer {json.loads(token)['access_token']}"}
        return msgspec.json.decode(_download(f"{api}{path}", access), type=kind)
    except OSError:
        return None


def _download(url: str, headers: Mapping[str, str]) -> bytes:
    request = urllib.request.Request(url, headers=dict(headers))  # noqa: S310 (loopback)
    with urllib.request.urlopen(request, timeout=10) as response:  # noqa: S310 (loopback)
        return bytes(response.read())


def _is_healthy(api: str) -> bool:
    health = _get(api, "/api/v2/monitor/health", _Health)
    if health is None:
        return False
    return {health.scheduler.status, health.triggerer.status, health.dag_processor.status} == {"healthy"}


def _final_states(api: str, path: str) -> dict[str, str | None] | None:
    """Return the states of all tasks of a DAG run; None while one of them is not final."""
    instances = _get(api, path, _Instances)
    if instances is None:
        return None
    states = {one.task_id: one.state for one in instances.task_instances}
    return states if set(states.values()) <= _FINAL_STATES else None


def _events(logs: Path) -> str:
    """Return the texts of a task's log, of all processes that wrote it."""
    lines = [line for path in sorted(logs.glob("*.log")) for line in path.read_bytes().splitlines()]
    return "\n".join(msgspec.json.decode(line, type=_LogLine).event for line in lines if line.endswith(b"}"))


def _output(*command: str | Path, env: Mapping[str, str], folder: Path) -> str:
    return succeed(*command, env=env, cwd=folder)


ENVIRONMENT: Final = Environment("airflow", (Program("airflow", "pip: .[airflow]"),), _run)
