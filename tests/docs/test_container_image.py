"""The container image: pinned dependencies, build context, labels and entry point."""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path

import msgspec
import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.support.paths import EXAMPLES, ROOT
from watcher.cli.parse import parse
from watcher.version import __version__

DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")


class _Project(msgspec.Struct):
    description: str
    license: str
    dependencies: list[str]


class _BuildSystem(msgspec.Struct):
    requires: list[str]


class _Pyproject(msgspec.Struct, rename="kebab"):
    project: _Project
    build_system: _BuildSystem


class _Dependency(msgspec.Struct):
    condition: str


class _Service(msgspec.Struct):
    image: str
    command: list[str]
    depends_on: dict[str, _Dependency] = {}
    secrets: list[str] = []


class _Compose(msgspec.Struct):
    services: dict[str, _Service]
    secrets: dict[str, dict[str, str]]


PYPROJECT = msgspec.convert(tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8")), _Pyproject)


def pins_of(name: str) -> dict[str, tuple[Requirement, list[str]]]:
    """Return each requirement of a file by its name, with its hashes."""
    pins: dict[str, tuple[Requirement, list[str]]] = {}
    text = (ROOT / name).read_text("utf-8").replace("\\\n", " ")
    for line in text.splitlines():
        if not line.lstrip().startswith("#"):
            requirement, *hashes = re.split(r"\s+--hash=", line.strip())
            parsed = Requirement(requirement)
            pins[canonicalize_name(parsed.name)] = (parsed, hashes)
    return pins


@pytest.mark.parametrize(
    ("name", "asked_for"),
    [
        ("requirements.txt", PYPROJECT.project.dependencies),
        (".ci/requirements-build.txt", PYPROJECT.build_system.requires),
    ],
)
def test_the_pins_match_the_dependencies(name: str, asked_for: list[str]) -> None:
    """Each dependency of the project is pinned to a version in its range."""
    pins = pins_of(name)
    for asked in map(Requirement, asked_for):
        pinned, _ = pins[canonicalize_name(asked.name)]
        (specifier,) = pinned.specifier
        assert asked.specifier.contains(specifier.version), f"{name} is stale: {asked}"


@pytest.mark.parametrize("name", ["requirements.txt", ".ci/requirements-build.txt"])
def test_all_pins_have_hashes_and_no_host(name: str) -> None:
    """Every line has one exact version and SHA-256 hashes, and none names an index or a URL."""
    for pinned, hashes in pins_of(name).values():
        (specifier,) = pinned.specifier
        assert specifier.operator == "=="
        assert pinned.url is None
        assert hashes
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", one) for one in hashes)
    text = (ROOT / name).read_text("utf-8")
    assert "://" not in text
    assert "index" not in text
    assert "uv pip compile --universal --python-version 3.11 --generate-hashes " in text


def test_the_labels_are_those_of_the_package() -> None:
    """The image has the package's version, description and licence."""
    labels = dict(re.findall(r'org\.opencontainers\.image\.(\w+)="([^"]+)"', DOCKERFILE))
    assert labels["version"] == __version__
    assert labels["description"] == PYPROJECT.project.description
    assert labels["licenses"] == PYPROJECT.project.license


def test_the_version_in_the_commands_is_current() -> None:
    """The commands in the Dockerfile's first comment use this version."""
    assert set(re.findall(r"watcher:(\d[\w.]*)", DOCKERFILE)) == {__version__}


def test_the_context_is_an_allow_list_of_existing_files() -> None:
    """Only listed files, which exist, are in the build context, so no secret gets into it."""
    rules = [
        line
        for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines()
        if line and not line.startswith("#")
    ]
    assert rules[0] == "*"
    allowed = {rule.removeprefix("!") for rule in rules if rule.startswith("!")}
    assert all((ROOT / name).exists() for name in allowed)
    assert {"pyproject.toml", "README.md", "LICENSE", "watcher"} <= allowed


def test_a_service_waits_for_the_import(monkeypatch: pytest.MonkeyPatch) -> None:
    """The Compose example's arguments are valid, and its work starts only after exit code 0."""
    for name in ("WATCHER_TOKEN_FILE", "WATCHER_TIMEOUT", "WATCHER_LOG_FORMAT"):
        monkeypatch.delenv(name, raising=False)
    text = (EXAMPLES / "compose" / "compose.yaml").read_text("utf-8")
    compose = msgspec.convert(yaml.safe_load(text), _Compose)
    gate, work = compose.services["wait-for-import"], compose.services["work"]
    parsed = parse(gate.command)
    assert parsed is not None
    assert parsed.error is None
    assert len(parsed.settings.targets) == 1
    assert parsed.settings.token_file == Path("/run/secrets") / gate.secrets[0]
    assert gate.secrets == list(compose.secrets)
    assert gate.image == f"watcher:{__version__}"
    assert work.depends_on["wait-for-import"].condition == "service_completed_successfully"


def test_the_entry_point_is_the_program() -> None:
    """The image starts the program as process 1, under a numeric user that is not root."""
    instructions = dict(line.split(" ", 1) for line in DOCKERFILE.splitlines() if re.match(r"[A-Z]+ ", line))
    assert shlex.split(instructions["ENTRYPOINT"].strip("[]").replace(",", " ")) == [
        "python",
        "-m",
        "watcher",
    ]
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", instructions["USER"])
