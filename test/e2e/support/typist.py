"""Runs a program on a terminal of its own, and types standard input, twice, when it is asked for a password."""

import os
import pty
import sys

PROMPTS = [b"Password of the service user", b"Again"]


def main() -> int:
    password = sys.stdin.buffer.read()
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(sys.argv[1], sys.argv[1:])
    seen = b""
    asked = 0
    while True:
        try:
            part = os.read(terminal, 4096)
        except OSError:  # the program has closed its terminal
            break
        if not part:
            break
        seen += part
        if asked < len(PROMPTS) and PROMPTS[asked] in seen:
            asked += 1
            os.write(terminal, password + b"\r")
    _, status = os.waitpid(pid, 0)
    sys.stdout.buffer.write(seen)
    return os.waitstatus_to_exitcode(status)


if __name__ == "__main__":
    sys.exit(main())
