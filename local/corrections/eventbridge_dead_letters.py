"""EventBridge: undeliverable events are retried, and finally go to the target's dead-letter queue."""

from __future__ import annotations

import contextvars
import json
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ministack.core.arn import parse_arn
from ministack.services import cloudwatch_logs, eventbridge, lambda_svc, sns, stepfunctions
from ministack.services import sqs as queues

from corrections import sqs
from corrections.eventbridge import SERVICE, NotDelivered, is_rule, log_group_name
from corrections.iam import service_may
from corrections.support import replace_text, wrap_function

logger = logging.getLogger("corrections.eventbridge_dead_letters")

Fields = dict[str, Any]

DEFAULT_ATTEMPTS = 185
DEFAULT_AGE_SECONDS = 24 * 60 * 60

FIRST_PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 60
"""AWS documents only that the intervals grow exponentially, with jitter."""

# Whether a target exists, by service.
EXISTS: dict[str, Callable[[str], object]] = {
    "lambda": lambda arn: lambda_svc._get_func_record_for_ref(arn)[0],
    "sqs": queues._queue_by_arn,
    "sns": sns._topics.get,
    "logs": lambda arn: cloudwatch_logs._log_groups.get(log_group_name(arn)),
    "states": stepfunctions._resolve_state_machine_arn,
}


def apply() -> None:
    say_what_failed()
    wrap_function(eventbridge, "_invoke_target", deliver)


def say_what_failed() -> None:
    """MiniStack logs failures and continues."""
    eventbridge._NotDelivered = NotDelivered
    replace_text(
        eventbridge,
        "_invoke_target",
        'logger.error("EventBridge target dispatch error for %s: %s", arn, e)',
        "raise",
    )
    # An API destination is called in the retry loop, and its response counts.
    replace_text(
        eventbridge,
        "_dispatch_to_api_destination",
        """\
    threading.Thread(
        target=_deliver_to_api_destination,
        args=(name, request, copy.deepcopy(conn), token_key),
        daemon=True,
    ).start()
""",
        "    _deliver_to_api_destination(name, request, copy.deepcopy(conn), token_key)\n",
    )
    for old, new in (
        (
            'logger.warning("EventBridge → API destination %s delivery failed: %s", name, exc)\n        return',
            'raise _NotDelivered("CONNECTION_FAILURE", str(exc), True) from exc',
        ),
        (
            """\
        logger.warning(
            "EventBridge → API destination %s: retryable HTTP %s (retry pipeline not modeled; dropped)",
            name,
            status,
        )
""",
            '        raise _NotDelivered("ERROR_FROM_TARGET", f"HTTP {status}", True)\n',
        ),
        (
            'logger.warning("EventBridge → API destination %s: HTTP %s (not retryable; dropped)", name, status)',
            'raise _NotDelivered("ERROR_FROM_TARGET", f"HTTP {status}")',
        ),
    ):
        replace_text(eventbridge, "_deliver_to_api_destination", old, new)


@dataclass
class Delivery:
    """The delivery of one event to one target of a rule."""

    invoke: Callable[[], None]
    event: Fields
    rule_arn: str
    target: Fields
    started_at: float
    retries: int = 0

    def attempt(self) -> NotDelivered | None:
        try:
            must_exist(self.target["Arn"])
            self.invoke()
        except NotDelivered as problem:
            return problem
        except Exception as error:
            return NotDelivered("INTERNAL_ERROR", str(error), True)
        return None

    def exhausted(self) -> str | None:
        """The name of the exceeded limit of the retry policy; None if a further attempt is allowed."""
        policy = self.target.get("RetryPolicy") or {}
        if self.retries >= policy.get("MaximumRetryAttempts", DEFAULT_ATTEMPTS):
            return "MaximumRetryAttempts"
        age = time.time() + self.pause() - self.started_at
        if age > policy.get("MaximumEventAgeInSeconds", DEFAULT_AGE_SECONDS):
            return "MaximumEventAgeInSeconds"
        return None

    def pause(self) -> float:
        return min(FIRST_PAUSE_SECONDS * 2**self.retries, LONGEST_PAUSE_SECONDS)


def deliver(
    original: Callable[..., None], target: Fields, event: Fields, rule: Fields, view: Any = None
) -> None:
    """eventbridge/latest/userguide/eb-rule-retry-policy: temporary errors are retried, for 24 hours and up to 185 times
    by default; a missing permission or target is not. The first attempt runs during PutEvents; further ones, and
    calls over the network, run after it."""
    if not is_rule(rule):  # a schedule of EventBridge Scheduler
        try:
            original(target, event, rule, view)
        except Exception as error:
            logger.error("not delivered: %s: %s", target["Arn"], error)
        return
    view = view or eventbridge._pattern_event_view(event)
    delivery = Delivery(
        lambda: original(target, event, rule, view), view.event_with_detail(), rule["Arn"], target, time.time()
    )
    if ":api-destination/" in target["Arn"]:
        later(lambda: go_on(delivery, delivery.attempt()))
        return
    problem = delivery.attempt()
    if problem is not None and problem.may_pass:
        later(lambda: go_on(delivery, problem))
    else:
        go_on(delivery, problem)


def later(run: Callable[[], None]) -> None:
    """Runs in the background, for the same account and region."""
    threading.Thread(target=contextvars.copy_context().run, args=(run,), daemon=True).start()


def go_on(delivery: Delivery, problem: NotDelivered | None) -> None:
    limit = None
    while problem is not None and problem.may_pass:
        limit = delivery.exhausted()
        if limit is not None:
            break
        time.sleep(delivery.pause())
        delivery.retries += 1
        problem = delivery.attempt()
    if problem is not None:
        bury(delivery, problem, limit)


def must_exist(arn: str) -> None:
    exists = EXISTS.get(parse_arn(arn).service)
    if exists is not None and not exists(arn):
        raise NotDelivered("NO_RESOURCE", f"{arn} does not exist.")


def bury(delivery: Delivery, problem: NotDelivered, limit: str | None) -> None:
    """eventbridge/latest/userguide/eb-rule-dlq: the event with error and target as attributes, if the queue's policy
    allows the rule to send. MiniStack has no dead-letter queues of targets."""
    logger.warning("not delivered: %s from %s: %s", delivery.target["Arn"], delivery.rule_arn, problem)
    queue = (delivery.target.get("DeadLetterConfig") or {}).get("Arn")
    if queue is None:
        return
    policy, _ = queues.queue_policy_for_arn(queue) or (None, "")
    if not service_may(SERVICE, "sqs:SendMessage", queue, policy, delivery.rule_arn):
        logger.warning("lost: %s does not let %s send", queue, delivery.rule_arn)
        return
    attributes: sqs.Attributes = {
        "RULE_ARN": delivery.rule_arn,
        "TARGET_ARN": delivery.target["Arn"],
        "ERROR_CODE": problem.code,
        "ERROR_MESSAGE": problem.message,
        "RETRY_ATTEMPTS": delivery.retries,
        **({} if limit is None else {"EXHAUSTED_RETRY_CONDITION": limit}),
    }
    if not sqs.put(queue, json.dumps(delivery.event), attributes):
        logger.warning("lost: there is no queue %s", queue)
