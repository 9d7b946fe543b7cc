"""Step Functions: definitions and inputs that are refused. MiniStack accepts any.

step-functions/latest/dg/concepts-amazon-states-language and the pages of each state, and recordings of AWS; the names
in brackets are those of LocalStack's tests (docs/decisions/0030-recorded-on-aws.md). The texts are for people;
programs rely on the code and the location.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from ministack.core.responses import error_response_json, json_response
from ministack.services import stepfunctions
from ministack.services.cloudformation import provisioners

from corrections.stepfunctions_expressions import RFC3339
from corrections.support import wrap_function

Record = dict[str, Any]
Response = tuple[int, dict[str, str], bytes]
Diagnostic = dict[str, str]

SCHEMA = "SCHEMA_VALIDATION_FAILED"
TRANSITION = "MISSING_TRANSITION_TARGET"
JSONATA = "INVALID_JSONATA_EXPRESSION"

MOST_BYTES = 256 * 1024
LONGEST_NAME = 80

IN_JSONPATH = {"InputPath", "OutputPath"}
RESULT_IN_JSONPATH = IN_JSONPATH | {"Parameters", "ResultSelector", "ResultPath"}
ERRORS = {"Retry", "Catch"}
TOLERATED = {"ToleratedFailureCount", "ToleratedFailurePercentage"}

FIELDS: dict[str, tuple[set[str], set[str], set[str]]] = {
    "Pass": ({"Assign"}, IN_JSONPATH | {"Parameters", "Result", "ResultPath"}, {"Output"}),
    "Task": (
        {"Resource", "Credentials", "TimeoutSeconds", "HeartbeatSeconds", "Assign"} | ERRORS,
        RESULT_IN_JSONPATH | {"TimeoutSecondsPath", "HeartbeatSecondsPath"},
        {"Arguments", "Output"},
    ),
    "Choice": ({"Choices", "Default", "Assign"}, IN_JSONPATH, {"Output"}),
    "Wait": ({"Seconds", "Timestamp", "Assign"}, IN_JSONPATH | {"SecondsPath", "TimestampPath"}, {"Output"}),
    "Succeed": (set(), IN_JSONPATH, {"Output"}),
    "Fail": ({"Error", "Cause"}, {"ErrorPath", "CausePath"}, set()),
    "Parallel": ({"Branches", "Assign"} | ERRORS, RESULT_IN_JSONPATH, {"Arguments", "Output"}),
    "Map": (
        {"ItemProcessor", "Iterator", "ItemSelector", "ItemReader", "ItemBatcher", "ResultWriter", "MaxConcurrency"}
        | {"Label", "Assign"}
        | TOLERATED
        | ERRORS,
        RESULT_IN_JSONPATH | {"ItemsPath", "MaxConcurrencyPath"} | {f"{field}Path" for field in TOLERATED},
        {"Items", "Output"},
    ),
}
"""The fields of each state type: in both query languages, in JSONPath, and in JSONata."""

ENDS = ("Choice", "Succeed", "Fail")
"""States without Next and End."""

TOKEN = re.compile(r"\w*")
VARIABLE = re.compile(r"[^\W\d]\w{0,79}")
OPTIMIZED_DYNAMODB = re.compile(r"arn:[^:]+:states:::dynamodb:(get|put|delete|update)Item")


def apply() -> None:
    wrap_function(stepfunctions, "_create_state_machine", refuse_definition)
    wrap_function(stepfunctions, "_update_state_machine", refuse_update)
    wrap_function(stepfunctions, "_validate_state_machine_definition", validate)
    wrap_function(stepfunctions, "_start_execution", refuse_input)
    wrap_function(provisioners, "_sfn_state_machine_create", refuse_resource)


def refuse_definition(original: Callable[[Record], Response], request: Record) -> Response:
    """step-functions/latest/apireference/API_CreateStateMachine (InvalidDefinition) [test_create_delete_invalid_sm]"""
    if problem := first_problem(request.get("definition", ""), request.get("type")):
        return error_response_json("InvalidDefinition", problem, 400)
    return original(request)


def refuse_update(original: Callable[[Record], Response], request: Record) -> Response:
    """step-functions/latest/apireference/API_UpdateStateMachine (InvalidDefinition, MissingRequiredParameter, revisionId)
    [test_create_update_state_machine_base_update_none, test_create_update_state_machine_base_definition]"""
    machine = stepfunctions._state_machines.get(request.get("stateMachineArn"))
    if machine is not None:
        if not {"definition", "roleArn", "loggingConfiguration", "tracingConfiguration"} & request.keys():
            message = "Either the definition, the role ARN, or the LoggingConfiguration must be specified"
            return error_response_json("MissingRequiredParameter", message, 400)
        if "definition" in request and (problem := first_problem(request["definition"], machine["type"])):
            return error_response_json("InvalidDefinition", problem, 400)
    status, _, body = response = original(request)
    if status != 200:
        return response
    return json_response({"revisionId": machine["revisionId"], **json.loads(body)})


def refuse_resource(original: Callable[..., Any], logical_id: str, properties: Record, stack: str) -> Any:
    """AWSCloudFormation/latest/UserGuide/aws-resource-stepfunctions-statemachine: the resource is created by
    CreateStateMachine. MiniStack stores it without validation."""
    if problem := first_problem(provisioners._sfn_definition(properties), properties.get("StateMachineType")):
        raise ValueError(f"{problem} (Service: AWSStepFunctions; Status Code: 400; Error Code: InvalidDefinition)")
    return original(logical_id, properties, stack)


def first_problem(definition: str, kind: str | None) -> str | None:
    for one in diagnostics_of(definition, kind):
        place = f" at {one['location']}" if "location" in one else ""
        return f"Invalid State Machine Definition: '{one['code']}: {one['message']}{place}'"
    return None


def validate(_original: Callable[[Record], Response], request: Record) -> Response:
    """step-functions/latest/apireference/API_ValidateStateMachineDefinition
    [test_validate_state_machine_definition_type_standard]. MiniStack accepts every definition."""
    found = list(diagnostics_of(request.get("definition", ""), request.get("type")))
    most = request.get("maxResults") or 100
    return json_response(
        {"result": "FAIL" if found else "OK", "diagnostics": found[:most], "truncated": len(found) > most}
    )


def refuse_input(original: Callable[[Record], Response], request: Record) -> Response:
    """step-functions/latest/apireference/API_StartExecution (InvalidExecutionInput; at most 262,144 bytes)
    [test_invalid_start_execution_input]"""
    given = request.get("input", "{}")
    if len(given.encode()) > MOST_BYTES:
        message = (
            "1 validation error detected: Value at 'input' failed to satisfy constraint: "
            f"Member must have length less than or equal to {MOST_BYTES}"
        )
        return error_response_json("ValidationException", message, 400)
    known = stepfunctions._resolve_state_machine_arn(request.get("stateMachineArn", "").partition("#")[0]) is not None
    try:
        json.loads(given)
    except ValueError as error:
        if known:
            return error_response_json("InvalidExecutionInput", f"Invalid State Machine Execution Input: '{error}'", 400)
    return original(request)


# --- The rules


def diagnostics_of(definition: str, kind: str | None) -> Iterator[Diagnostic]:
    if not definition.strip():
        yield problem("Definition must be a valid JSON object")
        return
    try:
        machine = json.loads(definition)
    except ValueError as error:
        yield problem(str(error), position_in(definition, error), "INVALID_JSON_DESCRIPTION")
        return
    if not isinstance(machine, dict):
        yield problem("Definition must be a valid JSON object")
        return
    language = machine.get("QueryLanguage", "JSONPath")
    if language not in ("JSONPath", "JSONata"):
        yield problem("The field 'QueryLanguage' should have one of these values: [JSONPath, JSONata]", "/QueryLanguage")
        return
    yield from of_states(machine, "", language, kind == "EXPRESS", set(), set())
    if (malformed := stepfunctions._validate_definition_jsonata(definition)) is not None:
        message, _, place = malformed.removeprefix(f"{JSONATA}: ").rpartition("\n  at ")
        yield problem(message, place, JSONATA)


def position_in(definition: str, error: ValueError) -> str:
    """The position of a JSON syntax error; AWS counts to the end of the token."""
    at = getattr(error, "pos", 0)
    line = definition.count("\n", 0, at) + 1
    token = TOKEN.match(definition, at)
    end = at if token is None else token.end()
    column = end - definition.rfind("\n", 0, at)
    return f'[Source: (String)"{definition}"; line: {line}, column: {column}]'


def problem(message: str, location: str | None = None, code: str = SCHEMA) -> Diagnostic:
    place = {} if location is None else {"location": location}
    return {"severity": "ERROR", "code": code, "message": message, **place}


def of_states(
    scope: Record, path: str, language: str, is_express: bool, outer_names: set[str], outer_variables: set[str]
) -> Iterator[Diagnostic]:
    """A state machine, a branch or an item processor; its states follow."""
    missing = [field for field in ("States", "StartAt") if field not in scope]
    if missing:
        yield problem(f"These fields are required: [{', '.join(missing)}]", path or "/")
        return
    states = scope["States"]
    if not isinstance(states, dict) or not states:
        yield problem("Value cannot be empty", f"{path}/States")
        return
    if scope["StartAt"] not in states:
        yield problem(f"Missing 'StartAt' target: {scope['StartAt']}", f"{path}/StartAt", TRANSITION)
    for name, state in states.items():
        place = f"{path}/States/{name}"
        if len(name) > LONGEST_NAME:
            yield problem(f"State name exceeds the length of {LONGEST_NAME} characters", place)
        if name in outer_names:
            yield problem(f"Duplicate state name: {name}", place)
        outer_names.add(name)
        yield from of_state(state, place, language, is_express, states)
    reached = {scope["StartAt"]} | {target for state in states.values() for _, target in targets(state)}
    for name in states:
        if name not in reached:
            yield problem(f'State "{name}" is not reachable.', f"{path}/States/{name}", TRANSITION)
    variables = {name: {key for _, assign in assigns(state) for key in assign} for name, state in states.items()}
    for name, state in states.items():
        for where, assign in assigns(state):
            yield from of_variables(assign, f"{path}/States/{name}{where}", outer_variables)
        # the branches can use the names that the state assigns after them [test_parallel_catch_error]
        others = set().union(*(keys for other, keys in variables.items() if other != name))
        for where, inner in scopes(state):
            place = f"{path}/States/{name}{where}"
            yield from of_states(inner, place, language, is_express, outer_names, outer_variables | others)


def of_state(state: Any, path: str, machine_language: str, is_express: bool, states: Record) -> Iterator[Diagnostic]:
    kind = state.get("Type") if isinstance(state, dict) else None
    if kind is None:
        yield problem("These fields are required: [Type]", path)
        return
    if kind not in FIELDS:
        named = ", ".join(("Task", "Wait", "Pass", "Succeed", "Fail", "Choice", "Parallel", "Map"))
        yield problem(f"The field 'Type' should have one of these values: [{named}]", f"{path}/Type")
        return
    language = state.get("QueryLanguage", machine_language)
    if machine_language == "JSONata" and language == "JSONPath":
        yield problem("'QueryLanguage' can not be 'JSONPath' if set to 'JSONata' for whole state machine", path)
        return
    yield from of_fields(state, kind, path, language == "JSONata")
    for where, target in targets(state):
        if target not in states:
            yield problem(f"Missing '{where.rpartition('/')[2]}' target: {target}", f"{path}{where}", TRANSITION)
    yield from RULES.get(kind, lambda *_: iter(()))(state, path, is_express, language == "JSONata")
    if kind in ("Task", "Parallel", "Map"):
        yield from of_retries(state.get("Retry", []), f"{path}/Retry")
        yield from of_catchers(state.get("Catch", []), f"{path}/Catch")


def of_fields(state: Record, kind: str, path: str, in_jsonata: bool) -> Iterator[Diagnostic]:
    both, in_jsonpath_only, in_jsonata_only = FIELDS[kind]
    allowed = {"Type", "Comment", "QueryLanguage"} | both | (in_jsonata_only if in_jsonata else in_jsonpath_only)
    if kind not in ENDS:
        allowed |= {"Next", "End"}
        if "Next" in state and state.get("End"):
            yield problem("Only one of these fields is allowed: [Next, End]", path)
        if "Next" not in state and not state.get("End"):
            yield problem("One of these fields is required: [Next, End]", path)
    for field in state:
        if field not in allowed:
            yield problem(f"Field '{field}' is not supported", path)


def of_task(state: Record, path: str, is_express: bool, _in_jsonata: bool) -> Iterator[Diagnostic]:
    """[test_validate_state_machine_definition_type_express]"""
    if "Resource" not in state:
        yield problem("These fields are required: [Resource]", path)
        return
    resource = state["Resource"]
    place = f"{path}/Resource"
    if not isinstance(resource, str) or not resource.startswith("arn:"):
        yield problem("Value is not a valid resource ARN", place)
        return
    if ":states:::dynamodb:" in resource and OPTIMIZED_DYNAMODB.fullmatch(resource) is None:
        yield problem(f"The resource provided {resource} is not recognized.", place)
    if is_express:
        for pattern in (".waitForTaskToken", ".sync"):
            if pattern in resource:
                yield problem(f"Express state machine does not support '{pattern}' service integration", place)
        if ":activity:" in resource:
            yield problem("Express state machine does not support Activity ARN", place)
    if "Credentials" in state and not {"RoleArn", "RoleArn.$"} & state["Credentials"].keys():
        yield problem("The field 'RoleArn' is required but was missing", f"{path}/Credentials")
    timeout, heartbeat = (state.get(f"{limit}Seconds") for limit in ("Timeout", "Heartbeat"))
    for limit, value in (("Timeout", timeout), ("Heartbeat", heartbeat)):
        yield from of_number(value, 1, 99_999_999, f"{path}/{limit}Seconds")
    if is_number(timeout) and is_number(heartbeat) and heartbeat >= timeout:
        yield problem("'HeartbeatSeconds' must be smaller than 'TimeoutSeconds'", path)


def of_wait(state: Record, path: str, _is_express: bool, in_jsonata: bool) -> Iterator[Diagnostic]:
    """[test_wait_timestamp_invalid]"""
    given = [field for field in ("Seconds", "Timestamp", "SecondsPath", "TimestampPath") if field in state]
    if len(given) != 1:
        yield problem("Exactly one of these fields is required: [Seconds, Timestamp, SecondsPath, TimestampPath]", path)
    moment = state.get("Timestamp")
    if isinstance(moment, str) and not (in_jsonata and is_expression(moment)) and RFC3339.fullmatch(moment) is None:
        yield problem("String does not match RFC3339 timestamp", f"{path}/Timestamp")
    yield from of_number(state.get("Seconds"), 0, 99_999_999, f"{path}/Seconds")


def of_choice(state: Record, path: str, _is_express: bool, _in_jsonata: bool) -> Iterator[Diagnostic]:
    if not state.get("Choices"):
        yield problem("Value cannot be empty", f"{path}/Choices")
    for index, rule in enumerate(state.get("Choices", [])):
        if "Next" not in rule:
            yield problem("These fields are required: [Next]", f"{path}/Choices[{index}]")


def of_parallel(state: Record, path: str, _is_express: bool, _in_jsonata: bool) -> Iterator[Diagnostic]:
    """[test_parallel_state_empty_branches]"""
    if not state.get("Branches"):
        yield problem("Value cannot be empty", f"{path}/Branches")


def of_map(state: Record, path: str, _is_express: bool, _in_jsonata: bool) -> Iterator[Diagnostic]:
    if "ItemProcessor" not in state and "Iterator" not in state:
        yield problem("These fields are required: [ItemProcessor]", path)
    yield from of_number(state.get("MaxConcurrency"), 0, 10_000, f"{path}/MaxConcurrency")


RULES: dict[str, Callable[[Record, str, bool, bool], Iterator[Diagnostic]]] = {
    "Task": of_task,
    "Wait": of_wait,
    "Choice": of_choice,
    "Parallel": of_parallel,
    "Map": of_map,
}


def of_retries(retries: list[Record], path: str) -> Iterator[Diagnostic]:
    """step-functions/latest/dg/concepts-error-handling (Retry)"""
    for index, retrier in enumerate(retries):
        place = f"{path}[{index}]"
        yield from of_errors(retrier, place, index == len(retries) - 1)
        yield from of_number(retrier.get("IntervalSeconds"), 1, 99_999_999, f"{place}/IntervalSeconds")
        yield from of_number(retrier.get("MaxAttempts"), 0, 99_999_999, f"{place}/MaxAttempts")
        yield from of_number(retrier.get("MaxDelaySeconds"), 1, 31_622_399, f"{place}/MaxDelaySeconds")
        rate = retrier.get("BackoffRate", 1)
        if not is_number(rate) or rate < 1:
            yield problem("Value must be at least 1.0", f"{place}/BackoffRate")
        if retrier.get("JitterStrategy", "NONE") not in ("FULL", "NONE"):
            yield problem("The field 'JitterStrategy' should have one of these values: [FULL, NONE]", place)


def of_catchers(catchers: list[Record], path: str) -> Iterator[Diagnostic]:
    for index, catcher in enumerate(catchers):
        place = f"{path}[{index}]"
        yield from of_errors(catcher, place, index == len(catchers) - 1)
        if "Next" not in catcher:
            yield problem("These fields are required: [Next]", place)


def of_errors(handler: Record, path: str, is_last: bool) -> Iterator[Diagnostic]:
    """step-functions/latest/dg/concepts-error-handling: States.ALL must be alone, and in the last retrier or catcher."""
    errors = handler.get("ErrorEquals")
    if not errors:
        yield problem("Value cannot be empty", f"{path}/ErrorEquals")
    elif "States.ALL" in errors and (len(errors) > 1 or not is_last):
        yield problem("'States.ALL' must appear alone, and in the last one", f"{path}/ErrorEquals")


def of_variables(assign: Record, path: str, outer: set[str]) -> Iterator[Diagnostic]:
    """step-functions/latest/dg/workflow-variables (names, scope): an inner scope cannot reuse the name of an outer one."""
    for name in assign:
        bare = name.removesuffix(".$")
        if bare == "states" or VARIABLE.fullmatch(bare) is None:
            yield problem(f"The variable name '{bare}' is not valid", path)
        if name in outer:
            yield problem(f"The variable '{bare}' is assigned in an outer scope, too", path)


def of_number(value: Any, least: int, most: int, path: str) -> Iterator[Diagnostic]:
    if value is None or isinstance(value, str) and is_expression(value):
        return
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        yield problem(f"Value must be an integer from {least} to {most}", path)


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_expression(value: str) -> bool:
    return value.startswith("{%") and value.endswith("%}")


def targets(state: Any) -> Iterator[tuple[str, str]]:
    """The next states of a state, each with its path in the state."""
    if not isinstance(state, dict):
        return
    for field in ("Next", "Default"):
        if field in state:
            yield f"/{field}", state[field]
    for field in ("Choices", "Catch"):
        for index, one in enumerate(state.get(field) or []):
            if "Next" in one:
                yield f"/{field}[{index}]/Next", one["Next"]


def assigns(state: Any) -> Iterator[tuple[str, Record]]:
    """The variables that a state can assign, each with its path in the state."""
    if not isinstance(state, dict):
        return
    for where, holder in [
        ("", state),
        *((f"/{field}[{index}]", one) for field in ("Choices", "Catch") for index, one in enumerate(state.get(field) or [])),
    ]:
        if isinstance(holder.get("Assign"), dict):
            yield f"{where}/Assign", holder["Assign"]


def scopes(state: Any) -> Iterator[tuple[str, Record]]:
    """The branches or the item processor of a state, each with its path in the state."""
    if not isinstance(state, dict):
        return
    for index, one in enumerate(state.get("Branches") or []):
        yield f"/Branches[{index}]", one
    for field in ("ItemProcessor", "Iterator"):
        if field in state:
            yield f"/{field}", state[field]
