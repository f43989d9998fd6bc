"""Docker Compose: the example with an engine that is started for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.environments.compose import use_this_machine
from tests.environments.containers import IMAGES, PROGRAMS, add_images, archive_of, running_podman
from tests.environments.support import (
    SEARCH_PATH,
    Environment,
    Program,
    SkippedError,
    copy_checkout,
    expect,
    expect_in,
    keys_of,
    program,
    run,
    simulator,
    started,
    succeed,
    wait_until,
)
from tests.support.processes import TOKEN, environment

# No bridge and no firewall rules: the containers use the network of this machine, or none.
_OPTIONS: Final = ("--storage-driver=vfs", "--bridge=none", "--iptables=false", "--ip-forward=false")
_WORKED: Final = "the import is complete"


@contextmanager
def _engine(folder: Path) -> Iterator[Mapping[str, str]]:
    """Run an engine with all its files in a folder, and yield the environment of its clients."""
    socket = f"unix://{folder}/docker.sock"
    places = (f"--data-root={folder}/data", f"--exec-root={folder}/exec", f"--pidfile={folder}/pid")
    variables = environment(PATH=SEARCH_PATH, DOCKER_HOST=socket)
    with started(folder / "dockerd.log", program("dockerd"), *places, *_OPTIONS, f"--host={socket}"):
        wait_until(lambda: run(program("docker"), "info", env=variables).code == 0, "start of the engine")
        yield variables


def _add_images(folder: Path, variables: Mapping[str, str]) -> None:
    with running_podman(folder) as podman:
        add_images(podman, folder)
    succeed(program("docker"), "load", "--quiet", "--input", archive_of(folder), env=variables)
    for image in IMAGES:
        succeed(program("docker"), "tag", image, image.removeprefix("localhost/"), env=variables)


def _run(folder: Path) -> None:
    docker = program("docker")
    if run(docker, "compose", "version").code != 0:
        raise SkippedError("docker compose is not installed")
    checkout = folder / "checkout"
    checkout.mkdir()
    example = copy_checkout(checkout) / "examples" / "compose"
    (example / "access-token").write_text(f"{TOKEN}\n")
    file, text = example / "compose.yaml", (example / "compose.yaml").read_text("utf-8")
    text = text.replace("    image: busybox", "    network_mode: none\n    image: busybox")
    with _engine(folder) as variables:
        _add_images(folder, variables)

        def compose(scenario: str, *arguments: str) -> tuple[int, bool]:
            """Return the exit code, and whether the work was done; check that the logs name the outcome."""
            with simulator(folder, scenario, "--speed", "2") as server:
                use_this_machine(file, text, server.base_uri)
                env = {**variables, "IMPORT": keys_of(server.create())}
                ended = run(docker, "compose", *arguments, cwd=example, env=env)
                logs = succeed(docker, "compose", "logs", "wait-for-import", cwd=example, env=env)
                succeed(docker, "compose", "down", cwd=example, env=env)
            expect_in(logs, "complete after" if scenario == "happy" else "stopped in LaunchDarkly")
            return ended.code, _WORKED in ended.output

        expect(compose("happy", "run", "--rm", "work"), (0, True), "a complete import")
        expect(compose("stopped", "run", "--rm", "work"), (1, False), "a stopped import")


ENVIRONMENT: Final = Environment(
    "docker",
    (*PROGRAMS, Program("dockerd", "apt: docker.io"), Program("docker", "apt: docker.io")),
    _run,
    root=True,
)
