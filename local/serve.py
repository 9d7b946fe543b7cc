"""Start MiniStack, the local AWS, corrected where it differs from AWS.

MiniStack is configured by its environment variables (GATEWAY_PORT, BIND_HOST, STATE_DIR, AUTH, ...).
LOCAL_AWS_CORRECTIONS=off starts it as it comes. The argument is the name of this instance, which it answers at
/_local_aws/instance. Exit status 1: the installed MiniStack is not the one that the
corrections were written for.
"""

from __future__ import annotations

import gc
import os
import sys

import corrections
from corrections.support import DoesNotFit, apply_all, check_version


def main() -> None:
    # Told by who starts it, which recognises the process by it. MiniStack takes no arguments of this kind.
    instance = sys.argv.pop() if len(sys.argv) > 1 else ""
    try:
        check_version()
        if os.environ.get("LOCAL_AWS_CORRECTIONS") != "off":
            apply_all(corrections)
            from corrections import local_routes

            local_routes.ROUTES["instance"] = lambda: {"instance": instance}
    except DoesNotFit as problem:
        sys.exit(f"local AWS does not start: {problem}")

    # All state is in memory: a full collection stops everything for a second, and finds nothing.
    gc.set_threshold(100_000, 50, 1_000)
    from ministack import app  # reads its configuration as it is imported

    app.main()


if __name__ == "__main__":
    main()
