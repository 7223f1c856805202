"""Runs a command on a terminal of its own and types the answer whenever it asks for a passphrase.

usage: PTY_ANSWER=... python3 pty-run.py command [argument...]
What the command printed goes to stdout; the exit code is the command's.
"""

import os
import pty
import sys


def main() -> int:
    answer = os.environ.pop("PTY_ANSWER").encode() + b"\n"
    pid, terminal = pty.fork()
    if pid == 0:
        os.execvp(sys.argv[1], sys.argv[1:])
    unanswered = b""
    while True:
        try:
            printed = os.read(terminal, 4096)
        except OSError:  # Linux answers so when the other side is closed
            break
        if not printed:
            break
        sys.stdout.buffer.write(printed)
        unanswered += printed
        if b"passphrase" in unanswered.lower() and unanswered.rstrip().endswith(b":"):
            os.write(terminal, answer)
            unanswered = b""
    sys.stdout.flush()
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


sys.exit(main())
