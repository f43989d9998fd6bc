"""``python -m watcher``, and the console script."""

import gc
import os
import sys

TYPE_CHECKING = False  # importing typing would delay the handlers of signals
if TYPE_CHECKING:
    from collections.abc import Sequence


def run() -> None:
    """Run the command and end the process with its exit code."""
    if problem := problem_with(sys.platform):
        sys.stderr.write(f"watcher: {problem}\n")
        raise SystemExit(2)
    from watcher.cli.signals import Signals  # noqa: PLC0415 (it fails on other platforms)

    signals = Signals()
    signals.on_exit = _report_early_signal
    signals.install()
    gc.disable()  # collecting during the imports takes a seventh of the start and finds nothing
    from watcher.cli.main import main  # noqa: PLC0415 (the imports take long enough to be interrupted)

    code = main(sys.argv[1:], signals)
    signals.stop_timer()
    gc.freeze()  # or the exit examines every object, which takes a tenth of a short run
    threading = sys.modules.get("threading")
    if threading is not None and threading.active_count() > 1:
        # A name lookup or a read that hangs cannot be cancelled, and would keep the process alive.
        os._exit(code)
    raise SystemExit(code)


def problem_with(platform: str) -> str | None:
    """Return why the command cannot run on a platform, named as in ``sys.platform``, that is not POSIX."""
    if platform in {"win32", "emscripten", "wasi"}:
        name = "Windows" if platform == "win32" else f"the platform {platform}"
        return f"{name} is not supported. Use Linux or macOS, on Windows in WSL or a container."
    return None


def without_working_directory(path: "Sequence[str]", package: str) -> list[str]:
    """Return a module search path without the working directory, which ``python -m`` puts first.

    A file such as ``msgspec.py`` there would run in place of the installed package, with the access token.
    The directory stays if it contains ``package``, the path of this package's folder, as in a checkout.
    """
    first, *others = path
    home = os.path.dirname(package)  # noqa: PTH120 (pathlib is slow to import)
    try:
        is_home = os.path.realpath(first) == os.path.realpath(home)
    except OSError:  # the working directory was deleted
        is_home = False
    return [first, *others] if is_home else others


def _report_early_signal() -> None:
    """Report a signal if the reports are not ready in time; standard error may be read as JSON lines."""
    arguments = " ".join(sys.argv).replace("=", " ")
    if os.environ.get("WATCHER_LOG_FORMAT") != "json" and "--log-format json" not in arguments:
        os.write(2, b"watcher: interrupted before the watch began\n")


if __name__ == "__main__":
    if not sys.flags.safe_path:
        sys.path[:] = without_working_directory(sys.path, os.path.dirname(__file__))  # noqa: PTH120 (likewise)
    run()
