"""Lambda: metrics of throttled calls, and metrics over all functions."""

from __future__ import annotations

from collections.abc import Callable

from ministack.services import cloudwatch, lambda_svc

from corrections.support import wrap_function


def apply() -> None:
    wrap_function(lambda_svc, "_emit_lambda_metrics", count)


def count(original: Callable[..., None], function_name: str, duration_ms: float, error: bool, throttle: bool) -> None:
    if throttle:
        count_throttle(function_name, duration_ms)
    else:
        original(function_name, duration_ms, error, throttle)
        count_for_account(Invocations=1, Errors=int(error), Throttles=0)


def count_throttle(function_name: str, duration_ms: float) -> None:
    """lambda/latest/dg/monitoring-metrics-types: a throttled call counts neither as an invocation nor as an error.

    MiniStack counts it as both, twice, and with a duration.
    """
    if duration_ms == 0:
        cloudwatch.record_metric("AWS/Lambda", "Throttles", 1, "Count", {"FunctionName": function_name})
        count_for_account(Throttles=1)


def count_for_account(**counts: int) -> None:
    """lambda/latest/dg/monitoring-metrics-view: without dimensions, the metrics are those of all functions in the
    region.

    MiniStack has them per function only.
    """
    for name, number in counts.items():
        cloudwatch.record_metric("AWS/Lambda", name, number, "Count", {})
