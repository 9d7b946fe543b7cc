"""Step Functions: what the history of an execution tells."""

from __future__ import annotations

import json
from typing import Any

from ministack.core.arn import parse_arn
from ministack.services import stepfunctions

from corrections.support import replace_text

Record = dict[str, Any]

INTEGRATION = "arn:aws:states:::"


def apply() -> None:
    chain_events()
    tell_what_a_task_calls()
    tell_how_a_task_ends()
    tell_what_a_state_assigns()


def chain_events() -> None:
    """step-functions/latest/apireference/API_GetExecutionHistory (example): previousEventId, which is 0 for the start
    of the execution and for that of its first state. MiniStack has none."""
    replace_text(
        stepfunctions,
        "_add_event",
        '"id": len(execution["events"]) + 1,\n',
        '"id": len(execution["events"]) + 1,\n'
        '        "previousEventId": len(execution["events"]) if len(execution["events"]) > 1 else 0,\n',
    )
    for start in ("_start_execution", "_start_sync_execution"):
        replace_text(stepfunctions, start, '{"id": 1, "type"', '{"id": 1, "previousEventId": 0, "type"')


def tell_what_a_task_calls() -> None:
    """step-functions/latest/apireference/API_TaskScheduledEventDetails and API_TaskStartedEventDetails: service and
    action of the call, its region and its parameters.

    MiniStack tells neither region nor parameters, and has no TaskStarted.
    """
    stepfunctions._called = called
    replace_text(
        stepfunctions,
        "_execute_task",
        """\
                    "resourceType": "lambda" if "lambda" in resource else "states",
                    "resource": resource,
                },
            })
""",
        """\
                    **_called(resource),
                    "region": get_region(),
                    "parameters": json.dumps(effective),
                    **({"timeoutInSeconds": state_def["TimeoutSeconds"]} if "TimeoutSeconds" in state_def else {}),
                },
            })
            _add_event(execution, "TaskStarted", {"taskStartedEventDetails": _called(resource)})
""",
    )


def tell_how_a_task_ends() -> None:
    """step-functions/latest/apireference/API_TaskSucceededEventDetails, API_TaskFailedEventDetails and
    API_TaskTimedOutEventDetails. MiniStack tells the ARN of the state, and TaskFailed also of a timeout."""
    stepfunctions._task_failure = task_failure
    replace_text(
        stepfunctions,
        "_execute_task",
        """\
                    "output": json.dumps(task_result),
                    "resource": resource,
""",
        """\
                    "output": json.dumps(task_result),
                    **_called(resource),
""",
    )
    replace_text(
        stepfunctions,
        "_execute_task",
        """\
            _add_event(execution, "TaskFailed", {
                "taskFailedEventDetails": {
                    "error": err.error, "cause": err.cause,
                    "resource": resource,
                },
            })
""",
        """\
            _add_event(execution, *_task_failure(resource, err.error, err.cause))
""",
    )


def task_failure(resource: str, error: str, cause: str) -> tuple[str, Record]:
    details = {**called(resource), "error": error, "cause": cause}
    if error == "States.Timeout":
        return "TaskTimedOut", {"taskTimedOutEventDetails": details}
    return "TaskFailed", {"taskFailedEventDetails": details}


def called(resource: str) -> Record:
    """`arn:aws:states:::aws-sdk:kms:sign` is `aws-sdk:kms`, `sign`; `…:::lambda:invoke` is `lambda`, `invoke`."""
    if not resource.startswith(INTEGRATION):
        return {"resourceType": parse_arn(resource).service, "resource": resource}
    parts = resource.removeprefix(INTEGRATION).split(":")
    of_type = 2 if parts[0] == "aws-sdk" else 1
    return {"resourceType": ":".join(parts[:of_type]), "resource": ":".join(parts[of_type:])}


def tell_what_a_state_assigns() -> None:
    """step-functions/latest/apireference/API_StateExitedEventDetails: assignedVariables, each as JSON.

    MiniStack does not show them, so that a secret in a variable would go unnoticed.
    """
    stepfunctions._assigned = assigned
    replace_text(
        stepfunctions,
        "_run_execution",
        """\
            handler_fn = {
                "Pass": _execute_pass,
""",
        """\
            before = dict(ctx["variables"])
            handler_fn = {
                "Pass": _execute_pass,
""",
    )
    replace_text(
        stepfunctions,
        "_run_execution",
        """\
                    "output": json.dumps(current_input),
                },
            })
            current_name = next_name
""",
        """\
                    "output": json.dumps(current_input),
                    **_assigned(before, ctx["variables"]),
                },
            })
            current_name = next_name
""",
    )


def assigned(before: Record, after: Record) -> Record:
    """The field for the variables whose values a state has changed, if there are any."""
    known = {name: json.dumps(value) for name, value in before.items()}  # for Python 1 equals True
    changed = {name: text for name, value in after.items() if (text := json.dumps(value)) != known.get(name)}
    return {"assignedVariables": changed} if changed else {}
