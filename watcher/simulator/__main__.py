"""The command line: ``python -m watcher.simulator``."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from typing import Final

import click

from watcher.simulator import SCENARIOS, serve

_USAGE_ERROR: Final = 2


@click.command(context_settings={"show_default": True})
@click.option("--port", default=0, type=click.IntRange(0, 65535), help="The port; 0 takes any free one.")
@click.option(
    "--scenario",
    default="happy",
    type=click.Choice(tuple(SCENARIOS)),
    help="What every import lives through.",
)
@click.option("--speed", default=1.0, help="How many times faster than real time the scenario goes.")
@click.option(
    "--rate-limit",
    type=click.IntRange(min=1),
    help="How many requests pass in ten seconds. [default: no limit]",
)
@click.pass_context
def _command(
    context: click.Context, *, port: int, scenario: str, speed: float, rate_limit: int | None
) -> None:
    """Serve LaunchDarkly's import API of big segments on loopback, until SIGINT or SIGTERM.

    It accepts the access token in LD_ACCESS_TOKEN, and any token when that is unset or empty.
    """
    token = os.environ.get("LD_ACCESS_TOKEN", "").strip() or None
    try:
        signal_number = asyncio.run(_serve_until_signal(port, scenario, speed, rate_limit, token))
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise click.UsageError(
            f"cannot listen on 127.0.0.1:{port}: {reason}; --port 0 takes a free one"
        ) from None
    context.exit(128 + signal_number)


async def _serve_until_signal(
    port: int, scenario: str, speed: float, rate_limit: int | None, token: str | None
) -> int:
    loop = asyncio.get_running_loop()
    received: asyncio.Future[int] = loop.create_future()

    def receive(number: int) -> None:
        if not received.done():
            received.set_result(number)

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, receive, number)
    async with serve(
        port=port, scenario=scenario, speed=speed, rate_limit=rate_limit, token=token
    ) as base_uri:
        click.echo(f"listening on {base_uri}")
        return await received


def main() -> int:
    """Runs the command line.

    Returns:
        The exit code: 130 or 143 after a signal, 2 for options that cannot be served.
    """
    try:
        result: object = _command.main(prog_name="python -m watcher.simulator", standalone_mode=False)
    except click.ClickException as error:
        click.echo(f"python -m watcher.simulator: {error.format_message()}", err=True)
        return _USAGE_ERROR
    except click.Abort:
        return 128 + signal.SIGINT
    return result if isinstance(result, int) else 0


if __name__ == "__main__":
    sys.exit(main())
