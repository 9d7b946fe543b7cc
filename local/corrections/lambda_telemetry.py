"""Lambda: logs and metrics do not delay the response."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import ContextVar, copy_context
from typing import Any

from ministack.services import cloudwatch_logs, lambda_svc

from corrections.support import replace_text, wrap_function

logger = logging.getLogger("lambda_telemetry")

delivery = ThreadPoolExecutor(1, "logs of functions")
"""Deliveries in the order in which the invocations finished."""

delivered: Future[None] | None = None
"""The last started delivery."""

ended_at: ContextVar[int] = ContextVar("ended_at")
"""End of the invocation, in milliseconds since the epoch."""


def apply() -> None:
    """lambda/latest/dg/monitoring-cloudwatchlogs: Lambda sends the log to CloudWatch asynchronously; it can arrive later
    than the response.

    MiniStack writes the log and evaluates metric filters before it responds. Here a reader of logs waits until all
    earlier deliveries are complete.
    """
    wrap_function(lambda_svc, "_emit_lambda_logs", deliver)
    lambda_svc._ended_at = ended_at.get
    replace_text(lambda_svc, "_emit_lambda_logs", "now_ms = int(time.time() * 1000)\n", "now_ms = _ended_at()\n")
    wrap_function(cloudwatch_logs, "handle_request", read)


def deliver(original: Callable[..., None], *log: Any, **options: Any) -> None:
    global delivered
    context = copy_context()
    context.run(ended_at.set, int(time.time() * 1000))
    delivered = delivery.submit(context.run, original, *log, **options)
    delivered.add_done_callback(log_failure)


def log_failure(delivery: Future[None]) -> None:
    if problem := delivery.exception():
        logger.error("a log was lost: %r", problem)


async def read(original: Callable[..., Awaitable[Any]], *request: Any) -> Any:
    if delivered is not None:
        await asyncio.wait([asyncio.wrap_future(delivered)])
    return await original(*request)
