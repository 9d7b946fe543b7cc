"""Schemathesis' command line, with what it has to know of the callers: how App1's sign their requests, and what App2's
show. Credentials come on standard input, as JSON: they are in no argument and no environment.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import sys
from datetime import datetime, timezone
from itertools import count
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit
from uuid import NAMESPACE_URL, uuid5

import schemathesis
import schemathesis.cli
from requests import PreparedRequest
from requests.auth import AuthBase
from schemathesis.core.parameters import ParameterLocation

ALGORITHM = "AWS4-HMAC-SHA256"


class Signature(AuthBase):
    """Signs what is sent, as it is sent.

    docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
    """

    def __init__(self, access_key_id: str, secret_access_key: str, region: str) -> None:
        self.access_key_id = access_key_id
        self.secret_access_key = secret_access_key
        self.region = region

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        time = datetime.now(timezone.utc).strftime("%Y%m%dT%H%M%SZ")
        url = urlsplit(request.url or "")
        scope = f"{time[:8]}/{self.region}/execute-api/aws4_request"
        signed = {"host": url.netloc, "x-amz-date": time}
        canonical = "\n".join(
            [
                request.method or "",
                quote(url.path, safe="/"),
                canonical_query(url.query),
                *[f"{name}:{value}" for name, value in signed.items()],
                "",
                ";".join(signed),
                sha256(request.body),
            ]
        )
        to_sign = "\n".join([ALGORITHM, time, scope, sha256(canonical)])
        key = f"AWS4{self.secret_access_key}".encode()
        for part in [*scope.split("/"), to_sign]:
            key = hmac.digest(key, part.encode(), "sha256")
        request.headers["X-Amz-Date"] = time
        request.headers["Authorization"] = (
            f"{ALGORITHM} Credential={self.access_key_id}/{scope}, "
            f"SignedHeaders={';'.join(signed)}, Signature={key.hex()}"
        )
        return request


def canonical_query(query: str) -> str:
    pairs = parse_qsl(query, keep_blank_values=True)
    return "&".join(sorted(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in pairs))


def sha256(body: str | bytes | None) -> str:
    content = body.encode() if isinstance(body, str) else body or b""
    return hashlib.sha256(content).hexdigest()


class Bearer(AuthBase):
    """Shows an access token."""

    def __init__(self, token: str) -> None:
        self.token = token

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self.token}"
        return request


KEY = "Idempotency-Key"
numbers = count()

POLICY_SUFFIX = "-Strong-Password-1"
"""Has all that the password policy asks for. The policy is the pool's and no part of the schema."""

LONGEST_PASSWORD = 256


@schemathesis.hook
def before_call(context: schemathesis.HookContext, case: schemathesis.Case, kwargs: dict[str, Any]) -> None:
    """What no schema can say of a request that should be accepted."""
    have_own_key(case)
    meet_password_policy(case)
    name_the_user(case)


def have_own_key(case: schemathesis.Case) -> None:
    """A key of its own for each request that has the documented example: all but the first would only conflict. But
    retries are all of one provisioning: with one key they are one, which is quicker."""
    if case.path.endswith("/retry"):
        return
    parameters = case.operation.schema.raw_schema["components"]["parameters"].values()
    if case.headers.get(KEY) in [one["example"] for one in parameters if one["name"] == KEY]:
        case.headers[KEY] = str(uuid5(NAMESPACE_URL, str(next(numbers))))


def meet_password_policy(case: schemathesis.Case) -> None:
    """The document says in words what the policy is: a request that breaks it is refused with 400. So the passwords of
    requests that follow the schema end with what the policy asks for. Others are sent as they were made."""
    if is_valid(case, ParameterLocation.BODY) and isinstance(case.body, dict) and "password" in case.body:
        given = case.body["password"][: LONGEST_PASSWORD - len(POLICY_SUFFIX)]
        case.body = {**case.body, "password": given + POLICY_SUFFIX}


def name_the_user(case: schemathesis.Case) -> None:
    """A DELETE at App2 needs the username, which is optional, when App2 has no record of the creation. Which ids are
    those, no schema can say."""
    if case.method == "DELETE" and case.path.startswith("/admin/") and is_valid(case, ParameterLocation.QUERY):
        case.query = {"username": "ada", **(case.query or {})}


def is_valid(case: schemathesis.Case, location: ParameterLocation) -> bool:
    """Whether what the case has there follows the schema; what it does not have follows it, too."""
    part = case.meta and case.meta.components.get(location)
    return part is None or part.mode.is_positive


def identify(credentials: dict[str, Any]) -> None:
    """Every request is made by a caller that may make it."""
    auth = schemathesis.auth
    if "signer" in credentials:
        auth.set_from_requests(Signature(**credentials["signer"]))
    else:
        auth.set_from_requests(Bearer(credentials["user_token"])).apply_to(path="/sample")
        auth.set_from_requests(Bearer(credentials["machine_token"])).skip_for(path="/sample")


if __name__ == "__main__":
    identify(json.load(sys.stdin))
    schemathesis.cli.schemathesis()
