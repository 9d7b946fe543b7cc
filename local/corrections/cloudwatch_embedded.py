"""CloudWatch: metrics in log lines (embedded metric format)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

from ministack.services import cloudwatch, cloudwatch_logs

from corrections.support import wrap_function

Fields = dict[str, Any]


def apply() -> None:
    wrap_function(cloudwatch_logs, "_append_log_events", take_metrics_out)


def take_metrics_out(original: Callable[[Fields, list[Fields]], Any], stream: Fields, events: list[Fields]) -> Any:
    """AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification: a line that is an object with
    `_aws.CloudWatchMetrics` puts these metrics. MiniStack only stores the line."""
    for event in events:
        for namespace, name, unit, value, dimensions in metrics_of(event.get("message", "")):
            cloudwatch.record_metric(namespace, name, value, unit, dimensions)
    return original(stream, events)


def metrics_of(line: str) -> Iterator[tuple[str, str, str, float, Fields]]:
    if not line.startswith("{") or '"CloudWatchMetrics"' not in line:
        return
    try:
        content = json.loads(line)
        directives = content["_aws"]["CloudWatchMetrics"]
    except (ValueError, KeyError, TypeError):  # not in the format: an ordinary line
        return
    for directive in directives:
        for metric in directive["Metrics"]:
            values = content.get(metric["Name"], [])
            for names in directive.get("Dimensions") or [[]]:
                dimensions = {name: str(content[name]) for name in names}
                for value in values if isinstance(values, list) else [values]:
                    yield directive["Namespace"], metric["Name"], metric.get("Unit", "None"), value, dimensions
