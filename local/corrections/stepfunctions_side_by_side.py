"""Step Functions: a Map's iterations and a Parallel's branches, and their events.

MiniStack runs them without events, continues each after another has failed, and supports neither Arguments nor Output
nor variables of a JSONata Parallel. The names in brackets are those of LocalStack's tests, whose recordings of AWS
these follow (docs/decisions/0030-recorded-on-aws.md).
"""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Iterator
from contextvars import copy_context
from typing import Any

from ministack.services import stepfunctions

from corrections.stepfunctions_end import Branch, Ended, Siblings, branch, ends, has_ended, leave_if_ended
from corrections.stepfunctions_expressions import expected_array
from corrections.stepfunctions_states import (
    Record,
    Result,
    inner_context,
    is_jsonata,
    run_attempts,
    run_states,
    seconds_of,
    select_output,
)
from corrections.support import replace_text, wrap_function

ABORTED_KINDS = ("Task", "Wait", "Map", "Parallel")
"""States with an event when another branch's failure ends them (step-functions/latest/apireference/API_HistoryEvent,
type)."""


def apply() -> None:
    wrap_function(stepfunctions, "_execute_map", execute_map)
    wrap_function(stepfunctions, "_execute_parallel", execute_parallel)
    stepfunctions._tell_map_run = record_map_run
    stored = "    _map_runs[map_run_arn] = run\n"
    replace_text(stepfunctions, "_run_distributed_map", stored, f"{stored}    _tell_map_run(execution, map_run_arn)\n")


def execute_map(_original: Callable[..., Result], state: Record, given: Any, execution: Record, context: Record) -> Result:
    """[test_map_state_catch, test_map_state_retry, test_map_catch_error, test_service_lambda_map_timeout]"""
    return run_attempts(
        state,
        given,
        context,
        lambda: attempt_map(state, given, execution, context),
        lambda: stepfunctions._add_event(execution, "MapStateFailed"),
    )


def attempt_map(state: Record, given: Any, execution: Record, context: Record) -> Result:
    processor = state.get("ItemProcessor") or state.get("Iterator", {})
    name = branch.get().name
    items = [] if "ItemReader" in state else items_of(state, given, context)
    details = {"mapStateStartedEventDetails": {"length": len(items)}}
    if processor.get("ProcessorConfig", {}).get("Mode") == "DISTRIBUTED":
        stepfunctions._add_event(execution, "MapStateStarted", details)
        return run_distributed(state, given, execution, context)
    inputs = [item_input(state, given, context, index, item) for index, item in enumerate(items)]
    started = stepfunctions._add_event(execution, "MapStateStarted", details)

    def begin(index: int, one: Branch) -> None:
        one.index = index
        record_iteration(execution, "Started", name, one)

    def run(index: int, one: Branch) -> Any:
        output = run_states(processor["States"], processor["StartAt"], inputs[index], execution, inner_context(context))
        record_iteration(execution, "Succeeded", name, one)
        return output

    at_once = int(seconds_of(state, "MaxConcurrency", given, context) or 0) or len(items)
    results = run_side_by_side(execution, range(len(items)), at_once, started["id"], begin, run, name)
    stepfunctions._add_event(execution, "MapStateSucceeded", is_named=False)
    return give_results(state, given, context, results)


def run_distributed(state: Record, given: Any, execution: Record, context: Record) -> Result:
    """[test_map_state_legacy_config_distributed, test_map_item_reader_csv_headers_decl_duplicate_headers]"""
    try:
        result: Result = stepfunctions._run_map_items(state, given, execution, context)
    except stepfunctions._ExecutionError as error:
        details = {"mapRunFailedEventDetails": {"error": error.error, "cause": error.cause}}
        stepfunctions._add_event(execution, "MapRunFailed", details)
        raise
    stepfunctions._add_event(execution, "MapRunSucceeded")
    stepfunctions._add_event(execution, "MapStateSucceeded", is_named=False)
    return result


def record_map_run(execution: Record, arn: str) -> None:
    stepfunctions._add_event(execution, "MapRunStarted", {"mapRunStartedEventDetails": {"mapRunArn": arn}})


def record_iteration(execution: Record, what: str, name: str, one: Branch, previous: int | None = None) -> None:
    """MapIterationStarted is the previous event of the iteration's first event, and the last MapIterationSucceeded that
    of MapStateSucceeded [test_map_state]; the others are of none."""
    details = {f"mapIteration{what}EventDetails": {"name": name, "index": one.index}}
    event = f"MapIteration{what}"
    with ends:
        before = one.last if previous is None else previous
        added = stepfunctions._add_event(execution, event, details, previous=before, is_named=False)
        if what == "Started":
            one.last = added["id"]
        elif what == "Succeeded":
            one.succeeded = added["id"]


def items_of(state: Record, given: Any, context: Record) -> list[Any]:
    """step-functions/latest/dg/state-map-inline (Items, ItemsPath) [test_map_state_items_input_types]"""
    if is_jsonata(state, context):
        if "Items" in state:
            items: list[Any] = stepfunctions._jsonata_state_field(state, "Items", "array", given, context)
            return items
        return expected_array(given)
    effective = stepfunctions._apply_input_path(state, given, context)
    found = stepfunctions._resolve_path_or_ctx(state.get("ItemsPath", "$"), effective, context)
    return found if isinstance(found, list) else [found]


def item_input(state: Record, given: Any, context: Record, index: int, item: Any) -> Any:
    """step-functions/latest/dg/input-output-contextobject: Map.Item is available in the Map state itself, not in its
    iterations."""
    selector = state.get("ItemSelector") or state.get("Parameters")
    if selector is None:
        return item
    with_item = {**context, "Map": {"Item": {"Index": index, "Value": item}}}
    if is_jsonata(state, context):
        return stepfunctions._apply_jsonata_template(selector, given, with_item, location="ItemSelector")
    effective = stepfunctions._apply_input_path(state, given, context)
    return stepfunctions._resolve_params_obj(selector, effective, with_item)


def execute_parallel(
    _original: Callable[..., Result], state: Record, given: Any, execution: Record, context: Record
) -> Result:
    """[test_parallel_state, test_parallel_state_catch, test_parallel_state_retry]"""
    return run_attempts(
        state,
        given,
        context,
        lambda: attempt_parallel(state, given, execution, context),
        lambda: stepfunctions._add_event(execution, "ParallelStateFailed"),
    )


def attempt_parallel(state: Record, given: Any, execution: Record, context: Record) -> Result:
    if is_jsonata(state, context):
        inputs = stepfunctions._apply_jsonata_arguments(state, given, context)
    else:
        effective = stepfunctions._apply_input_path(state, given, context)
        inputs = stepfunctions._apply_parameters(state, effective, context)
    started = stepfunctions._add_event(execution, "ParallelStateStarted")
    branches = state["Branches"]

    def run(index: int, _one: Branch) -> Any:
        states = branches[index]
        return run_states(states["States"], states["StartAt"], copy.deepcopy(inputs), execution, inner_context(context))

    results = run_side_by_side(execution, range(len(branches)), len(branches), started["id"], lambda *_: None, run)
    stepfunctions._add_event(execution, "ParallelStateSucceeded", is_named=False)
    return give_results(state, given, context, results)


def give_results(state: Record, given: Any, context: Record, results: list[Any]) -> Result:
    if is_jsonata(state, context):
        output = stepfunctions._apply_jsonata_output(state, given, context, result=results, default=results)
        stepfunctions._apply_state_assign(state, given, context, result=results)
        return output, stepfunctions._next_or_end(state)
    return select_output(state, given, context, results)


def run_side_by_side(
    execution: Record,
    indexes: range,
    at_once: int,
    started: int,
    begin: Callable[[int, Branch], None],
    run: Callable[[int, Branch], Any],
    map_name: str | None = None,
) -> list[Any]:
    """Runs branches or iterations with limited concurrency, and returns their results. The first failure stops the
    others.

    step-functions/latest/dg/state-map-inline (MaxConcurrency) and concepts-error-handling: an unhandled error in a
    branch or iteration fails the whole state and stops the others.
    """
    outer = branch.get()
    results: list[Any] = [None] * len(indexes)
    siblings = Siblings()
    todo: Iterator[int] = iter(indexes)

    def work(one: Branch, index: int | None) -> None:
        branch.set(one)
        try:
            while index is not None:
                results[index] = run(index, one)
                with ends:
                    index = next(todo, None)
                    if index is None:
                        outer.last = one.succeeded or one.last
                        siblings.running.remove(one)
                    else:
                        begin(index, one)
        except Ended:
            pass  # the event of its end is already recorded
        except Exception as error:
            if not isinstance(error, stepfunctions._ExecutionError):
                stepfunctions.logger.exception("Unexpected error in execution %s", execution["executionArn"])
                error = stepfunctions._ExecutionError("States.Runtime", str(error))
            with ends:
                fail_siblings(execution, siblings, one, error, map_name)
        finally:
            with ends:
                if one in siblings.running:
                    siblings.running.remove(one)
                siblings.changed.notify_all()

    firsts = [(index, Branch(started, siblings, outer)) for _, index in zip(range(at_once), todo)]
    for index, one in firsts:
        begin(index, one)
        siblings.running.append(one)
    for index, one in firsts:
        # the context contains the account and region of the execution
        threading.Thread(target=copy_context().run, args=(work, one, index), daemon=True).start()
    with ends:
        siblings.changed.wait_for(lambda: siblings.failure is not None or not siblings.running)
        leave_if_ended()
        if siblings.failure is not None:
            raise siblings.failure
    return results


def fail_siblings(execution: Record, siblings: Siblings, failing: Branch, error: Any, map_name: str | None) -> None:
    """The events of the failed branch and of the stopped ones, all after its last event
    [test_service_lambda_map_timeout, test_sqs_failure_in_wait_for_task_tok_no_error_field]."""
    if siblings.failure is not None or has_ended(execution):
        return
    for one in (failing, *(other for other in siblings.running if other is not failing)):
        if map_name is not None:
            what = "Failed" if one is failing else "Aborted"
            record_iteration(execution, what, map_name, one, previous=failing.last)
        if one.kind in ABORTED_KINDS:
            stepfunctions._add_event(execution, f"{one.kind}StateAborted", previous=failing.last, is_named=False)
    failing.outer.last = failing.last
    siblings.fail(execution, error)
