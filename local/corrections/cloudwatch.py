"""CloudWatch: metrics and logs of state machine executions; alarms that are evaluated automatically."""

from __future__ import annotations

import datetime
import json
import logging
import re
import threading
import time
from collections.abc import Callable
from typing import Any

from ministack.core.responses import new_uuid, request_scope
from ministack.services import cloudwatch, cloudwatch_logs, stepfunctions

from corrections.support import replace_text, wrap_function

logger = logging.getLogger("corrections.cloudwatch")

Record = dict[str, Any]

STATES = "AWS/States"
ENDS = {
    "SUCCEEDED": "ExecutionsSucceeded",
    "FAILED": "ExecutionsFailed",
    "TIMED_OUT": "ExecutionsTimedOut",
    "ABORTED": "ExecutionsAborted",
}

EXECUTION_DATA = {"input", "output", "parameters", "assignedVariables"}
LOGGED_AT_LEVEL: dict[str, Callable[[str], bool]] = {
    "ALL": lambda _event_type: True,
    "ERROR": lambda event_type: bool(re.search("(Failed|TimedOut|Aborted)$|^FailStateEntered$", event_type)),
    "FATAL": lambda event_type: bool(re.search("^Execution(Failed|TimedOut|Aborted)$", event_type)),
}

SECONDS_BETWEEN_EVALUATIONS = 1

COMPARE: dict[str, Callable[[float, float], bool]] = {
    "GreaterThanOrEqualToThreshold": lambda value, threshold: value >= threshold,
    "GreaterThanThreshold": lambda value, threshold: value > threshold,
    "LessThanThreshold": lambda value, threshold: value < threshold,
    "LessThanOrEqualToThreshold": lambda value, threshold: value <= threshold,
}

points = threading.Lock()
"""Guards the data points of metrics."""

# Two concurrent evaluations would publish one state change twice.
evaluating = threading.RLock()


def apply() -> None:
    wrap_function(stepfunctions, "_emit_execution_status_event", observe_execution)
    wrap_function(cloudwatch, "_evaluate_alarm", evaluate_alarm)
    separate_metrics_by_dimensions()
    for operation in ("record_metric", "_evict_old_metrics"):
        wrap_function(cloudwatch, operation, one_at_a_time)
    threading.Thread(target=evaluate_alarms_for_ever, name="alarms", daemon=True).start()


def separate_metrics_by_dimensions() -> None:
    """AmazonCloudWatch/latest/APIReference/API_GetMetricStatistics: a request without dimensions returns the metric
    without dimensions.

    MiniStack adds up the metrics of all dimensions.
    """
    replace_text(
        cloudwatch, "_get_metric_statistics", "_dims_key(req_dims) if req_dims else None", "_dims_key(req_dims)"
    )


def one_at_a_time(original: Callable[..., None], *arguments: Any, **options: Any) -> None:
    """At each call MiniStack replaces all lists of data points by lists without expired ones. A data point that another
    thread appends to the old list is lost."""
    with points:
        original(*arguments, **options)


def observe_execution(original: Callable[[Record], None], execution: Record) -> None:
    """MiniStack publishes an execution's status on EventBridge only."""
    original(execution)
    count_execution(execution)
    if execution["status"] in ENDS:
        log_execution(execution)


def count_execution(execution: Record) -> None:
    """step-functions/latest/dg/procedure-cw-metrics: AWS/States, per state machine."""
    dimensions = {"StateMachineArn": execution["stateMachineArn"]}
    if execution["status"] == "RUNNING":
        cloudwatch.record_metric(STATES, "ExecutionsStarted", 1, "Count", dimensions)
    elif execution["status"] in ENDS:
        cloudwatch.record_metric(STATES, ENDS[execution["status"]], 1, "Count", dimensions)
        took = stepfunctions._iso_to_epoch_ms(execution["stopDate"]) - stepfunctions._iso_to_epoch_ms(
            execution["startDate"]
        )
        cloudwatch.record_metric(STATES, "ExecutionTime", took, "Milliseconds", dimensions)


def log_execution(execution: Record) -> None:
    """step-functions/latest/dg/cw-logs: the history events of the state machine's log level, here all at the end."""
    machine = stepfunctions._state_machines.get(execution["stateMachineArn"])
    configuration = machine["loggingConfiguration"] if machine else {}
    is_logged = LOGGED_AT_LEVEL.get(configuration.get("level", "OFF"))
    if is_logged is None:
        return
    with_data = configuration.get("includeExecutionData", False)
    messages = [log_message(execution, event, with_data) for event in execution["events"] if is_logged(event["type"])]
    for destination in configuration.get("destinations", []):
        write(destination["cloudWatchLogsLogGroup"]["logGroupArn"], execution, messages)


def log_message(execution: Record, event: Record, with_data: bool) -> Record:
    """One event in the format of cloudwatch_logs."""
    details = next((event[field] for field in event if field.endswith("EventDetails")), {})
    at = stepfunctions._iso_to_epoch_ms(event["timestamp"])
    content = {
        "id": str(event["id"]),
        "type": event["type"],
        "details": {name: value for name, value in details.items() if with_data or name not in EXECUTION_DATA},
        "previous_event_id": str(event["previousEventId"]),
        "event_timestamp": str(at),
        "execution_arn": execution["executionArn"],
        "redrive_count": str(execution.get("redriveCount", 0)),
    }
    return {"timestamp": at, "message": json.dumps(content)}


def write(log_group_arn: str, execution: Record, messages: list[Record]) -> None:
    group = log_group_arn.split(":log-group:")[1].removesuffix(":*")
    machine = execution["stateMachineArn"].rpartition(":")[2]
    stream = f"states/{machine}/{datetime.datetime.now(datetime.timezone.utc):%Y-%m-%d-%H-%M}/{new_uuid()[:8]}"
    place = {"logGroupName": group, "logStreamName": stream}
    status, _, body = cloudwatch_logs._create_log_stream(place)
    if status == 200 and messages:
        status, _, body = cloudwatch_logs._put_log_events({**place, "logEvents": messages})
    if status != 200:  # delivery is best effort on AWS, too
        logger.warning("%s: not logged: %s", execution["executionArn"], body)


def evaluate_alarms_for_ever() -> None:
    """AmazonCloudWatch/latest/monitoring/alarm-evaluation: CloudWatch evaluates alarms automatically.

    MiniStack evaluates only during PutMetricData, so an alarm on an AWS metric is never raised.
    """
    while True:
        time.sleep(SECONDS_BETWEEN_EVALUATIONS)
        for account, region in {scope[:2] for scope in list(cloudwatch._alarms._data)}:
            with request_scope(account, region):
                cloudwatch._evaluate_all_alarms()


def evaluate_alarm(_original: Callable[[Record], None], alarm: Record) -> None:
    """AmazonCloudWatch/latest/monitoring/alarm-evaluation: M out of N periods of the metric with exactly these
    dimensions; missing data is treated by TreatMissingData.

    MiniStack mixes the metrics of all dimensions, treats all periods as one and ignores missing data.
    """
    if not alarm.get("MetricName"):  # a composite alarm or metric math
        return
    with evaluating:
        values = newest_values(alarm)
        state = next_state(alarm, values)
        if state != alarm["StateValue"]:
            change_state(
                alarm, state, f"Threshold Crossed: {values} {alarm['ComparisonOperator']} {alarm['Threshold']}"
            )


def newest_values(alarm: Record) -> list[float | None]:
    """The metric's statistic in each evaluated period, newest first; None for missing data."""
    dimensions = cloudwatch._dims_key(cloudwatch._dims_from_list(alarm.get("Dimensions") or []))
    points = list(cloudwatch._metrics.get((alarm["Namespace"], alarm["MetricName"], dimensions)) or [])
    now, period = time.time(), alarm["Period"]
    return [
        statistic(alarm, [p for p in points if end - period < p["Timestamp"] <= end])
        for end in (now - age * period for age in range(alarm["EvaluationPeriods"]))
    ]


def statistic(alarm: Record, points: list[Record]) -> float | None:
    if not points:
        return None
    name = alarm.get("ExtendedStatistic") or alarm["Statistic"]
    return cloudwatch._stat_value(cloudwatch._calc_stats(points), name, points)


def next_state(alarm: Record, values: list[float | None]) -> str:
    missing = alarm["TreatMissingData"]
    if missing in ("missing", "ignore") and all(value is None for value in values):
        return "INSUFFICIENT_DATA" if missing == "missing" else alarm["StateValue"]
    breaching = sum(missing == "breaching" if value is None else crosses(alarm, value) for value in values)
    return "ALARM" if breaching >= (alarm.get("DatapointsToAlarm") or alarm["EvaluationPeriods"]) else "OK"


def crosses(alarm: Record, value: float) -> bool:
    return COMPARE[alarm["ComparisonOperator"]](value, alarm["Threshold"])


def change_state(alarm: Record, state: str, reason: str) -> None:
    former = alarm["StateValue"]
    alarm.update(StateValue=state, StateReason=reason, StateUpdatedTimestamp=int(time.time()))
    cloudwatch._record_history(alarm["AlarmName"], former, state, reason)
    cloudwatch._dispatch_alarm_actions(alarm, former, state, reason)
    cloudwatch._evaluate_parent_alarms(alarm)
