"""Step Functions: the record of an execution is deleted some time after its end.

step-functions/latest/dg/service-quotas (execution history retention time): AWS keeps the record and the history of a
Standard execution for 90 days after it ended. Then the execution does not exist: it can neither be described nor
listed, and its name can be used again (step-functions/latest/apireference/API_StartExecution, name). MiniStack keeps
every record. A test cannot wait for 90 days, so a route deletes records:

POST /_local_aws/forget-execution {executionArns}: deletes all of these records or none. It fails, with the ARNs under
`running` and `unknown`, if one of them is running or does not exist.
"""

from __future__ import annotations

from typing import Any

from ministack.core.arn import ArnParseError, parse_arn
from ministack.core.responses import request_scope
from ministack.services import stepfunctions

from corrections.local_routes import ROUTES, Refused
from corrections.stepfunctions_end import ends

Record = dict[str, Any]


def apply() -> None:
    ROUTES["forget-execution"] = forget


def forget(executionArns: list[str]) -> Record:
    with ends:  # no execution is redriven meanwhile
        found = {arn: find(arn) for arn in executionArns}
        unknown = [arn for arn, execution in found.items() if execution is None]
        running = [arn for arn, execution in found.items() if execution is not None and execution["status"] == "RUNNING"]
        if unknown or running:
            raise Refused(unknown=unknown, running=running)
        for arn in found:
            with scope_of(arn):
                del stepfunctions._executions[arn]
    return {"forgotten": list(found)}


def find(arn: str) -> Record | None:
    try:
        with scope_of(arn):
            execution: Record | None = stepfunctions._executions.get(arn)
            return execution
    except ArnParseError:
        return None


def scope_of(arn: str) -> Any:
    """MiniStack keeps executions by account and region; the request has none."""
    parts = parse_arn(arn)
    return request_scope(parts.account_id, parts.region)
