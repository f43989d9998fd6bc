"""Compose: the example with podman-compose, as its README says for Podman."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from tests.environments.containers import PROGRAMS, Podman, add_images, create_import, running_podman
from tests.environments.support import (
    Ended,
    Environment,
    Program,
    copy_checkout,
    expect,
    expect_in,
    program,
    run,
    simulator,
)
from tests.support.processes import TOKEN


def _compose(podman: Podman, folder: Path, target: str, *arguments: str) -> Ended:
    env = podman.environment() | {"IMPORT": target}
    # `nsenter` runs podman-compose, and so its podman, in the network of the simulator.
    prefix = [*podman.inside("--net"), f"--wd={folder}", program("podman-compose"), "--in-pod=false"]
    return run(*prefix, *arguments, env=env)


def _run(folder: Path) -> None:
    checkout = folder / "checkout"
    checkout.mkdir()
    example = copy_checkout(checkout) / "examples" / "compose"
    (example / "access-token").write_text(f"{TOKEN}\n")
    (example / "access-token").chmod(0o644)
    with running_podman(folder) as podman:
        add_images(podman, folder)
        for scenario, code in (("happy", 0), ("stopped", 3)):
            with simulator(folder, scenario, "--speed", "2", prefix=podman.inside("--net")) as server:
                target = create_import(podman, server.base_uri)
                file = example / "compose.yaml"
                text = (checkout / "examples" / "compose" / "compose.yaml").read_text("utf-8")
                use_this_machine(file, text, server.base_uri)
                ended = _compose(podman, example, target, "run", "--rm", "wait-for-import")
                file.write_text(text, "utf-8")
            expect(ended.code, code, f"exit code of the wait in\n{ended.output}")
        worked = _compose(podman, example, target, "run", "--rm", "--no-deps", "work")
        expect(worked.code, 0, f"exit code of the work in\n{worked.output}")
        expect_in(worked.output, "the import is complete")


def use_this_machine(file: Path, text: str, base_uri: str) -> None:
    """Let the services use the network of the simulator and its address."""
    variables = "    environment:\n"
    expect(text.count(variables), 1, "services with variables")
    settings = f"    network_mode: host\n{variables}      LD_BASE_URI: {base_uri}\n"
    file.write_text(text.replace(variables, settings), "utf-8")


ENVIRONMENT: Final = Environment(
    "compose", (*PROGRAMS, Program("podman-compose", "pip: podman-compose")), _run, root=True
)
