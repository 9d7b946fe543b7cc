"""Runs a program on a pseudo-terminal, and enters standard input at each of its two prompts for a password."""

import os
import pty
import sys

PROMPTS = [b"Password of the service user", b"Again"]


def main() -> int:
    password = sys.stdin.buffer.read()
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(sys.argv[1], sys.argv[1:])
    output = b""
    answered = 0
    while True:
        try:
            part = os.read(terminal, 4096)
        except OSError:  # The program has closed its terminal.
            break
        if not part:
            break
        output += part
        if answered < len(PROMPTS) and PROMPTS[answered] in output:
            answered += 1
            os.write(terminal, password + b"\r")
    _, status = os.waitpid(pid, 0)
    sys.stdout.buffer.write(output)
    return os.waitstatus_to_exitcode(status)


if __name__ == "__main__":
    sys.exit(main())
