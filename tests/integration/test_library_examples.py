"""The programs in `examples/library`, run against the simulator."""

from __future__ import annotations

import asyncio
import importlib.util
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import aiohttp
import pytest
from aiohttp import web

from tests.support.paths import EXAMPLES
from tests.support.processes import TOKEN
from tests.support.simulator_client import FROZEN

if TYPE_CHECKING:
    from types import ModuleType

    from tests.support.processes import Simulator, StartSimulator


def load(monkeypatch: pytest.MonkeyPatch, name: str, simulator: Simulator) -> ModuleType:
    """Import an example that uses a simulator."""
    monkeypatch.setenv("LD_ACCESS_TOKEN", TOKEN)
    monkeypatch.setenv("LD_BASE_URI", simulator.base_uri)
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / "library" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, name, module)
    spec.loader.exec_module(module)
    return module


def keys_of(url: str) -> str:
    """Return the target as four keys."""
    *_, project, environment, segment, _, import_id = url.split("/")
    return f"{project}/{environment}/{segment}/{import_id}"


def ask(service: ModuleType, *targets: str) -> list[tuple[int, dict[str, object]]]:
    """Send all requests at once, and return their statuses and bodies."""

    async def get(session: aiohttp.ClientSession, target: str) -> tuple[int, dict[str, object]]:
        async with session.get(f"/imports/{target}") as response:
            return response.status, await response.json()

    async def run() -> list[tuple[int, dict[str, object]]]:
        runner = web.AppRunner(service.service(), handler_cancellation=True)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        try:
            port = runner.addresses[0][1]
            async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:
                return await asyncio.gather(*(get(session, target) for target in targets))
        finally:
            await runner.cleanup()

    return asyncio.run(run())


def test_the_service_answers_when_an_import_is_final(
    monkeypatch: pytest.MonkeyPatch, start_simulator: StartSimulator
) -> None:
    """A complete import is 200; two requests for it share its polls."""
    simulator = start_simulator("happy", speed=100)
    service = load(monkeypatch, "gate_service", simulator)
    target = keys_of(simulator.create())
    for status, body in ask(service, target, target):
        assert status == 200
        assert body["outcome"] == body["status"] == "complete"


def test_the_service_explains_a_failure(
    monkeypatch: pytest.MonkeyPatch, start_simulator: StartSimulator
) -> None:
    """A stopped import is 409 with the message, and a wrong path 400."""
    simulator = start_simulator("stopped", speed=1000)
    service = load(monkeypatch, "gate_service", simulator)
    stopped, wrong = ask(service, keys_of(simulator.create()), "a/b")
    assert stopped[0] == 409
    assert "create a new one" in str(stopped[1]["message"])
    assert wrong[0] == 400
    assert "four parts" in str(wrong[1]["message"])


def test_the_service_gives_up_before_its_response_is_due(
    monkeypatch: pytest.MonkeyPatch, start_simulator: StartSimulator
) -> None:
    """A missing import is 409 and a silent server 503, although every request begins a new wait."""
    simulator = start_simulator("happy")
    service = load(monkeypatch, "gate_service", simulator)
    assert service.POLICY.appear_within < service.POLICY.outage_budget < service.LONGEST_RESPONSE
    monkeypatch.setattr(service, "POLICY", replace(service.POLICY, appear_within=0.1, outage_budget=0.2))
    assert ask(service, "default/production/big-spenders/1234")[0][0] == 409
    monkeypatch.setenv("LD_BASE_URI", "http://127.0.0.1:9")
    assert ask(service, "default/production/big-spenders/1234")[0][0] == 503


def test_the_service_answers_before_a_proxy_gives_up(
    monkeypatch: pytest.MonkeyPatch, start_simulator: StartSimulator
) -> None:
    """An import that is not final in time is 202."""
    simulator = start_simulator(speed=FROZEN)
    service = load(monkeypatch, "gate_service", simulator)
    monkeypatch.setattr(service, "LONGEST_RESPONSE", 0.2)
    assert ask(service, keys_of(simulator.create())) == [(202, {"outcome": None, "message": "not final yet"})]


@pytest.mark.parametrize(
    ("scenario", "succeeds", "runs"), [("happy", True, ["wait_for_import", "deploy"]), ("stopped", False, [])]
)
def test_the_dagster_job(
    monkeypatch: pytest.MonkeyPatch,
    start_simulator: StartSimulator,
    *,
    scenario: str,
    succeeds: bool,
    runs: list[str],
) -> None:
    """It deploys only after a complete import, and does not retry a stopped one."""
    pytest.importorskip("dagster", reason="Dagster is not installed")
    simulator = start_simulator(scenario, speed=1000)
    module = load(monkeypatch, "dagster_job", simulator)
    target = {"config": {"target": simulator.create()}}
    result = module.wait_and_deploy.execute_in_process(
        run_config={"ops": {"wait_for_import": target}}, raise_on_error=False
    )
    assert result.success is succeeds
    assert [event.step_key for event in result.filter_events(lambda one: one.is_step_success)] == runs
    assert not list(result.filter_events(lambda one: one.is_step_up_for_retry))
