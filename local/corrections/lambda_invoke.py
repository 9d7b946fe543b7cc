"""Lambda: the response and the log of a failed invocation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ministack.core import lambda_runtime
from ministack.services import lambda_svc

from corrections.support import replace_constant_text, replace_text, wrap_function

END_OF_LOG = "<end of the log of this invocation>"


def apply() -> None:
    answer_with_the_error()
    answer_with_the_error_of_the_start()
    answer_with_the_error_of_python()
    keep_the_process_after_an_error()
    name_the_end_of_a_process()
    keep_the_log_whole()


def answer_with_the_error() -> None:
    """lambda/latest/dg/nodejs-exceptions: the response has the error's name as errorType, its message and its trace, and
    the log has the error with all its properties.

    MiniStack returns `Runtime.HandlerError` for every error, so no Retry or Catch by name can match.
    """
    replace_constant_text(
        lambda_runtime,
        "_NODEJS_WORKER_SCRIPT",
        "let handlerFn = null;\n",
        r"""
function _report(error, requestId, what = "Invoke Error") {
  const isError = error instanceof Error;
  const payload = isError
    ? { errorType: error.name, errorMessage: error.message, trace: String(error.stack).split("\n") }
    : { errorType: typeof error, errorMessage: String(error), trace: [] };
  let logged;
  try {
    const { errorType, errorMessage, trace } = payload;
    logged = JSON.stringify(isError ? { errorType, errorMessage, ...error, stack: trace } : error);
  } catch {
    logged = JSON.stringify(payload); // it refers to itself
  }
  _stderrWrite(`${new Date().toISOString()}\t${requestId}\tERROR\t${what} \t${logged}\n`);
  const answer = { status: "error", error: payload.errorMessage, trace: "", error_payload: payload };
  _realStdoutWrite(JSON.stringify(answer) + "\n");
}

let handlerFn = null;
""",
    )
    for old, error in (
        (
            """          _realStdoutWrite(JSON.stringify({
            status: "error", error: String(err.message || err), trace: err.stack || ""
          }) + "\\n");
""",
            "err",
        ),
        (
            """      _realStdoutWrite(JSON.stringify({
        status: "error", error: e.message, trace: e.stack
      }) + "\\n");
""",
            "e",
        ),
    ):
        replace_constant_text(
            lambda_runtime, "_NODEJS_WORKER_SCRIPT", old, f"_report({error}, context.awsRequestId);\n"
        )
    replace_text(
        lambda_svc,
        "_execute_function_warm",
        """                "body": {
                    "errorMessage": error_msg,
                    "errorType": error_type,
                },
""",
        """                "body": result.get("error_payload", {"errorMessage": error_msg, "errorType": error_type}),
""",
    )


def answer_with_the_error_of_the_start() -> None:
    """lambda/latest/dg/lambda-runtime-environment: an error while a module is loaded is returned and logged like an
    error of the handler.

    MiniStack returns `RuntimeError` and drops the log.
    """
    replace_constant_text(
        lambda_runtime,
        "_NODEJS_WORKER_SCRIPT",
        """        _realStdoutWrite(JSON.stringify({
          status: "error", error: e.message
        }) + "\\n");
""",
        '        _report(e, undefined, "Uncaught Exception");\n',
    )
    lambda_runtime.StartFailed = StartFailed
    replace_text(
        lambda_runtime,
        "Worker._spawn",
        """raise RuntimeError(f"Worker init failed: {response.get('error')}")""",
        "raise StartFailed(self, response)",
    )
    replace_text(
        lambda_svc,
        "_execute_function_warm",
        """            "body": {"errorMessage": str(e), "errorType": type(e).__name__},
            "error": True,
            "log": "",
""",
        """            "body": getattr(e, "payload", {"errorMessage": str(e), "errorType": type(e).__name__}),
            "error": True,
            "log": getattr(e, "log", ""),
""",
    )


def answer_with_the_error_of_python() -> None:
    """lambda/latest/dg/python-exceptions: the same for Python, with the names of its fields.

    Recorded: lambda_ test_uncaught_exception_invoke, test_lambda_handler_error, test_lambda_runtime_error.
    """
    payload = (
        '{"errorMessage": str(e), "errorType": type(e).__name__, "requestId": _ms_ctx.get("request_id", ""), '
        '"stackTrace": traceback.format_tb(e.__traceback__)}'
    )
    replace_constant_text(
        lambda_runtime,
        "_PYTHON_WORKER_SCRIPT",
        '"error": str(e), "trace": traceback.format_exc()}',
        f'"error": str(e), "trace": traceback.format_exc(), "error_payload": {payload}}}',
    )
    at_start = payload.replace('_ms_ctx.get("request_id", "")', '""')
    replace_constant_text(
        lambda_runtime, "_PYTHON_WORKER_SCRIPT", '"error": str(e)}', f'"error": str(e), "error_payload": {at_start}}}'
    )


class StartFailed(RuntimeError):
    """The module of a function could not be loaded."""

    def __init__(self, worker: Any, answer: dict[str, Any]) -> None:
        super().__init__(answer["error"])
        self.payload = answer.get("error_payload", {"errorMessage": answer["error"], "errorType": "RuntimeError"})
        worker._proc.terminate()
        self.log = read_log(worker)


def keep_the_process_after_an_error() -> None:
    """lambda/latest/dg/lambda-runtime-environment: an error of the handler does not end its execution environment.

    MiniStack kills the process after each error, so the next invocation is a cold start.
    """
    replace_text(
        lambda_runtime,
        "Worker.invoke",
        'if response.get("status") == "error":',
        'if response.get("status") == "error" and "error_payload" not in response:',
    )


def name_the_end_of_a_process() -> None:
    """lambda/latest/dg/troubleshooting-invocation: a runtime that exits is `Runtime.ExitError`.

    MiniStack returns `Runtime.HandlerError`.
    """
    replace_text(
        lambda_svc,
        "_execute_function_warm",
        'error_type = "Runtime.HandlerError"\n',
        'error_type = "Runtime.ExitError" if error_msg == "Worker process died" else "Runtime.HandlerError"\n',
    )


def keep_the_log_whole() -> None:
    """lambda/latest/dg/nodejs-logging: the log group contains every line of a function, in order.

    MiniStack waits for lines by time: late ones appear in the next invocation's log, and an invocation without output
    costs 50 ms. It also splits lines at other characters than a newline, for example at U+2028.
    """
    replace_constant_text(
        lambda_runtime,
        "_NODEJS_WORKER_SCRIPT",
        "const _realStdoutWrite = process.stdout.write.bind(process.stdout);\n",
        "const _answer = process.stdout.write.bind(process.stdout);\n"
        "const _realStdoutWrite = (line) => {\n"
        f'  if (lineNum > 1) _stderrWrite("{END_OF_LOG}\\n"); // line 1 starts the process, the others invoke\n'
        "  _answer(line);\n"
        "};\n",
    )
    replace_constant_text(
        lambda_runtime,
        "_PYTHON_WORKER_SCRIPT",
        "        _real_stdout.flush()\n\nrun()\n",
        f'        print("{END_OF_LOG}", file=sys.stderr, flush=True)\n        _real_stdout.flush()\n\nrun()\n',
    )
    replace_text(
        lambda_runtime,
        "Worker._spawn",
        "text=True,",
        'text=True,\n            encoding="utf-8",\n            errors="replace",',
    )
    wrap_function(lambda_runtime, "Worker._read_stderr", collect_log)
    lambda_runtime.read_log = read_log
    replace_text(lambda_runtime, "Worker.invoke", "self._drain_stderr_bounded()", "read_log(self)")
    replace_text(lambda_runtime, "Worker.invoke", "self._drain_stderr()", "read_log(self)")
    replace_text(
        lambda_svc,
        "_emit_lambda_logs",
        "*(log_text.splitlines() if log_text else [])",
        '*(log_text.split("\\n") if log_text else [])',
    )


def collect_log(_original: Callable[..., None], worker: Any) -> None:
    """Queues the output of the process line by line; None ends the log of an invocation, also when the process ends."""
    lines = worker._stderr_queue
    for line in worker._proc.stderr:
        text, end, _ = line.rstrip("\n").partition(END_OF_LOG)
        if text or not end:
            lines.put(text)
        if end:
            lines.put(None)
    lines.put(None)


def read_log(worker: Any) -> str:
    """The log of the invocation that has just returned or whose process was just stopped."""
    return "\n".join(iter(worker._stderr_queue.get, None))
