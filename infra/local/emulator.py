"""MiniStack, with two waits of its Lambda runtime taken out (see infra/README.md for what they cost).

Started by stack.py; all of its settings come through the environment.
"""

import socketserver

from ministack.app import main
from ministack.core import lambda_runtime

# Its runtime API answers in two small segments; without TCP_NODELAY the second waits 40 ms for a delayed ACK.
socketserver.StreamRequestHandler.disable_nagle_algorithm = True


def drain_log(worker, *_args, **_kwargs):
    """What the function has written so far; MiniStack would wait 50 ms for a line that may not come.

    A line that arrives later is reported with the next invocation.
    """
    return worker._drain_stderr()


lambda_runtime.ProvidedWorker._drain_stderr_bounded = drain_log

if __name__ == "__main__":
    main()
