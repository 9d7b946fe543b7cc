"""Lambda: the credentials of a function's role."""

from __future__ import annotations

from ministack.core import lambda_runtime
from ministack.core.responses import new_uuid

from corrections.support import replace_text

SHORTEST_SESSION_NAME = 2


def apply() -> None:
    name_the_session()
    differ_by_environment()


def name_the_session() -> None:
    """STS/latest/APIReference/API_AssumeRole (RoleSessionName): at least two characters. The session of a function has its
    name, and a suffix if the name is too short. MiniStack uses the name only.

    Recorded: lambda_ test_assume_role.
    """
    lambda_runtime._session_name = session_name
    replace_text(
        lambda_runtime,
        "execution_credentials",
        'config.get("FunctionName", "ministack-lambda")[:64]',
        '_session_name(config["FunctionName"])',
    )


def session_name(function: str) -> str:
    return function if len(function) >= SHORTEST_SESSION_NAME else f"{function}@lambda_function"


def differ_by_environment() -> None:
    """lambda/latest/dg/lambda-intro-execution-role: Lambda assumes the role for each execution environment. MiniStack
    derives the same credentials from the names of function and role.

    Recorded: lambda_ test_lambda_different_iam_keys_environment.
    """
    lambda_runtime._environment_id = new_uuid
    replace_text(
        lambda_runtime,
        "execution_credentials",
        'f"{function_arn}:{role_arn}".encode()',
        'f"{function_arn}:{role_arn}:{_environment_id()}".encode()',
    )
