"""The command line: ``python -m watcher.simulator``."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager, suppress
from typing import Final

import click

from watcher.simulator import SCENARIOS, Limit, serve

_NAME: Final = "python -m watcher.simulator"
_COUNT: Final = re.compile(r"0*[1-9]\d{0,8}", re.ASCII).fullmatch


def _read_limits(text: str) -> dict[Limit, int]:
    """Read the value of `--rate-limit`."""
    items = [item.partition("=") for item in (text if "=" in text else f"account={text}").split(",")]
    names = [name for name, _, _ in items]
    if not set(names) <= set(Limit) or len(set(names)) < len(names) or not all(_COUNT(n) for *_, n in items):
        raise click.BadParameter(
            f"{text!r} is neither a number from 1 nor a list such as route=5,token=1000,account=60"
        )
    return {Limit(name): int(number) for name, _, number in items}


def _log(line: str) -> None:
    with suppress(OSError):  # a closed standard error does not stop the simulator
        click.echo(line, err=True)


@click.command(context_settings={"show_default": True})
@click.option(
    "--port", default=0, type=click.IntRange(0, 65535), help="Port to listen on; 0 is any free one."
)
@click.option(
    "--scenario", default="happy", type=click.Choice(tuple(SCENARIOS)), help="Life of every import."
)
@click.option(
    "--speed",
    default=1.0,
    type=click.FloatRange(min=0, min_open=True),
    help="How many times faster than real time imports progress.",
)
@click.option(
    "--rate-limit",
    type=_read_limits,
    metavar="N|NAME=N,…",
    help="Requests allowed in ten seconds: N by the account, or limits by name, such as "
    "route=5,token=1000,account=60. [default: no limit]",
)
@click.option("-v", "--verbose", is_flag=True, help="Log each request to standard error.")
@click.pass_context
def _command(
    context: click.Context,
    *,
    port: int,
    scenario: str,
    speed: float,
    rate_limit: Mapping[Limit, int] | None,
    verbose: bool,
) -> None:
    """Serve LaunchDarkly's import API of big segments on loopback, until SIGINT or SIGTERM.

    It accepts the access token in LD_ACCESS_TOKEN, or any token if that is unset or empty.
    """
    token = os.environ.get("LD_ACCESS_TOKEN", "").strip() or None
    log = _log if verbose else None
    server = serve(port=port, scenario=scenario, speed=speed, rate_limit=rate_limit, token=token, log=log)
    try:
        context.exit(128 + asyncio.run(_run_until_signal(server)))
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise click.UsageError(
            f"cannot listen on 127.0.0.1:{port}: {reason}; use --port 0 for any free port"
        ) from None


async def _run_until_signal(server: AbstractAsyncContextManager[str]) -> int:
    received: asyncio.Queue[int] = asyncio.Queue()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, received.put_nowait, number)
    async with server as base_uri:
        click.echo(f"listening on {base_uri}")
        return await received.get()


def main() -> int:
    """Run the command line, and return its exit code: 130 or 143 after a signal, 2 for bad options."""
    try:
        code: object = _command.main(prog_name=_NAME, standalone_mode=False)
    except click.ClickException as error:
        click.echo(f"{_NAME}: {error.format_message()}", err=True)
        return error.exit_code
    return code if isinstance(code, int) else 0


if __name__ == "__main__":
    sys.exit(main())
