"""The command line: ``python -m watcher.simulator``."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from contextlib import AbstractAsyncContextManager
from typing import Final

import click

from watcher.simulator import SCENARIOS, serve

_NAME: Final = "python -m watcher.simulator"


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
    "--rate-limit", type=click.IntRange(min=1), help="Requests allowed in ten seconds. [default: no limit]"
)
@click.pass_context
def _command(
    context: click.Context, *, port: int, scenario: str, speed: float, rate_limit: int | None
) -> None:
    """Serve LaunchDarkly's import API of big segments on loopback, until SIGINT or SIGTERM.

    It accepts the access token in LD_ACCESS_TOKEN, or any token if that is unset or empty.
    """
    token = os.environ.get("LD_ACCESS_TOKEN", "").strip() or None
    server = serve(port=port, scenario=scenario, speed=speed, rate_limit=rate_limit, token=token)
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
