"""Accounts: a request can name a resource of another account, and the policies of both accounts have to allow it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from ministack.core import iam_evaluator
from ministack.core.responses import get_account_id, get_region, request_scope

from corrections.support import replace_text, wrap_function

Found = tuple[Any, str] | None


def apply() -> None:
    wrap_function(iam_evaluator, "_resource_policy", find_policy_of_owner)
    check_root_users()


def owner_of(arn: str) -> str:
    """The account of a resource; that of the request if the text is no ARN, or an ARN without an account."""
    return iam_evaluator._account_from_arn(arn) or get_account_id()


def is_foreign(arn: str) -> bool:
    return owner_of(arn) != get_account_id()


def in_account_of(arn: str) -> AbstractContextManager[None]:
    """Within it, MiniStack finds and changes the resources of the account of the ARN."""
    return request_scope(owner_of(arn), get_region()) if is_foreign(arn) else nullcontext()


def find_policy_of_owner(original: Callable[[str, str], Found], service: str, arn: str) -> Found:
    """IAM/latest/UserGuide/reference_policies_evaluation-logic-cross-account: a request for a resource of another
    account needs an Allow in the policy of the caller and in that of the resource.

    MiniStack searches the account of the caller for the resource, and needs no policy of a resource that it does not
    find.
    """
    if not is_foreign(arn) or service not in iam_evaluator._RESOURCE_POLICY_LOOKUPS:
        return original(service, arn)
    with in_account_of(arn):
        return original(service, arn) or (None, owner_of(arn))


def check_root_users() -> None:
    """IAM/latest/UserGuide/reference_policies_evaluation-logic-cross-account: the root user of an account has all
    permissions for its resources only. MiniStack allows it everything."""
    iam_evaluator._is_foreign = is_foreign
    iam_evaluator._EVERYTHING = [
        iam_evaluator.parse_policy_document({"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}})
    ]
    replace_text(
        iam_evaluator,
        "enforce",
        "    if principal.policies is None:\n        return None\n",
        "    if principal.policies is None:\n"
        "        if not _is_foreign(resource_arn):\n"
        "            return None\n"
        "        principal.policies = _EVERYTHING\n",
    )
