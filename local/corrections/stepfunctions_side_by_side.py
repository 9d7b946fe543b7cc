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
from itertools import count
from typing import Any

from ministack.services import stepfunctions

from corrections.stepfunctions_end import Branch, Ended, Siblings, branch, ends, has_ended, leave_if_ended
from corrections.stepfunctions_expressions import expected_array
from corrections.stepfunctions_states import (
    Record,
    Result,
    at_state,
    is_finished,
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
    attempts = count()
    return run_attempts(
        state,
        given,
        context,
        lambda: attempt_map(state, given, execution, context, is_first=next(attempts) == 0),
        lambda error: fail_whole("Map", execution, error),
    )


def fail_whole(kind: str, execution: Record, error: str) -> None:
    """step-functions/latest/dg/redrive-executions (Parallel, Inline Map): after States.DataLimitExceeded a redrive also
    runs the branches and iterations that have succeeded."""
    stepfunctions._add_event(execution, f"{kind}StateFailed")
    if error == "States.DataLimitExceeded":
        branch.get().position.pop("inner", None)


def positions_of(is_first: bool, begin: Callable[[], list[Record]]) -> list[Record]:
    """The positions of branches or iterations: those at which the previous run of the execution ended, or new ones.

    step-functions/latest/dg/redrive-executions (Parallel, Inline Map): a redrive continues the branches and iterations
    that failed or were aborted. A retry of the state runs all of them.
    """
    position = branch.get().position
    if not is_first or "inner" not in position:
        position["inner"] = begin()
    found: list[Record] = position["inner"]
    return found


def attempt_map(state: Record, given: Any, execution: Record, context: Record, is_first: bool) -> Result:
    processor = state.get("ItemProcessor") or state.get("Iterator", {})
    name = branch.get().name
    if processor.get("ProcessorConfig", {}).get("Mode") == "DISTRIBUTED":
        items = [] if "ItemReader" in state else items_of(state, given, context)
        stepfunctions._add_event(execution, "MapStateStarted", {"mapStateStartedEventDetails": {"length": len(items)}})
        return run_distributed(state, given, execution, context)

    def positions_of_items() -> list[Record]:
        return [
            at_state(processor["StartAt"], item_input(state, given, context, index, item), context["variables"])
            for index, item in enumerate(items_of(state, given, context))
        ]

    positions = positions_of(is_first, positions_of_items)
    details = {"mapStateStartedEventDetails": {"length": len(positions)}}
    started = stepfunctions._add_event(execution, "MapStateStarted", details)

    def begin(index: int, one: Branch) -> None:
        one.index = index
        record_iteration(execution, "Started", name, one)

    def run(index: int, one: Branch) -> None:
        run_states(processor["States"], positions[index], execution, context)
        record_iteration(execution, "Succeeded", name, one)

    at_once = int(seconds_of(state, "MaxConcurrency", given, context) or 0) or len(positions)
    results = run_side_by_side(execution, positions, at_once, started["id"], begin, run, name)
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
    with_item = {**context, "Map": {"Item": {"Index": index, "Value": item, "Source": "STATE_DATA"}}}
    if is_jsonata(state, context):
        return stepfunctions._apply_jsonata_template(selector, given, with_item, location="ItemSelector")
    effective = stepfunctions._apply_input_path(state, given, context)
    return stepfunctions._resolve_params_obj(selector, effective, with_item)


def execute_parallel(
    _original: Callable[..., Result], state: Record, given: Any, execution: Record, context: Record
) -> Result:
    """[test_parallel_state, test_parallel_state_catch, test_parallel_state_retry]"""
    attempts = count()
    return run_attempts(
        state,
        given,
        context,
        lambda: attempt_parallel(state, given, execution, context, is_first=next(attempts) == 0),
        lambda error: fail_whole("Parallel", execution, error),
    )


def attempt_parallel(state: Record, given: Any, execution: Record, context: Record, is_first: bool) -> Result:
    branches = state["Branches"]

    def positions_of_branches() -> list[Record]:
        if is_jsonata(state, context):
            inputs = stepfunctions._apply_jsonata_arguments(state, given, context)
        else:
            effective = stepfunctions._apply_input_path(state, given, context)
            inputs = stepfunctions._apply_parameters(state, effective, context)
        return [at_state(one["StartAt"], copy.deepcopy(inputs), context["variables"]) for one in branches]

    positions = positions_of(is_first, positions_of_branches)
    started = stepfunctions._add_event(execution, "ParallelStateStarted")

    def run(index: int, _one: Branch) -> None:
        run_states(branches[index]["States"], positions[index], execution, context)

    results = run_side_by_side(execution, positions, len(branches), started["id"], lambda *_: None, run)
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
    positions: list[Record],
    at_once: int,
    started: int,
    begin: Callable[[int, Branch], None],
    run: Callable[[int, Branch], None],
    map_name: str | None = None,
) -> list[Any]:
    """Runs the unfinished branches or iterations with limited concurrency, and returns the results of all. The first
    failure stops the others.

    step-functions/latest/dg/state-map-inline (MaxConcurrency) and concepts-error-handling: an unhandled error in a
    branch or iteration fails the whole state and stops the others.
    """
    outer = branch.get()
    siblings = Siblings()
    todo: Iterator[int] = iter([index for index, one in enumerate(positions) if not is_finished(one)])

    def work(one: Branch, index: int | None) -> None:
        branch.set(one)
        try:
            while index is not None:
                run(index, one)
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
    return [one["value"] for one in positions]


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
