"""Runs the command line of Schemathesis with the authentication of the APIs: signatures for App1, access tokens for App2.

The credentials are JSON on standard input, so that no argument and no environment variable contains them.
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
    """Signs a request with Signature Version 4.

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
    """Sends an access token."""

    def __init__(self, token: str) -> None:
        self.token = token

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self.token}"
        return request


KEY = "Idempotency-Key"
numbers = count()

POLICY_SUFFIX = "-Strong-Password-1"
"""Meets every rule of the password policy, which belongs to the user pool and not to the schema."""

MAX_PASSWORD_LENGTH = 256


@schemathesis.hook
def before_call(context: schemathesis.HookContext, case: schemathesis.Case, kwargs: dict[str, Any]) -> None:
    """Changes valid requests so that the API accepts them, where the schema cannot express the condition."""
    set_unique_key(case)
    append_policy_suffix(case)
    add_username(case)


def set_unique_key(case: schemathesis.Case) -> None:
    """Replaces the documented example of a key by a unique one, because repeats with other content conflict. Retries
    keep one key, because they belong to one provisioning."""
    if case.path.endswith("/retry"):
        return
    parameters = case.operation.schema.raw_schema["components"]["parameters"].values()
    if case.headers.get(KEY) in [parameter["example"] for parameter in parameters if parameter["name"] == KEY]:
        case.headers[KEY] = str(uuid5(NAMESPACE_URL, str(next(numbers))))


def append_policy_suffix(case: schemathesis.Case) -> None:
    """Appends a suffix that meets the password policy to the passwords of valid requests: the API rejects violations of
    the policy with 400. Invalid requests stay unchanged."""
    if is_valid(case, ParameterLocation.BODY) and isinstance(case.body, dict) and "password" in case.body:
        password = case.body["password"][: MAX_PASSWORD_LENGTH - len(POLICY_SUFFIX)]
        case.body = {**case.body, "password": password + POLICY_SUFFIX}


def add_username(case: schemathesis.Case) -> None:
    """Adds the optional username to a DELETE at App2, which requires it if App2 has no record of the creation."""
    if case.method == "DELETE" and case.path.startswith("/admin/") and is_valid(case, ParameterLocation.QUERY):
        case.query = {"username": "ada", **(case.query or {})}


def is_valid(case: schemathesis.Case, location: ParameterLocation) -> bool:
    """Whether a part of the request is valid; an absent part is valid, too."""
    part = case.meta and case.meta.components.get(location)
    return part is None or part.mode.is_positive


def identify(credentials: dict[str, Any]) -> None:
    """Sets the credentials of a permitted caller for every request."""
    auth = schemathesis.auth
    if "signer" in credentials:
        auth.set_from_requests(Signature(**credentials["signer"]))
    else:
        auth.set_from_requests(Bearer(credentials["user_token"])).apply_to(path="/sample")
        auth.set_from_requests(Bearer(credentials["machine_token"])).skip_for(path="/sample")


if __name__ == "__main__":
    identify(json.load(sys.stdin))
    schemathesis.cli.schemathesis()
