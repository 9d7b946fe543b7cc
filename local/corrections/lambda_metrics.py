"""Lambda: metrics over all functions."""

from __future__ import annotations

from collections.abc import Callable

from ministack.services import cloudwatch, lambda_svc

from corrections.support import wrap_function


def apply() -> None:
    wrap_function(lambda_svc, "_emit_lambda_metrics", count_for_account)


def count_for_account(
    original: Callable[..., None], function_name: str, duration_ms: float, error: bool, throttle: bool
) -> None:
    """lambda/latest/dg/monitoring-metrics-view: without dimensions, the metrics are those of all functions in the region.

    MiniStack has them for each function only.
    """
    original(function_name, duration_ms, error, throttle)
    for name, happened in (("Invocations", True), ("Errors", error), ("Throttles", throttle)):
        cloudwatch.record_metric("AWS/Lambda", name, int(happened), "Count", {})
