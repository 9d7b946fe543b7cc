"""Step Functions: expressions that fail, and variables.

The names in brackets are those of LocalStack's tests, whose recordings of AWS these follow
(docs/decisions/0030-recorded-on-aws.md).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from ministack.services import stepfunctions

from corrections.stepfunctions_end import branch, present
from corrections.support import replace_text, wrap_function

Record = dict[str, Any]

QUERY_ERROR = "States.QueryEvaluationError"
MOST_BYTES_OF_AN_ASSIGN = 256 * 1024
RFC3339 = re.compile(r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d+)?(Z|[+-]\d\d:\d\d)")


def apply() -> None:
    wrap_function(stepfunctions, "_apply_jsonata_template", fill)
    wrap_function(stepfunctions, "_apply_jsonata_arguments", fill_arguments)
    wrap_function(stepfunctions, "_apply_jsonata_output", fill_output)
    wrap_function(stepfunctions, "_apply_state_assign", assign)
    wrap_function(stepfunctions, "_jsonata_state_field", field_of_type)
    wrap_function(stepfunctions, "_evaluate_jsonata_choice_rule", is_chosen)
    wrap_function(stepfunctions, "_jsonata_wait_seconds", seconds_to_wait)
    wrap_function(stepfunctions, "_jsonata_wait_timestamp", moment_to_wait_for)
    wrap_function(stepfunctions, "_resolve_path", resolve_path)
    wrap_function(stepfunctions, "_resolve_ctx_path", resolve_context)
    for resolver, path in (("_resolve_path_or_ctx", "path"), ("_resolve_params_obj", "value")):
        replace_text(stepfunctions, resolver, f'{path}.startswith("$$.")', f'{path}.startswith("$$")')
    show_only_what_the_context_has()
    give_one_value_for_a_range_of_one()


def failed_evaluation(problem: str, location: str | None, was_evaluated: bool = False) -> Exception:
    """Records a failed expression, and returns the error of its state.

    The previous event of EvaluationFailed is the one before the entered event of the state
    [test_undefined_reference], or the entered event itself if the state cannot use the result of the expression
    [test_wait_timestamp_jsonata]. MiniStack records a failed task.
    """
    here, execution = branch.get(), present.get()
    if here is None or execution is None:  # TestState
        return stepfunctions._ExecutionError(QUERY_ERROR, problem)
    cause = (
        f"An error occurred while executing the state '{here.name}' (entered at the event id #{here.entered}). {problem}"
    )
    details = {"error": QUERY_ERROR, "cause": cause, "state": here.name}
    if location is not None:
        details["location"] = location
    previous = here.last if was_evaluated else here.before
    event = {"evaluationFailedEventDetails": details}
    stepfunctions._add_event(execution, "EvaluationFailed", event, previous=previous)
    return stepfunctions._ExecutionError(QUERY_ERROR, cause)


def fill(
    original: Callable[..., Any],
    value: Any,
    given: Any,
    context: Record | None = None,
    result: Any = None,
    error_output: Any = None,
    location: str = "",
) -> Any:
    """Evaluates the expressions in a value of the definition; `location` is its path in the state."""

    def filled(value: Any, location: str) -> Any:
        if isinstance(value, str) and value.startswith("{%") and value.endswith("%}"):
            return evaluate(value[2:-2].strip(), location, given, context, result, error_output)
        if isinstance(value, dict):
            return {key: filled(part, f"{location}/{key}") for key, part in value.items()}
        if isinstance(value, list):
            return [filled(part, f"{location}[{index}]") for index, part in enumerate(value)]
        return value

    return filled(value, location)


def evaluate(expression: str, location: str, given: Any, context: Record | None, result: Any, error_output: Any) -> Any:
    subject = f"The JSONata expression '{expression}' specified for the field '{location}'"
    try:
        value = stepfunctions._evaluate_jsonata(expression, given, context, result, error_output)
    except stepfunctions._ExecutionError as error:
        is_undefined = error.cause.startswith("JSONata expression did not return a result")
        problem = "returned nothing (undefined)." if is_undefined else f"threw an error during evaluation. {error.cause}"
        raise failed_evaluation(f"{subject} {problem}", location) from error
    if not isinstance(value, str | int | float | bool | dict | list | None):
        raise failed_evaluation(f"{subject} returned an unsupported result type.", location)
    return value


def fill_arguments(_original: Callable[..., Any], state: Record, given: Any, context: Record | None = None) -> Any:
    if "Arguments" not in state:
        return given
    return stepfunctions._apply_jsonata_template(state["Arguments"], given, context, location="Arguments")


def fill_output(
    _original: Callable[..., Any],
    state: Record,
    given: Any,
    context: Record | None = None,
    result: Any = None,
    error_output: Any = None,
    default: Any = None,
) -> Any:
    if "Output" not in state:
        return default
    return stepfunctions._apply_jsonata_template(state["Output"], given, context, result, error_output, location="Output")


def field_of_type(
    _original: Callable[..., Any], state: Record, field: str, expected: str, given: Any, context: Record | None
) -> Any:
    """[test_map_state_items_eval_jsonata_fail]"""
    value = stepfunctions._apply_jsonata_template(state[field], given, context, location=field)
    return of_type(value, expected, state[field], field)


def of_type(value: Any, expected: str, template: Any, location: str) -> Any:
    actual = stepfunctions._json_type(value)
    if actual != expected:
        expression = str(template).removeprefix("{%").removesuffix("%}").strip()
        raise failed_evaluation(
            f"The JSONata expression '{expression}' specified for the field '{location}' returned an unexpected result "
            f"type. Expected '{expected}', but was '{actual}' for value: {json.dumps(value, separators=(',', ':'))}",
            location,
        )
    return value


def expected_array(given: Any) -> list[Any]:
    """[test_map_state_items_input_types]"""
    if not isinstance(given, list):
        problem = f"Map state input must be an array but was: {json.dumps(given, separators=(',', ':'))}"
        raise failed_evaluation(problem, None)
    return given


def is_chosen(_original: Callable[..., bool], rule: Record, given: Any, context: Record) -> bool:
    """step-functions/latest/dg/state-choice (JSONata): a Condition evaluates to a boolean. MiniStack accepts anything."""
    condition = rule["Condition"]
    value = stepfunctions._apply_jsonata_template(condition, given, context, location="Condition")
    return bool(of_type(value, "boolean", condition, "Condition"))


def seconds_to_wait(original: Callable[..., Any], state: Record, given: Any, context: Record) -> Any:
    seconds = stepfunctions._jsonata_state_field(state, "Seconds", "number", given, context)
    try:
        return original({**state, "Seconds": seconds}, given, context)
    except stepfunctions._ExecutionError as error:
        raise failed_evaluation(error.cause, "Seconds", was_evaluated=True) from error


def moment_to_wait_for(_original: Callable[..., Any], state: Record, given: Any, context: Record) -> Any:
    """[test_wait_timestamp_jsonata] MiniStack also accepts a timestamp without a T or a zone."""
    moment = stepfunctions._jsonata_state_field(state, "Timestamp", "string", given, context)
    if RFC3339.fullmatch(moment) is None:
        expected = "an ISO-8601 extended offset date-time format string"
        problem = f"The Timestamp field cannot be parsed as {expected}: {moment}"
        raise failed_evaluation(problem, "Timestamp", was_evaluated=True)
    return moment


def assign(
    _original: Callable[..., None],
    state: Record,
    given: Any,
    context: Record | None,
    result: Any = None,
    error_output: Any = None,
) -> None:
    """step-functions/latest/dg/workflow-variables: all expressions of Assign use the values before it; it is limited to
    256 KiB. step-functions/latest/apireference/API_StateExitedEventDetails: assignedVariables, each as JSON.

    In MiniStack an expression sees the assignments before it, and the history omits them, so that a secret in a
    variable would go unnoticed.
    """
    if context is None or "Assign" not in state:
        return
    if stepfunctions._state_query_language(state, context) == "JSONata":
        values = stepfunctions._apply_jsonata_template(
            state["Assign"], given, context, result, error_output, location="Assign"
        )
    else:  # `$` is the result of a Task, Map, Parallel or Pass, the effective input of others
        values = stepfunctions._resolve_params_obj(state["Assign"], result, context)
    texts = {name: json.dumps(value, separators=(",", ":"), ensure_ascii=False) for name, value in values.items()}
    if sum(len(text.encode()) for text in texts.values()) > MOST_BYTES_OF_AN_ASSIGN:
        cause = "The variables that a state assigns exceed the maximum number of bytes service limit."
        raise stepfunctions._ExecutionError("States.DataLimitExceeded", cause)
    context["variables"].update(values)
    if here := branch.get():
        here.assigned.update(texts)


A_VARIABLE = re.compile(r"\$([^\W\d]\w*)")


def resolve_path(original: Callable[[Any, Any], Any], path: Any, data: Any) -> Any:
    """step-functions/latest/dg/workflow-variables (JSONPath): `$name.field` [test_reference_assign]. MiniStack treats
    the name as a field of the input."""
    here = branch.get()
    named = A_VARIABLE.match(path) if isinstance(path, str) and here is not None else None
    if named is None:
        return original(path, data)
    if named[1] not in here.variables:
        raise stepfunctions._ExecutionError("States.Runtime", f"The variable '${named[1]}' is not defined.")
    return original(f"${path[named.end():]}", here.variables[named[1]])


def resolve_context(original: Callable[[str, Record], Any], path: str, context: Record) -> Any:
    """`$$` is the whole context object [test_input_path]."""
    return visible_context(context) if path == "$$" else original(path, context)


def show_only_what_the_context_has() -> None:
    """step-functions/latest/dg/input-output-contextobject. MiniStack's also contains internal fields."""
    stepfunctions._shown_context = visible_context
    replace_text(stepfunctions, "_evaluate_jsonata", '        "context": ctx,\n', '        "context": _shown_context(ctx),\n')


def visible_context(context: Record) -> Record:
    return {name: value for name, value in context.items() if name not in ("QueryLanguage", "variables")}


def give_one_value_for_a_range_of_one() -> None:
    """JSONata treats a sequence of one as its value, and so does AWS [test_array_jsonata: test_range]. MiniStack returns
    an array."""
    replace_text(
        stepfunctions, "_sfn_jsonata_range", "    return values\n", "    return values[0] if len(values) == 1 else values\n"
    )
