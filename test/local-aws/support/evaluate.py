"""Decides requests by the policies of both sides, as IAM does it across accounts; reads and writes JSON.

IAM/latest/UserGuide/reference_policies_evaluation-logic-cross-account: a caller of another account needs an Allow in
its own policies and one in the resource's.
"""

import json
import sys

from ministack.core import iam_evaluator


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


json.dump([decide(request) for request in json.load(sys.stdin)], sys.stdout)
