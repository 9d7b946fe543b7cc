"""Step Functions: the events in the history of an execution. stepfunctions_end.py sets their previousEventId."""

from __future__ import annotations

from typing import Any

from ministack.core.arn import parse_arn
from ministack.services import stepfunctions

from corrections.support import replace_text

Record = dict[str, Any]
Event = tuple[str, Record]

INTEGRATION = "arn:aws:states:::"


def apply() -> None:
    name_no_event_at_the_start()


def name_no_event_at_the_start() -> None:
    """step-functions/latest/apireference/API_GetExecutionHistory (example): previousEventId, which is 0 for the start
    of the execution and for that of its first state. MiniStack has none."""
    for start in ("_start_execution", "_start_sync_execution"):
        replace_text(stepfunctions, start, '{"id": 1, "type"', '{"id": 1, "previousEventId": 0, "type"')


class TaskEvents:
    """The events of one attempt of a task, each as type and details.

    step-functions/latest/apireference/API_TaskScheduledEventDetails and its like, and, for a task whose resource is the
    ARN of a function, API_LambdaFunctionScheduledEventDetails and its like. MiniStack has the same two for all, without
    region and parameters, and the ARN of the state as resource.
    """

    def __init__(self, resource: str) -> None:
        self.is_function = not resource.startswith(INTEGRATION) and parse_arn(resource).service == "lambda"
        self.resource = resource
        self.called = called(resource)
        self.name = resource if self.is_function else self.called["resourceType"]
        """The name of the called resource in a cause."""

    def scheduled(self, arguments: str, region: str, limits: Record) -> Event:
        names = {"TimeoutSeconds": "timeoutInSeconds", "HeartbeatSeconds": "heartbeatInSeconds"}
        seconds = {names[limit]: int(value) for limit, value in limits.items()}
        if self.is_function:
            return self._event("Scheduled", {"resource": self.resource, "input": arguments, **seconds})
        return self._event("Scheduled", {"region": region, "parameters": arguments, **seconds})

    def started(self) -> Event:
        return ("LambdaFunctionStarted", {}) if self.is_function else self._event("Started", {})

    def submitted(self, output: str) -> Event:
        """For a task that continues after the response of its call: until a callback, or until the started execution has
        ended."""
        return self._event("Submitted", {"output": output})

    def succeeded(self, output: str) -> Event:
        return self._event("Succeeded", {"output": output})

    def failed(self, error: str | None, cause: str | None) -> Event:
        """Error and cause are omitted if there are none [test_sqs_failure_in_wait_for_task_tok_no_error_field]."""
        given = {name: value for name, value in (("error", error), ("cause", cause)) if value is not None}
        return self._event("TimedOut" if error == "States.Timeout" else "Failed", given)

    def _event(self, what: str, details: Record) -> Event:
        if self.is_function:
            return f"LambdaFunction{what}", {f"lambdaFunction{what}EventDetails": details}
        return f"Task{what}", {f"task{what}EventDetails": {**self.called, **details}}


def called(resource: str) -> Record:
    """`arn:aws:states:::aws-sdk:kms:sign` is `aws-sdk:kms`, `sign`; `…:::lambda:invoke` is `lambda`, `invoke`."""
    if not resource.startswith(INTEGRATION):
        return {"resourceType": parse_arn(resource).service, "resource": resource}
    parts = resource.removeprefix(INTEGRATION).split(":")
    of_type = 2 if parts[0] == "aws-sdk" else 1
    return {"resourceType": ":".join(parts[:of_type]), "resource": ":".join(parts[of_type:])}
