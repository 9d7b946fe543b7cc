"""Switches for test suites, by environment variables. Without them nothing is changed.

Each switch selects a behaviour that AWS can show, or makes something observable that otherwise is not:

LOCAL_AWS_JITTER=<factor>
    Intervals of retries with full jitter are drawn from [0, factor × interval]. Full jitter can result in any of
    them, so a run with short intervals is possible on AWS (step-functions/latest/dg/concepts-error-handling).
LOCAL_AWS_ASYNC_PAUSES=<factor>
    Factor on the one and two minutes between attempts of an asynchronous invocation. The age of the event, and so the
    number of attempts, does not change.
LOCAL_AWS_LONG_PAUSES=<factor>
    Factor on intervals without jitter that grow to five minutes or more, so that an outage of a day takes a minute
    here. The number of attempts and their results do not change.
LOCAL_AWS_CALLBACK_TIMEOUTS=<factor>
    Factor on the timeout of a task with a callback, if that is five minutes or more. Without a callback, the timeout
    of half an hour takes a minute here.
LOCAL_AWS_PREDICTABLE_SUBS=on
    AdminCreateUser generates subs that a test can compute. AWS documents only that a sub is a unique UUID
    (cognito/latest/developerguide/user-pool-settings-attributes); the subs are unique here, too.
LOCAL_AWS_SERVICE_CALLS=through-endpoint
    A state machine sends PutEvents to AWS_ENDPOINT_URL, which can be a proxy. On AWS it is a request, too, which can
    be rejected or lost.
LOCAL_AWS_WORKERS=<n> [<function>=<n> ...]
    Maximum concurrent invocations of a function, and of single functions that wait for others; ten times as many in
    all. AWS allows more (lambda/latest/dg/lambda-concurrency).
LOCAL_AWS_UNDER_TEST=on
    Enables routes (local_routes.py) for situations that are rare or take hours on AWS:
    POST /_local_aws/time-out {executionArn}: the execution times out.
    POST /_local_aws/kill {functionName, contains?}: the processes that currently run the function (for an event that
    contains the text) crash, as an execution environment can at any time.
    POST /_local_aws/recycle {functionName}: the idle processes of the function end, as they do after a while, so that
    the next invocations are cold starts.
    POST /_local_aws/hold {stateMachineArn, execution, state, index?}: executions of the state machine whose names begin
    with `execution` wait in the state after they have entered it, in a Map only in the iteration with the index. AWS
    documents no maximum for the time between two events of an execution.
    POST /_local_aws/release {hold}: they continue. All routes return what they changed. The SDK of each function also sends the
    function's name in its User-Agent (`app/<function>`), as CloudTrail records its session, so that a proxy can
    attribute calls (sdkref/latest/guide/feature-appid).
"""

from __future__ import annotations

import json
import os
import random
import threading
import uuid
from collections import Counter
from collections.abc import Callable
from functools import cache
from typing import Any

from ministack.core import lambda_runtime
from ministack.core.responses import get_region
from ministack.services import cognito, stepfunctions

from corrections import lambda_async, lambda_concurrency, stepfunctions_callback, stepfunctions_states, stepfunctions_task
from corrections.local_routes import ROUTES
from corrections.stepfunctions_end import branch, ends, has_ended, is_over, leave_if_ended, present, time_out, waited_for
from corrections.support import replace_text, wrap_function

Record = dict[str, Any]
Response = tuple[int, dict[str, str], bytes]

LONGEST_CALL_SECONDS = 3


def apply() -> None:
    given = os.environ.get
    if factor := given("LOCAL_AWS_JITTER"):
        draw_short_pauses(float(factor))
    if factor := given("LOCAL_AWS_ASYNC_PAUSES"):
        lambda_async.SCALE = float(factor)
    if factor := given("LOCAL_AWS_LONG_PAUSES"):
        stepfunctions_task.LONG_PAUSES = float(factor)
    if factor := given("LOCAL_AWS_CALLBACK_TIMEOUTS"):
        stepfunctions_callback.LONG_TIMEOUTS = float(factor)
    if given("LOCAL_AWS_PREDICTABLE_SUBS") == "on":
        predict_subs()
    if given("LOCAL_AWS_SERVICE_CALLS") == "through-endpoint":
        put_events_through_the_endpoint()
    if workers := given("LOCAL_AWS_WORKERS"):
        allow_workers(*workers.split())
    if given("LOCAL_AWS_UNDER_TEST") == "on":
        wrap_function(lambda_runtime, "Worker.invoke", remember_the_event)
        ROUTES.update({"time-out": time_out_now, "kill": kill, "recycle": recycle, "hold": hold, "release": release})
        for kind, run in stepfunctions_states.HANDLERS.items():
            stepfunctions_states.HANDLERS[kind] = held(run)
        name_the_function_in_its_calls()


def allow_workers(each: str, *exceptions: str) -> None:
    lambda_concurrency.MAX_PROCESSES_PER_FUNCTION = int(each)
    for name, _, count in (exception.partition("=") for exception in exceptions):
        lambda_concurrency.MAX_PROCESSES_OF[name] = int(count)
    more = sum(lambda_concurrency.MAX_PROCESSES_OF.values())
    lambda_concurrency.MAX_PROCESSES = max(lambda_concurrency.MAX_PROCESSES, 10 * int(each) + more)


def name_the_function_in_its_calls() -> None:
    replace_text(
        lambda_runtime,
        "Worker._spawn",
        '        spawn_env.setdefault(HOST_PREFIX_ENV, "true")\n',
        '        spawn_env.setdefault(HOST_PREFIX_ENV, "true")\n'
        '        spawn_env["AWS_SDK_UA_APP_ID"] = self.config["FunctionName"]\n',
    )


def draw_short_pauses(factor: float) -> None:
    stepfunctions_task.full_jitter = lambda seconds: random.uniform(0, factor * seconds)


def predict_subs() -> None:
    cognito._next_sub = next_sub
    replace_text(cognito, "_admin_create_user", 'attr_dict["sub"] = new_uuid()', 'attr_dict["sub"] = _next_sub(pid, username)')


creations: Counter[tuple[str, str]] = Counter()
"""The number of created users by pool and name."""


def next_sub(pool_id: str, username: str) -> str:
    name = username.lower()
    creations[pool_id, name] += 1
    return predicted_sub(pool_id, name, creations[pool_id, name])


def predicted_sub(pool_id: str, name: str, n: int) -> str:
    """The sub of the n-th user of this name, in lower case. The same function as faults/predicted-sub.ts."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{pool_id}/{name}/{n}"))


def put_events_through_the_endpoint() -> None:
    stepfunctions._put_events = put_events
    replace_text(
        stepfunctions, "_invoke_events_put_events", "eventbridge._put_events(input_data)", "_put_events(input_data)"
    )


def put_events(request: Record) -> Response:
    """Runs in the thread of the execution, which stops after the call if the execution has ended."""
    from botocore.exceptions import BotoCoreError  # takes a quarter of a second, for the failure suite only

    if present.get() is None:  # TestState runs in the thread that would have to respond
        from ministack.services import eventbridge

        return eventbridge._put_events(request)
    entries = [{**entry, "Detail": as_text(entry.get("Detail", {}))} for entry in request["Entries"]]
    try:
        answer = send_signed("events", "AWSEvents.PutEvents", {**request, "Entries": entries})
        result = json.loads(answer.content)
    except (BotoCoreError, ValueError) as problem:
        raise stepfunctions._ExecutionError("EventBridge.SdkClientException", str(problem)) from problem
    if answer.status_code < 400:
        return answer.status_code, {}, answer.content
    raise stepfunctions._ExecutionError(name_of(result.get("__type", "")), json.dumps(result))


def as_text(detail: Any) -> str:
    return detail if isinstance(detail, str) else json.dumps(detail)


def name_of(error: str) -> str:
    """Errors that EventBridge defines have their name (events: InternalException), all others that of the SDK's base
    class.

    AWS documents only EventBridge.FailedEntry for this integration; the form follows Lambda's
    (step-functions/latest/dg/concepts-error-handling).
    """
    name = error.rpartition("#")[2]
    return f"EventBridge.{name}" if name == "InternalException" else "EventBridge.EventBridgeException"


def send_signed(service: str, target: str, request: Record) -> Any:
    """One attempt, signed with the root key. The permission of the state machine's role was checked before."""
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    call = AWSRequest(
        "POST",
        f"{os.environ['AWS_ENDPOINT_URL']}/",
        {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": target},
        json.dumps(request),
    )
    key = Credentials(os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"])
    SigV4Auth(key, service, get_region()).add_auth(call)
    return connections().send(call.prepare())


@cache
def connections() -> Any:
    from botocore.httpsession import URLLib3Session

    return URLLib3Session(timeout=LONGEST_CALL_SECONDS)


running: dict[Any, str] = {}
"""The running processes with their events."""


def remember_the_event(original: Callable[..., Record], worker: Any, event: Any, *args: Any, **kwargs: Any) -> Record:
    running[worker] = json.dumps(event)
    try:
        return original(worker, event, *args, **kwargs)
    finally:
        del running[worker]


def time_out_now(executionArn: str) -> Record:
    execution = stepfunctions._executions[executionArn]
    running = not has_ended(execution)
    time_out(execution, 0)
    return {"timedOut": running and execution["status"] == "TIMED_OUT"}


def kill(functionName: str, contains: str = "") -> Record:
    processes = [
        worker._proc
        for worker, event in list(running.items())
        if worker.func_name == functionName and contains in event and worker._proc is not None and not worker._cold
    ]
    for process in processes:
        process.kill()
    return {"killed": len(processes)}


def recycle(functionName: str) -> Record:
    ended = []
    with lambda_runtime._lock:
        for pool in lambda_runtime._workers.values():
            idle = [worker for worker in pool if worker.func_name == functionName and not worker.in_use]
            pool[:] = [worker for worker in pool if worker not in idle]
            ended += idle
    lambda_runtime.kill_workers(ended)
    return {"recycled": len(ended)}


holds: dict[str, Record] = {}
"""The states in which executions wait, by id."""


def hold(stateMachineArn: str, execution: str, state: str, index: int | None = None) -> Record:
    key = str(uuid.uuid4())
    with ends:
        holds[key] = {"stateMachineArn": stateMachineArn, "execution": execution, "state": state, "index": index}
    return {"hold": key}


def release(hold: str) -> Record:
    with ends:
        released = holds.pop(hold, None)
        for its_end in waited_for.values():
            its_end.notify_all()
    return {"released": released is not None}


def held(run: Callable[..., Any]) -> Callable[..., Any]:
    """A kind of state that waits while a hold of its execution, state and iteration exists, or until it is stopped."""

    def wait_and_run(state: Record, given: Any, execution: Record, context: Record) -> Any:
        def is_held() -> bool:
            return any(applies(one, execution, context["State"]["Name"]) for one in holds.values())

        with ends:
            if is_held():
                arn = execution["executionArn"]
                its_end = waited_for.setdefault(arn, threading.Condition(ends))
                its_end.wait_for(lambda: is_over() or not is_held())
                leave_if_ended()
        return run(state, given, execution, context)

    return wait_and_run


def applies(one: Record, execution: Record, state: str) -> bool:
    return (
        execution["stateMachineArn"] == one["stateMachineArn"]
        and execution["name"].startswith(one["execution"])
        and state == one["state"]
        and one["index"] in (None, branch.get().index)
    )
