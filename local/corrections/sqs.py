"""SQS: messages that AWS services send, and metrics of queues."""

from __future__ import annotations

import hashlib
import threading
import time
from typing import Any

from ministack.core.responses import get_account_id, new_uuid, request_scope
from ministack.services import cloudwatch, sqs

SECONDS_BETWEEN_POLLS = 1
SECONDS_BETWEEN_POINTS = 60
"""An unchanged length is published once a minute, as on AWS."""

VISIBLE = "ApproximateNumberOfMessagesVisible"

Attributes = dict[str, str | int]


def apply() -> None:
    threading.Thread(target=measure_for_ever, name="queue metrics", daemon=True).start()


def put(queue_arn: str, body: str, attributes: Attributes) -> bool:
    """Sends a message to a queue for a service whose permission was checked; False if the queue does not exist."""
    queue = sqs._queue_by_arn(queue_arn)
    if queue is None:
        return False
    now = time.time()
    message = {
        "id": new_uuid(),
        "body": body,
        "md5_body": hashlib.md5(body.encode()).hexdigest(),
        "receipt_handle": None,
        "sent_at": now,
        "visible_at": now + sqs.queue_delay(queue),
        "receive_count": 0,
        "message_attributes": {name: attribute(value) for name, value in attributes.items()},
        "sys": {"SenderId": get_account_id(), "SentTimestamp": str(int(now * 1000))},
    }
    sqs._ensure_msg_fields(message)
    queue["messages"].append(message)
    return True


def attribute(value: str | int) -> dict[str, str]:
    return {"DataType": "Number" if isinstance(value, int) else "String", "StringValue": str(value)}


def measure_for_ever() -> None:
    """AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics: AWS/SQS, per queue, each minute.

    MiniStack has no metrics of queues. A length is published as soon as it changes, so that tests need not wait for a
    minute.
    """
    published: dict[tuple[str, ...], tuple[int, float]] = {}
    while True:
        time.sleep(SECONDS_BETWEEN_POLLS)
        now = time.time()
        for key, queue in list(sqs._queues._data.items()):
            visible = sum(message["visible_at"] <= now for message in list(queue["messages"]))
            last, at = published.get(key, (None, 0.0))
            if visible != last or now - at >= SECONDS_BETWEEN_POINTS:
                published[key] = (visible, now)
                publish_length(key, queue, visible)


def publish_length(key: tuple[str, ...], queue: dict[str, Any], visible: int) -> None:
    with request_scope(*key[:2]):
        cloudwatch.record_metric("AWS/SQS", VISIBLE, visible, "Count", {"QueueName": queue["name"]})
