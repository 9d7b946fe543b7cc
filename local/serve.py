"""Start MiniStack, the local AWS, corrected where it differs from AWS.

MiniStack is configured by its environment variables (GATEWAY_PORT, BIND_HOST, STATE_DIR, AUTH, ...).
LOCAL_AWS_CORRECTIONS=off starts it without corrections. The argument is the id of this instance, which
/_local_aws/instance returns. Exit status 1: the corrections do not support the installed version of MiniStack.
"""

from __future__ import annotations

import gc
import os
import sys

import corrections
from corrections.support import DoesNotFit, apply_all, check_version


def main() -> None:
    # Identifies the process. MiniStack itself has no such argument.
    instance = sys.argv.pop() if len(sys.argv) > 1 else ""
    try:
        check_version()
        if os.environ.get("LOCAL_AWS_CORRECTIONS") != "off":
            apply_all(corrections)
            from corrections import local_routes

            local_routes.ROUTES["instance"] = lambda: {"instance": instance}
    except DoesNotFit as problem:
        sys.exit(f"local AWS does not start: {problem}")

    # All state is in memory: a full collection pauses the server for a second and frees nothing.
    gc.set_threshold(100_000, 50, 1_000)
    from ministack import app  # reads its configuration as it is imported

    app.main()


if __name__ == "__main__":
    main()
