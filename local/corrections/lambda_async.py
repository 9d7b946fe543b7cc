"""Lambda: retries of asynchronous invocations, with one request id for all attempts.

lambda/latest/dg/invocation-async-error-handling: one minute after the first attempt, and two minutes after the
second. A throttled event returns to the queue, which is not an attempt.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from ministack.core.responses import new_uuid
from ministack.services import lambda_svc

from corrections.support import replace_text, wrap_function

Fields = dict[str, Any]
Response = tuple[int, dict[str, str], bytes]

PAUSES = (60, 120)
"""Seconds before the second and the third attempt."""

SCALE = 1.0
"""Factor on the intervals; test suites change it."""

LONGEST_AGE = 21600

LONGEST_THROTTLE_PAUSE = 300

request_id: ContextVar[str | None] = ContextVar("request_id", default=None)
"""The request id of the asynchronous invocation of this thread."""


def apply() -> None:
    keep_the_request_id()
    wait_as_lambda_does()
    return_throttled_events_to_the_queue()
    replace_text(
        lambda_svc,
        "_invoke",
        'return 202, {"X-Amz-Executed-Version": executed_version}, b""',
        'return 202, {}, b""',  # Recorded: lambda_ test_invocation_type_event.
    )
    wrap_function(lambda_svc, "_put_event_invoke_config", keep_to_what_was_put)


def keep_the_request_id() -> None:
    """lambda/latest/dg/nodejs-context (awsRequestId): all attempts have one id. MiniStack generates one for each.

    Recorded: lambda_ test_request_id_async_invoke_with_retry.
    """
    lambda_svc._request_id = lambda: request_id.get() or new_uuid()
    lambda_svc._begin_event = lambda: request_id.set(new_uuid())
    replace_text(lambda_svc, "_execute_function", "request_id = new_uuid()", "request_id = _request_id()")
    replace_text(
        lambda_svc,
        "invoke_async_with_retry",
        "        started = time.time()\n",
        "        _begin_event()\n",
    )


def wait_as_lambda_does() -> None:
    """MiniStack waits one and two seconds. There is no further attempt if the event would exceed its maximum age by
    then.

    Recorded: lambda_ test_maxeventage.
    """
    lambda_svc._pause_before = lambda attempt: PAUSES[attempt - 1] * SCALE
    lambda_svc._age_at = age_at
    replace_text(
        lambda_svc,
        "invoke_async_with_retry",
        """\
                delay = min(_LAMBDA_ASYNC_RETRY_BASE_SECONDS * (2 ** (attempt - 1)),
                            _LAMBDA_ASYNC_RETRY_MAX_SECONDS)
""",
        "                delay = _pause_before(attempt)\n",
    )
    replace_text(
        lambda_svc,
        "invoke_async_with_retry",
        "if (time.time() - started) + delay > max_event_age:",
        "if _age_at(attempt) >= max_event_age:",
    )


def age_at(attempt: int) -> int:
    """Seconds from the first attempt to this one, counted from 0."""
    return sum(PAUSES[:attempt])


def return_throttled_events_to_the_queue() -> None:
    """lambda/latest/dg/invocation-async-error-handling: a throttled event returns to the queue until it exceeds its
    maximum age; the interval grows from one second to five minutes. MiniStack counts it as a failed attempt.
    """
    lambda_svc._run_when_admitted = run_when_admitted
    replace_text(
        lambda_svc,
        "invoke_async_with_retry",
        "            last_result = _execute_function(func, event)\n",
        """\
            last_result = _run_when_admitted(func, event, max_event_age)
            if last_result.get("throttle"):
                break
""",
    )


def run_when_admitted(function: Fields, event: Any, longest_age: int) -> Fields:
    """The result of an attempt, or of the last throttle.

    Recorded: lambda_ test_reserved_concurrency, for a function without concurrency.
    """
    pause, age = 1, 0
    while True:
        # An operator can change the limit meanwhile.
        reserved = lambda_svc._functions[function["config"]["FunctionName"]].get("concurrency")
        if reserved == 0:
            return {"error": True, "throttle": True, "condition": "ZeroReservedConcurrency"}
        result = lambda_svc._execute_function({**function, "concurrency": reserved}, event)
        if not result.get("throttle"):
            return result
        if age + pause >= longest_age:
            return {**result, "condition": "EventAgeExceeded"}
        time.sleep(pause * SCALE)
        age += pause
        pause = min(2 * pause, LONGEST_THROTTLE_PAUSE)


def outcome(options: Fields) -> tuple[str, int]:
    """lambda/latest/dg/invocation-async-retain-records (condition): the condition and the number of attempts."""
    retries = options.get("MaximumRetryAttempts")
    attempts = (len(PAUSES) if retries is None else int(retries)) + 1
    in_time = [n for n in range(attempts) if age_at(n) < int(options.get("MaximumEventAgeInSeconds", LONGEST_AGE))]
    return ("RetriesExhausted" if len(in_time) == attempts else "EventAgeExceeded"), len(in_time)


def keep_to_what_was_put(
    original: Callable[..., Response], name: str, qualifier: str | None, request: Fields
) -> Response:
    """lambda/latest/api/API_PutFunctionEventInvokeConfig: the response has the version's ARN and only the given fields.
    MiniStack adds the defaults.

    Recorded: lambda_ test_lambda_destination_default_retries.
    """
    response = original(name, qualifier, request)
    if response[0] >= 400:
        return response
    config = lambda_svc._event_invoke_config(lambda_svc._functions[name], qualifier)
    for field in ("MaximumRetryAttempts", "MaximumEventAgeInSeconds"):
        if field not in request:
            del config[field]
    if not qualifier:
        config["FunctionArn"] += ":$LATEST"
    return lambda_svc.json_response(config)
