"""Step Functions: ValidateStateMachineDefinition looks at the definition, as CreateStateMachine does.

MiniStack says of every text that it is valid.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from ministack.core.responses import json_response
from ministack.services import stepfunctions

from corrections.support import wrap_function

Record = dict[str, Any]


def apply() -> None:
    wrap_function(stepfunctions, "_validate_state_machine_definition", validate)


def validate(_original: Callable[..., Any], request: Record) -> Any:
    """What creation would refuse is a diagnostic of severity ERROR, and the result FAIL
    (step-functions/latest/apireference/API_ValidateStateMachineDefinition)."""
    message = problem_of(request.get("definition", ""))
    if message is None:
        return json_response({"result": "OK", "diagnostics": [], "truncated": False})
    diagnostic = {"severity": "ERROR", "code": "SCHEMA_VALIDATION_FAILED", "message": message}
    return json_response({"result": "FAIL", "diagnostics": [diagnostic], "truncated": False})


def problem_of(definition: str) -> str | None:
    try:
        machine = json.loads(definition)
    except ValueError:
        return "The definition is no JSON"
    states = machine.get("States") if isinstance(machine, dict) else None
    if not isinstance(states, dict) or machine.get("StartAt") not in states:
        return "StartAt names no state"
    return stepfunctions._validate_definition_jsonata(definition)
