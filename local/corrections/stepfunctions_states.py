"""Step Functions: the states of an execution and their events.

MiniStack has separate loops for an execution, a branch and each kind of state, and writes events only in the first.
The order of the events follows the recordings; the names in brackets are those of LocalStack's tests
(docs/decisions/0030-recorded-on-aws.md). Map and Parallel are in stepfunctions_side_by_side.py.
"""

from __future__ import annotations

import copy
import json
import time
from collections.abc import Callable
from typing import Any

from ministack.core.responses import get_region, now_iso
from ministack.services import stepfunctions

from corrections.stepfunctions_end import (
    Branch,
    branch,
    end,
    ends,
    leave_if_ended,
    limit_time,
    present,
    run_until_the_end,
)
from corrections.stepfunctions_expressions import RFC3339
from corrections.stepfunctions_history import TaskEvents
from corrections.support import replace_text, wrap_function

Record = dict[str, Any]
Result = tuple[Any, str | None]
"""The output of a state, and the name of the next state."""

MOST_BYTES = 256 * 1024
"""step-functions/latest/dg/service-quotas: maximum size of a state's input or output, or a task's result."""


def apply() -> None:
    wrap_function(stepfunctions, "_run_execution", run_execution)
    wrap_function(stepfunctions, "_run_execution", run_until_the_end)
    wrap_function(stepfunctions, "_run_sub_machine", run_child)
    wrap_function(stepfunctions, "_execute_task", execute_task)
    fail_without_an_error()


def run_execution(_original: Callable[[str], None], arn: str) -> None:
    """Runs an execution from its current state to its end. On AWS its caller runs on another processor; without a pause
    the first steps would delay the caller here, by 5 of the 20 ms of a POST."""
    time.sleep(0.003)
    execution = stepfunctions._executions[arn]
    machine = stepfunctions._state_machines.get(execution["stateMachineArn"])
    if machine is None:
        stepfunctions._fail_execution(execution, "StateMachineDeleted", "State machine no longer exists")
        return
    definition = json.loads(execution.get("definition") or machine["definition"])
    position = execution.setdefault("position", at_state(definition["StartAt"], json.loads(execution["input"]), {}))
    limit_time(execution, definition.get("TimeoutSeconds"))
    context = {"QueryLanguage": definition.get("QueryLanguage", "JSONPath"), **context_of(execution, machine)}
    try:
        output = run_states(definition["States"], position, execution, context)
        end(execution, "SUCCEEDED", output=as_json(output))
    except stepfunctions._ExecutionError as error:
        stepfunctions._fail_execution(execution, error.error, error.cause)
    except Exception as error:
        stepfunctions.logger.exception("Unexpected error in execution %s", arn)
        stepfunctions._fail_execution(execution, "States.Runtime", str(error))


def context_of(execution: Record, machine: Record) -> Record:
    """step-functions/latest/dg/input-output-contextobject"""
    return {
        "Execution": {
            "Id": execution["executionArn"],
            "Input": json.loads(execution["input"]),
            "Name": execution["name"],
            "StartTime": execution["startDate"],
            "RoleArn": machine["roleArn"],
            "RedriveCount": execution.get("redriveCount", 0),
            **({"RedriveTime": execution["redriveDate"]} if "redriveDate" in execution else {}),
        },
        "StateMachine": {"Id": execution["stateMachineArn"], "Name": machine["name"]},
    }


def at_state(name: str | None, value: Any, variables: Record) -> Record:
    """A position in a sequence of states: the next state, its input, and the variables in scope.

    A redrive continues from the positions. After the last state there is no next one, and the value is the output. The
    positions of the branches or iterations of the current state are in `inner`.
    """
    return {"name": name, "value": value, "variables": dict(variables)}


def is_finished(position: Record) -> bool:
    return position["name"] is None


def run_states(states: Record, position: Record, execution: Record, outer_context: Record) -> Any:
    """Runs states from the position to the last, and returns the output of the last.

    step-functions/latest/dg/workflow-variables (scope): the states assign variables of the scope of their position.
    """
    here = branch.get()
    here.position = position
    name, value = position["name"], position["value"]
    context = {**outer_context, "variables": dict(position["variables"])}
    here.variables = context["variables"]
    while name is not None:
        state = states.get(name)
        if state is None:
            raise stepfunctions._ExecutionError("States.Runtime", f"State '{name}' not found in definition")
        kind = state["Type"]
        context["State"] = {"Name": name, "EnteredTime": now_iso()}  # [test_query_context_object_values]
        context.pop("Task", None)
        entered = {"stateEnteredEventDetails": {"name": name, "input": as_json(value)}}
        with ends:
            previous = here.last
            event = stepfunctions._add_event(execution, f"{kind}StateEntered", entered)
            here.enter(name, kind, event["id"], previous)
        value, following = HANDLERS[kind](state, value, execution, context)
        output = within_the_limit(name, value)
        exited = {"stateExitedEventDetails": {"name": name, "output": output, **here.take_assigned()}}
        with ends:
            leave_if_ended()
            # after the exit of a state, the history does not contain its next state
            position.update(at_state(following, value, context["variables"]))
            position.pop("inner", None)
            stepfunctions._add_event(execution, f"{kind}StateExited", exited)
            here.leave()
        name = following
    return value


def as_json(value: Any) -> str:
    """JSON in the format of Step Functions."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def within_the_limit(name: str, value: Any) -> str:
    """The value as JSON.

    step-functions/latest/dg/service-quotas (maximum input or output size); error and cause of a task's result are
    recorded [test_service_task_lambada_data_limit_exceeded_on_large_utf8_response]. MiniStack has no limit.
    """
    text = as_json(value)
    if len(text) > MOST_BYTES // 4 and len(text.encode()) > MOST_BYTES:
        cause = (
            f"The state/task '{name}' returned a result with a size exceeding the maximum number of bytes service limit."
        )
        raise stepfunctions._ExecutionError("States.DataLimitExceeded", cause)
    return text


def is_jsonata(state: Record, context: Record) -> bool:
    return stepfunctions._state_query_language(state, context) == "JSONata"


def run_attempts(
    state: Record, given: Any, context: Record, attempt: Callable[[], Result], failed: Callable[[str], None] | None = None
) -> Result:
    """step-functions/latest/dg/concepts-error-handling: Retry, and then Catch; `failed` is called between them with the
    name of the error."""
    first = context["State"]
    counts: dict[int, int] = {}
    while True:
        context["State"] = {**first, "RetryCount": sum(counts.values())}
        try:
            output, following = attempt()
            within_the_limit(first["Name"], output)
            return output, following
        except stepfunctions._ExecutionError as error:
            retrier, index = stepfunctions._find_matching_retrier(state.get("Retry", []), error.error, counts)
            if retrier is not None:
                stepfunctions._pause_before_retry(retrier, counts.get(index, 0))
                counts[index] = counts.get(index, 0) + 1
                continue
            if failed is not None:
                failed(error.error)
            catcher = stepfunctions._find_matching_catcher(state.get("Catch", []), error.error)
            if catcher is None:
                raise
            language = stepfunctions._state_query_language(state, context)
            catcher = {**catcher, "QueryLanguage": language}
            caught = error_output(error)
            output = stepfunctions._apply_catcher(catcher, given, context, language, caught)
            if language == "JSONPath":  # where MiniStack does not support variables
                stepfunctions._apply_state_assign(catcher, given, context, result=caught)
            return output, catcher["Next"]


def error_output(error: Any) -> Record:
    """The error of a Catch. A timeout has no cause, which is empty here [test_invoke_timeout]; a callback failure
    without error and cause has null for both [test_sqs_failure_in_wait_for_task_tok_no_error_field]."""
    cause = "" if error.error == "States.Timeout" and error.cause is None else error.cause
    return {"Error": error.error, "Cause": cause}


# --- Pass, Choice, Wait, Succeed, Fail


def run_pass(state: Record, given: Any, _execution: Record, context: Record) -> Result:
    if is_jsonata(state, context):
        return stepfunctions._execute_pass(state, given, context)
    effective = stepfunctions._apply_input_path(state, given, context)
    effective = stepfunctions._apply_parameters(state, effective, context)
    return select_output(state, given, context, state.get("Result", effective))


def run_choice(state: Record, given: Any, _execution: Record, context: Record) -> Result:
    """A rule has its own Output and Assign, and the state those of its default [test_output_in_choice]."""
    in_jsonata = is_jsonata(state, context)
    effective = given if in_jsonata else stepfunctions._apply_input_path(state, given, context)
    holds = stepfunctions._evaluate_jsonata_choice_rule if in_jsonata else stepfunctions._evaluate_rule
    chosen = next((rule for rule in state["Choices"] if holds(rule, effective, context)), None)
    if chosen is None and "Default" not in state:
        raise stepfunctions._ExecutionError("States.NoChoiceMatched", "No choice rule matched and no Default")
    outcome = {**(chosen or state), "QueryLanguage": stepfunctions._state_query_language(state, context)}
    if in_jsonata:
        output = stepfunctions._apply_jsonata_output(outcome, given, context, default=given)
    else:
        output = stepfunctions._apply_output_path(state, effective, context)
    stepfunctions._apply_state_assign(outcome, given, context, result=effective)
    return output, state["Default"] if chosen is None else chosen["Next"]


def run_wait(state: Record, given: Any, _execution: Record, context: Record) -> Result:
    if not is_jsonata(state, context):
        effective = stepfunctions._apply_input_path(state, given, context)
        check_wait(state, effective, context)
        stepfunctions._apply_state_assign(state, given, context, result=effective)
    waited: Result = stepfunctions._execute_wait(state, given, context)
    return waited


def check_wait(state: Record, effective: Any, context: Record) -> None:
    """[test_base_wait_seconds_path, test_wait_timestamppath] MiniStack does not wait if the path has no usable value."""
    for field, problem_of in (("SecondsPath", problem_of_seconds), ("TimestampPath", problem_of_moment)):
        if (path := state.get(field)) is None:
            continue
        value = stepfunctions._resolve_path_or_ctx(path, effective, context)
        if value is None:
            raise runtime_error(f"The {field} parameter does not reference an input value: {path}")
        if problem := problem_of(value):
            raise runtime_error(f"The {field} parameter {problem}: {path} == {value}")


def problem_of_seconds(value: Any) -> str | None:
    if not isinstance(value, int) or isinstance(value, bool):
        return "cannot be parsed as a long value"
    return "references a negative value" if value < 0 else None


def problem_of_moment(value: Any) -> str | None:
    if isinstance(value, str) and RFC3339.fullmatch(value):
        return None
    return "does not reference a valid ISO-8601 extended offset date-time format string"


def runtime_error(problem: str) -> Exception:
    """A States.Runtime without an event."""
    here = branch.get()
    cause = f"An error occurred while executing the state '{here.name}' (entered at the event id #{here.entered}). {problem}"
    error: Exception = stepfunctions._ExecutionError("States.Runtime", cause)
    return error


def run_succeed(state: Record, given: Any, _execution: Record, context: Record) -> Result:
    if is_jsonata(state, context):
        return stepfunctions._apply_jsonata_output(state, given, context, default=given), None
    effective = stepfunctions._apply_input_path(state, given, context)
    return stepfunctions._apply_output_path(state, effective, context), None


def run_fail(state: Record, given: Any, _execution: Record, context: Record) -> Result:
    raise stepfunctions._ExecutionError(*stepfunctions._fail_state_error(state, given, context))


def fail_without_an_error() -> None:
    """A Fail without Error and Cause has neither [test_map_state_catch_empty_fail]. MiniStack sets States.Fail."""
    for field, default in (("Error", '"States.Fail"'), ("Cause", '""')):
        replace_text(stepfunctions, "_fail_state_error", f'"{field}", {default}', f'"{field}", None')


# --- Task


def execute_task(_original: Callable[..., Result], state: Record, given: Any, execution: Record, context: Record) -> Result:
    return run_attempts(state, given, context, lambda: attempt_task(state, given, execution, context))


def attempt_task(state: Record, given: Any, execution: Record, context: Record) -> Result:
    """step-functions/latest/apireference/API_HistoryEvent (type): scheduled, started, submitted, and the outcome."""
    resource = state["Resource"]
    in_jsonata = is_jsonata(state, context)
    if resource.endswith(".waitForTaskToken"):
        # step-functions/latest/dg/connect-to-resource: a retried task has a new token
        context["Task"] = {"Token": stepfunctions.new_uuid()}
    if in_jsonata:
        arguments = stepfunctions._apply_jsonata_arguments(state, given, context)
    else:
        effective = stepfunctions._apply_input_path(state, given, context)
        arguments = stepfunctions._apply_parameters(state, effective, context)
    limits = {
        limit: seconds
        for limit in ("TimeoutSeconds", "HeartbeatSeconds")
        if (seconds := seconds_of(state, limit, given, context)) is not None
    }
    events = TaskEvents(resource)
    stepfunctions._add_event(execution, *events.scheduled(as_json(arguments), get_region(), limits))
    stepfunctions._add_event(execution, *events.started())
    try:
        result = call(resource, arguments, context, limits)
        text = within_the_limit(events.name, result)
    except stepfunctions._ExecutionError as error:
        stepfunctions._add_event(execution, *events.failed(error.error, error.cause))
        raise
    stepfunctions._add_event(execution, *events.succeeded(text))
    if in_jsonata:
        output = stepfunctions._apply_jsonata_output(state, given, context, result=result, default=result)
        stepfunctions._apply_state_assign(state, given, context, result=result)
        return output, stepfunctions._next_or_end(state)
    return select_output(state, given, context, result)


def seconds_of(state: Record, limit: str, given: Any, context: Record) -> Any:
    if f"{limit}Path" in state:
        return stepfunctions._resolve_path_or_ctx(state[f"{limit}Path"], given, context)
    if limit in state and is_jsonata(state, context):
        return stepfunctions._jsonata_state_field(state, limit, "number", given, context)
    return state.get(limit)


def call(resource: str, arguments: Any, context: Record, limits: Record) -> Any:
    if resource.endswith(".waitForTaskToken"):
        return stepfunctions._invoke_with_callback(resource, arguments, context["Task"]["Token"], limits)
    # the time of an activity starts when a worker receives it
    if "TimeoutSeconds" in limits and ":activity:" not in resource:
        try:
            return stepfunctions._invoke_resource_with_timeout(resource, arguments, limits["TimeoutSeconds"])
        except stepfunctions._ExecutionError as error:
            if error.error == "States.Timeout":
                error.cause = None  # [test_invoke_timeout]
            raise
    return stepfunctions._invoke_resource(resource, arguments)


def select_output(state: Record, given: Any, context: Record, result: Any) -> Result:
    """step-functions/latest/dg/concepts-input-output-filtering"""
    stepfunctions._apply_state_assign(state, given, context, result=result)
    selector = state.get("ResultSelector")
    selected = result if selector is None else stepfunctions._resolve_params_obj(selector, result, context)
    output = stepfunctions._apply_result_path(state, given, selected)
    return stepfunctions._apply_output_path(state, output, context), stepfunctions._next_or_end(state)


def run_child(
    _original: Callable[..., Any], states: Record, start_at: str, given: Any, execution: Record, context: Record
) -> Any:
    """Runs the states of a child of a Distributed Map, which is an execution of its own."""
    outer, its_execution = branch.set(Branch()), present.set(execution)
    try:
        position = at_state(start_at, copy.deepcopy(given), context["variables"])
        return run_states(states, position, execution, context)
    finally:
        branch.reset(outer)
        present.reset(its_execution)


HANDLERS: dict[str, Callable[[Record, Any, Record, Record], Result]] = {
    "Pass": run_pass,
    "Choice": run_choice,
    "Wait": run_wait,
    "Succeed": run_succeed,
    "Fail": run_fail,
    "Task": lambda *state: stepfunctions._execute_task(*state),
    "Map": lambda *state: stepfunctions._execute_map(*state),
    "Parallel": lambda *state: stepfunctions._execute_parallel(*state),
}
