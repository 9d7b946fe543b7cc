"""Decides requests by the policies of both sides, as IAM does it across accounts; reads and writes JSON.

IAM/latest/UserGuide/reference_policies_evaluation-logic-cross-account: a caller of another account needs an Allow in
its own policies and one in the resource's. A request of a `service` is decided by the resource's policy alone.
"""

import json
import sys
from pathlib import Path

from ministack.core import iam_evaluator

sys.path.insert(0, str(Path(__file__).parents[3] / "local"))
from corrections import iam  # noqa: E402

iam.know_variables()


def decide(request: dict) -> str:
    context = iam_evaluator.EvalContext(
        principal_arn=request["principal"],
        principal_type="AssumedRole",
        principal_account=request["principal"].split(":")[4],
        action=request["action"],
        resource_arn=request["resource"],
        region="eu-central-1",
        secure_transport=True,
        service_context={key.lower(): value for key, value in request["context"].items()},
    )
    identity = iam_evaluator.evaluate(context, [iam_evaluator.parse_policy_document(request["identity_policy"])])
    owner = request["resource"].split(":")[4]
    is_key = request["action"].startswith("kms:")
    decision = iam_evaluator.combine_resource_policy(
        identity, context, request["resource_policy"], owner, required=is_key
    )
    return decision.decision


def decide_for_service(request: dict) -> str:
    context = iam_evaluator.EvalContext(
        principal_arn="*",
        principal_type="Service",
        principal_account="",
        action=request["action"],
        resource_arn=request["resource"],
        region="eu-central-1",
        secure_transport=True,
        service_context={key.lower(): value for key, value in request["context"].items()},
    )
    decision = iam_evaluator.evaluate_resource_policy(
        request["resource_policy"], context, service=request["service"]
    )
    return decision.decision


def decision_of(request: dict) -> str:
    return decide_for_service(request) if "service" in request else decide(request)


json.dump([decision_of(request) for request in json.load(sys.stdin)], sys.stdout)
