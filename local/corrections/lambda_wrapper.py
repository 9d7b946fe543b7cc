"""Lambda: wrapper scripts, and the modes of the files in a package."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import Any, TextIO

from ministack.core import lambda_runtime
from ministack.services import lambda_svc

from corrections.lambda_invoke import StartFailed
from corrections.support import replace_text

TASK_ROOT = "/var/task"
LAYERS_ROOT = "/opt"


def apply() -> None:
    keep_the_modes_of_files()
    start_by_the_wrapper()
    name_the_end_at_the_start()


def keep_the_modes_of_files() -> None:
    """lambda/latest/dg/nodejs-package: a file of a package has the permissions that the archive contains. MiniStack
    extracts files without them, so a script or a binary cannot be executed."""
    lambda_runtime._extract = lambda_svc._extract_zip_preserving_mode
    for archive, directory in (("zf", "code_dir"), ("lzf", "layer_dir")):
        replace_text(
            lambda_runtime, "Worker._spawn", f" {archive}.extractall({directory})", f" _extract({archive}, {directory})"
        )


def start_by_the_wrapper() -> None:
    """lambda/latest/dg/runtimes-modify (wrapper scripts): Lambda starts the runtime by the script in the function's
    variable AWS_LAMBDA_EXEC_WRAPPER, which receives the command as its arguments. MiniStack ignores the variable.

    Recorded: lambda_ test_runtime_wrapper_invoke.
    """
    lambda_runtime._wrapped = wrapped
    replace_text(
        lambda_runtime,
        "Worker._spawn",
        "            [binary, worker_path],\n",
        "            _wrapped([binary, worker_path], env_vars, code_dir, layers_dirs),\n",
    )


def wrapped(command: list[str], variables: dict[str, str], code: str, layers: list[str]) -> list[str]:
    """The command that starts a runtime. Its end is that of the wrapper, also if there is no such file (status 127)."""
    wrapper = variables.get("AWS_LAMBDA_EXEC_WRAPPER")
    if not wrapper:
        return command
    return ["/bin/sh", "-c", 'exec "$0" "$@"', local_path(wrapper, code, layers), *command]


def local_path(path: str, code: str, layers: list[str]) -> str:
    """The local path of a file of the package or of a layer; of the last layer that contains it."""
    for root, directories in ((TASK_ROOT, [code]), (LAYERS_ROOT, layers[::-1])):
        if path.startswith(f"{root}/"):
            candidates = [directory + path.removeprefix(root) for directory in directories]
            return next((candidate for candidate in candidates if os.path.exists(candidate)), path)
    return path


def name_the_end_at_the_start() -> None:
    """lambda/latest/dg/troubleshooting-invocation: a runtime that exits before it is ready is `Runtime.ExitError`. MiniStack
    returns `RuntimeError`.

    Recorded: lambda_ test_lambda_runtime_wrapper_not_found.
    """
    lambda_runtime._send_line = send_line
    replace_text(
        lambda_runtime,
        "Worker._spawn",
        """\
        self._proc.stdin.write(json.dumps(init) + "\\n")
        self._proc.stdin.flush()
""",
        "        _send_line(self._proc.stdin, json.dumps(init))\n",
    )
    lambda_runtime._exited = exited
    replace_text(lambda_runtime, "Worker._spawn", "stderr_out = self._proc.stderr.read(4096)", "pass")
    replace_text(
        lambda_runtime,
        "Worker._spawn",
        'raise RuntimeError(f"Worker process exited immediately. stderr: {stderr_out}")',
        "raise _exited(self)",
    )


def send_line(stream: TextIO, line: str) -> None:
    """A process that has exited has no response, which the caller reports."""
    with suppress(BrokenPipeError):
        stream.write(f"{line}\n")
        stream.flush()


def exited(worker: Any) -> StartFailed:
    status = worker._proc.wait()
    message = f"Runtime exited with error: exit status {status}" if status > 0 else "Runtime exited without providing a reason"
    error = {"errorType": "Runtime.ExitError", "errorMessage": f"Error: {message}"}
    return StartFailed(worker, {"error": message, "error_payload": error})
