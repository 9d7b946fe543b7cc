"""CloudWatch: an alarm reaches a topic only if topic and key allow CloudWatch to publish."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from ministack.services import cloudwatch, kms, sns

from corrections.iam import service_may
from corrections.kms import key_arn
from corrections.support import wrap_function

logger = logging.getLogger("corrections.cloudwatch_alarm_actions")

Record = dict[str, Any]

SERVICE = "cloudwatch.amazonaws.com"
LISTS = ("AlarmActions", "OKActions", "InsufficientDataActions")
KEY_ACTIONS = ("kms:GenerateDataKey", "kms:Decrypt")


def apply() -> None:
    wrap_function(cloudwatch, "_dispatch_alarm_actions", notify_if_allowed)


def notify_if_allowed(original: Callable[..., None], alarm: Record, *change: str) -> None:
    """AmazonCloudWatch/latest/monitoring/Notify_Users_Alarm_Changes and sns/latest/dg/sns-key-management: CloudWatch
    needs sns:Publish by the topic's policy and, where the topic is encrypted, kms:GenerateDataKey* and kms:Decrypt by
    the key's. MiniStack checks no permission.

    repost.aws/knowledge-center/cloudwatch-receive-sns-for-alarm-trigger: otherwise the action fails, which only the
    alarm's history shows.
    """
    allowed = {name: [action for action in alarm.get(name) or [] if may_publish_alarm(action, alarm)] for name in LISTS}
    original({**alarm, **allowed}, *change)


def may_publish_alarm(action: str, alarm: Record) -> bool:
    topic = sns._topic_by_arn_any_scope(action) if ":sns:" in action else None
    if topic is None:
        return True
    source = alarm["AlarmArn"]
    key = topic.get("attributes", {}).get("KmsMasterKeyId")
    policy, _ = sns.topic_policy_for_arn(action) or (None, "")
    allowed = service_may(SERVICE, "sns:Publish", action, policy, source) and (not key or may_use(key, source))
    if not allowed:
        logger.warning("Failed to execute action %s of %s", action, source)
    return allowed


def may_use(key: str, source: str) -> bool:
    arn = key_arn(key)
    policy, _ = kms.key_policy_for_arn(arn) or (None, "")
    return all(service_may(SERVICE, action, arn, policy, source) for action in KEY_ACTIONS)
