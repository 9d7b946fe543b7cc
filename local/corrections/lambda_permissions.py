"""Lambda: a function writes its log, and sends failed events to its destination, with the permissions of its role."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from ministack.services import cloudwatch_logs, lambda_svc

from corrections.iam import role_may
from corrections.support import wrap_function

logger = logging.getLogger("corrections.lambda_permissions")

Fields = dict[str, Any]

SERVICE = "lambda.amazonaws.com"


def apply() -> None:
    wrap_function(lambda_svc, "_emit_lambda_logs", write_log)
    wrap_function(lambda_svc, "_route_async_failure", send_to_destination)


def write_log(original: Callable[..., None], function: Fields, *rest: Any, **options: Any) -> None:
    """lambda/latest/dg/monitoring-cloudwatchlogs (prerequisites): without the permissions to create log streams and to
    write to them, a function has no log. MiniStack always writes it."""
    config = function.get("config") or function
    group = (config.get("LoggingConfig") or {}).get("LogGroup") or f"/aws/lambda/{config['FunctionName']}"
    stream = f"{cloudwatch_logs._make_group_arn(group).removesuffix(':*')}:log-stream:any"
    if all(may(config, action, stream) for action in ("logs:CreateLogStream", "logs:PutLogEvents")):
        original(function, *rest, **options)


def send_to_destination(original: Callable[..., None], target: str, name: str, *rest: Any) -> None:
    """lambda/latest/dg/invocation-async-retain-records (dead-letter queues): the role needs sqs:SendMessage or
    sns:Publish. MiniStack checks no permission."""
    config = lambda_svc._functions[name]["config"]
    action = "sns:Publish" if ":sns:" in target else "sqs:SendMessage"
    if may(config, action, target):
        original(target, name, *rest)
    else:
        logger.warning("lost: %s has no permission for %s on %s", name, action, target)


def may(config: Fields, action: str, resource: str) -> bool:
    return role_may(SERVICE, config["Role"], action, resource, config["FunctionArn"])
