"""IAM and Signature Version 4: every signature is verified, including the body; permissions of service principals."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from typing import Any

from ministack.core import iam_evaluator, sigv4
from ministack.core.arn import parse_arn
from ministack.core.responses import get_account_id, get_region
from ministack.services import iam

from corrections.accounts import in_account_of, is_foreign, owner_of
from corrections.support import replace_text, wrap_function

Policy = str | Mapping[str, Any] | None


def apply() -> None:
    verify_root_signatures()
    wrap_function(sigv4, "header_signature_failure", compare_body_with_its_hash)
    wrap_function(iam_evaluator, "pin_request_origin", trust_local_transport)
    wrap_function(iam_evaluator, "parse_policy_document", parse_once)
    know_variables()


def verify_root_signatures() -> None:
    """IAM/latest/UserGuide/reference_sigv: the root user's requests are verified like all others.

    MiniStack does not verify the root key.
    """
    replace_text(
        iam_evaluator,
        "pin_signed_request",
        "if not (verifiable or names_no_key) or (access_key_id and _is_root_key(access_key_id)):",
        "if not (verifiable or names_no_key):",
    )


parsed: dict[str, list[Any]] = {}
"""The statements of each policy by its JSON."""


def parse_once(original: Callable[[Any], list[Any]], document: Any) -> list[Any]:
    """For speed only: MiniStack parses all policies of a role at each call."""
    if not isinstance(document, str):
        return original(document)
    if document not in parsed:
        parsed[document] = original(document)
    return parsed[document]


def compare_body_with_its_hash(
    original: Callable[..., tuple[str, str] | None],
    signature: sigv4.HeaderSignature,
    secret: str,
    method: str,
    path: str,
    query: Mapping[str, Any],
    headers: Mapping[str, str],
    body: bytes,
    **options: Any,
) -> tuple[str, str] | None:
    """IAM/latest/UserGuide/reference_sigv-create-signed-request: the signature covers the hash of the body.

    MiniStack trusts the header x-amz-content-sha256, which callers can choose only for S3.
    """
    stated = headers.get("x-amz-content-sha256")
    if stated and signature.service != "s3" and stated != hashlib.sha256(body).hexdigest():
        return "SignatureDoesNotMatch", sigv4.SIGNATURE_MISMATCH
    return original(signature, secret, method, path, query, headers, body, **options)


def trust_local_transport(original: Callable[[str, bool], None], source_ip: str, _secure: bool) -> None:
    """IAM/latest/UserGuide/reference_policies_condition-keys (aws:SecureTransport): clients of AWS use TLS.

    Here they use plain HTTP on the loopback interface, which a policy that requires TLS (that of the CDK bootstrap
    bucket) would deny.
    """
    original(source_ip, True)


def know_variables() -> None:
    wrap_function(iam_evaluator, "_conditions_met", fill_in_variables)


def fill_in_variables(
    original: Callable[[Mapping[str, Any], iam_evaluator.EvalContext], bool],
    conditions: Mapping[str, Any],
    context: iam_evaluator.EvalContext,
) -> bool:
    """IAM/latest/UserGuide/reference_policies_variables: a variable in a condition is replaced by the value of the
    request.

    MiniStack compares the name of the variable.
    """

    def value_of(variable: re.Match[str]) -> str:
        value = iam_evaluator._resolve_condition_key(variable[1], context)
        return value if isinstance(value, str) else variable[0]

    def filled(value: Any) -> Any:
        if isinstance(value, str):
            return re.sub(r"\$\{([\w:/-]+)\}", value_of, value)
        if isinstance(value, list):
            return [filled(one) for one in value]
        if isinstance(value, dict):
            return {key: filled(one) for key, one in value.items()}
        return value

    return original(filled(conditions), context)


def service_may(service: str, action: str, resource: str, policy: Policy, source: str) -> bool:
    """Whether a resource's policy lets an AWS service act on it for `source` (an ARN).

    IAM/latest/UserGuide/reference_policies_elements_principal (service principals).
    """
    context = iam_evaluator.EvalContext(
        principal_arn="*",
        principal_type="Service",
        principal_account="",
        action=action,
        resource_arn=resource,
        region=get_region(),
        secure_transport=True,
        service_context=source_context(source),
    )
    return iam_evaluator.evaluate_resource_policy(policy, context, service=service).decision == "Allow"


def role_may(
    service: str, role_arn: str, action: str, resource: str, source: str, keys: Mapping[str, Any] | None = None
) -> bool:
    """Whether an AWS service may assume the role for `source` (an ARN), and the role may then act on the resource.
    `keys` are the condition keys of the request itself.

    IAM/latest/UserGuide/id_roles_create_for-service, IAM/latest/UserGuide/confused-deputy.
    """
    with in_account_of(role_arn):
        return role_of_this_account_may(service, role_arn.rsplit("/", 1)[-1], action, resource, source, keys)


def role_of_this_account_may(
    service: str, name: str, action: str, resource: str, source: str, keys: Mapping[str, Any] | None
) -> bool:
    role = iam._roles.get(name)
    if role is None or not trusts(role, service, source):
        return False
    account = get_account_id()
    context = iam_evaluator.EvalContext(
        principal_arn=f"arn:aws:sts::{account}:assumed-role/{name}/{service.split('.')[0]}",
        principal_type="AssumedRole",
        principal_account=account,
        action=action,
        resource_arn=resource,
        region=get_region(),
        secure_transport=True,
        service_context={key.lower(): value for key, value in (keys or {}).items()},
    )
    identity = iam_evaluator.evaluate(context, iam_evaluator._gather_role_policies(name, account))
    if not is_foreign(resource):
        return identity.decision == "Allow"
    # IAM/latest/UserGuide/reference_policies_evaluation-logic-cross-account: the policy of the resource counts, too.
    policy, owner = iam_evaluator._resource_policy(parse_arn(resource).service, resource) or (None, owner_of(resource))
    return iam_evaluator.combine_resource_policy(identity, context, policy, owner).decision == "Allow"


def trusts(role: Mapping[str, Any], service: str, source: str) -> bool:
    context = iam_evaluator.EvalContext(
        principal_arn="*",
        principal_type="Service",
        principal_account="",
        action="sts:AssumeRole",
        resource_arn="*",
        region=get_region(),
        service_context=source_context(source),
    )
    trust = role["AssumeRolePolicyDocument"]
    return iam_evaluator.evaluate_resource_policy(trust, context, service=service).decision == "Allow"


def source_context(source: str) -> dict[str, str]:
    """IAM/latest/UserGuide/reference_policies_condition-keys (aws:SourceArn, aws:SourceAccount); aws:SourceOwner is an older
    name of the latter, in the policy that topics have by default."""
    return {"aws:sourcearn": source, "aws:sourceaccount": owner_of(source), "aws:sourceowner": owner_of(source)}
