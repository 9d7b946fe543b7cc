"""Lambda: the end of the log in the response."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any

from ministack.core import lambda_runtime
from ministack.services import lambda_svc

from corrections.support import replace_text, wrap_function

Fields = dict[str, Any]


def apply() -> None:
    """lambda/latest/api/API_Invoke (LogType): with `Tail` the response has the last 4 KB of the log, with the lines of
    Lambda itself. MiniStack returns only those of the function, and none if it wrote none.

    Recorded: lambda_ test_invocation_with_logs.
    """
    wrap_function(lambda_runtime, "Worker._spawn", measure_start)
    replace_text(
        lambda_svc,
        "_execute_function_warm",
        '"log": result.get("log", "")}',
        '"log": result.get("log", ""), "init": worker._init if result["cold_start"] else None}',
    )
    wrap_function(lambda_svc, "_execute_function_dispatch", keep_tail)
    replace_text(lambda_svc, "_invoke", 'log_output = result.get("log", "")', 'log_output = result.get("tail", "")')


def measure_start(original: Callable[[Any], None], worker: Any) -> None:
    started = time.time()
    original(worker)
    worker._init = (time.time() - started) * 1000


def keep_tail(
    original: Callable[..., Fields], function: Fields, config: Fields, event: Any, request_id: str, started: float
) -> Fields:
    result = original(function, config, event, request_id, started)
    init = result.get("init")
    milliseconds = (time.time() - started) * 1000 - (init or 0)
    memory = lambda_svc._probe_peak_memory_mb(function)
    report = "\t".join(
        [
            f"REPORT RequestId: {request_id}",
            f"Duration: {milliseconds:.2f} ms",
            f"Billed Duration: {math.ceil(milliseconds)} ms",
            f"Memory Size: {config.get('MemorySize', 128)} MB",
            f"Max Memory Used: {memory} MB",
            *([f"Init Duration: {init:.2f} ms"] if init else []),
            "\n",
        ]
    )
    log = result.get("log", "")
    result["tail"] = "".join(
        [
            f"START RequestId: {request_id} Version: {config.get('Version', '$LATEST')}\n",
            f"{log}\n" if log else "",
            f"END RequestId: {request_id}\n",
            report,
        ]
    )
    return result
