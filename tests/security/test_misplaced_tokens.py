"""Guarantee: an access token is never echoed, wherever it was passed by mistake."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from watcher.cli.main import main
from watcher.cli.signals import Signals
from watcher.core.errors import UsageError
from watcher.core.policy import Policy
from watcher.library.watcher import Watcher

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

UUID = "0f2b6a1e-1111-2222-3333-0123456789ab"
FORMS = {
    "access token": f"api-{UUID}",
    "SDK key": f"sdk-{UUID}",
    "mobile key": f"mob-{UUID}",
    "capitals": f"API-{UUID.upper()}",
    "percent-encoded": f"api%2D{UUID.replace('-', '%2d')}",
    "token in use": "my-token-in-use-0123456789ab",
}
KEYS = "a/b/c/d"
PATH = "/api/v2/segments/a/b/c/imports/d"

ARGUMENTS = [
    "{}",
    " {} ",
    "a/b/c/{}",
    "a/b/c/x{}x",
    "{}/b/c/d",
    "x/{}",
    "/api/v2/segments/a/b/c/imports/{}",
    "https://app.launchdarkly.com/api/v2/segments/a/b/c/imports/{}",
    "https://app.launchdarkly.com" + PATH + "?token={}",
    "https://{}@app.launchdarkly.com" + PATH,
    "https://{}.example" + PATH,
    "https://app.launchdarkly.com/projects/{}/segments/x",
    "Authorization: {}",
    KEYS + " --timeout {}",
    KEYS + " --timeout={}",
    KEYS + " -t {}",
    KEYS + " --until {}",
    KEYS + " --exit-code {}=1",
    KEYS + " --max-in-state {}=1h",
    KEYS + " --listen {}:99999",
    KEYS + " --listen {}",
    KEYS + " --growth {}",
    KEYS + " --token {}",
    KEYS + " --token={}",
    KEYS + " --tokn={}",
    KEYS + " --{}",
    KEYS + " --bogus {}",
    KEYS + " -{}",
    KEYS + " {}",
    KEYS + " --base-uri {}",
    KEYS + " --base-uri https://{}@gateway.example",
    KEYS + " --base-uri https://user:{}@gateway.example",
    KEYS + " --base-uri https://gateway.example/{}",
    KEYS + " --base-uri ftp://{}",
    KEYS + " --ca-file /nowhere/{}",
    KEYS + " --state-file /nowhere/{}/x",
    KEYS + " --dotenv /nowhere/{} --timeout x",
    KEYS + " --token-file {}",
    KEYS + " --token-file /nowhere/{}/x",
    KEYS + " --project {}",
    "--project {} --environment b --segment c --import-id d",
    "@{}",
    "@/nowhere/{}",
    "--demo={}",
    "--demo {}",
    KEYS + " -- {}",
    KEYS + " -- /nowhere/{}",
]
VARIABLES = [
    "WATCHER_TIMEOUT={}",
    "WATCHER_FAIL_ON=ready,{}",
    "WATCHER_ONCE={}",
    "WATCHER_LISTEN={}",
    "WATCHER_DEMO={}",
    "WATCHER_CI={}",
    "LD_BASE_URI={}",
    "LD_BASE_URI=https://u:{}@gateway.example",
    "LAUNCHDARKLY_API_HOST={}/",
    "LD_PROJECT={}",
    "HTTPS_PROXY=socks5://u:{}@proxy.example",
    "HTTPS_PROXY={}://x",
    "https_proxy=http://u:{}@proxy.example:99999",
    "SSL_CERT_FILE=/nowhere/{}",
]
LISTS = [
    "{}\n",
    KEYS + "\n" + KEYS + " # {}\n",
    "Authorization: {}\n",
    "Location: https://x.example/?key={}\n",
    "*   Trying 127.0.0.1:443...\n> POST /api/v2 HTTP/2\n> authorization: {}\n< HTTP/2 204\n",
    'curl -H "Authorization: {}"\n',
    '{{"token": "{}"}}',
    "HTTP/1.1 401 {}\r\n\r\n",
    "HTTP/1.1 204 OK\r\nLocation: /{}\r\n\r\n",
    "HTTP/1.1 204 OK\r\nLocation: /api/v2/segments/a/b/c/imports/{}\r\n\r\n",
]


@pytest.fixture(params=list(FORMS))
def token(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return a token in one of its forms, and use the last one."""
    for name in ("GITHUB_ACTIONS", "GITLAB_CI", "CI", "LD_BASE_URI", "HTTPS_PROXY", "https_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LD_ACCESS_TOKEN", FORMS["token in use"])
    return FORMS[str(request.param)]


def output_of(arguments: list[str], folder: Path, capfd: pytest.CaptureFixture[str]) -> str:
    """Run the command with all outputs, and return everything that it wrote."""
    status = folder / "status"
    options = ["--output=json", f"--status-file={status}"]
    assert main([*options, *arguments], Signals()) in {2, 126, 127}
    out, err = capfd.readouterr()
    assert "Traceback" not in err
    text = f"{out}{err}{status.read_text('utf-8')}"
    assert '"outcome":"usage"' in text
    return text


def check(text: str) -> None:
    """Check that nothing of the token was written."""
    assert "0123456789ab" not in text.lower()
    assert "1111" not in text


@pytest.mark.parametrize("arguments", ARGUMENTS)
def test_on_the_command_line(
    arguments: str, token: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """A token as a target, a value, an option, a path or a command is not repeated."""
    given = [word.format(token) for word in arguments.split(" ")] if arguments.strip() != "{}" else [token]
    check(output_of(given, tmp_path, capfd))


@pytest.mark.parametrize("variable", VARIABLES)
def test_in_the_environment(
    variable: str,
    token: str,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A token in a variable of an option, of the host or of the proxy is not repeated."""
    name, _, value = variable.partition("=")
    monkeypatch.setenv(name, value.format(token))
    check(output_of([f"{KEYS}/e", "--listen=x"], tmp_path, capfd))


@pytest.mark.parametrize("content", LISTS)
def test_in_a_list(content: str, token: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """A token in a list of targets, in headers or in pasted output of curl is not repeated."""
    (tmp_path / "list").write_text(content.format(token))
    check(output_of([f"@{tmp_path / 'list'}"], tmp_path, capfd))


@pytest.mark.parametrize("name", ["request_timeout", "timeout", "growth", "once"])
@pytest.mark.parametrize("form", ["access token", "SDK key", "capitals"])
def test_in_an_argument_of_the_library(name: str, form: str) -> None:
    """A token in place of a number or a switch is not repeated."""
    make: Callable[..., object] = Policy
    arguments: dict[str, object] = {name: FORMS[form]}
    if name == "request_timeout":
        make, arguments = Watcher, arguments | {"token": "x"}
    with pytest.raises((UsageError, ValueError)) as caught:
        make(**arguments)
    check(str(caught.value))
