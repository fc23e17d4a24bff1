"""MiniStack, with two waits and one loss taken out of it (infra/README.md: what they cost).

Started by stack.py; its settings come through the environment.
"""

import socketserver

from ministack.app import main
from ministack.core import lambda_runtime
from ministack.services import lambda_svc

# Its runtime API answers in two small segments; without TCP_NODELAY the second waits 40 ms for a delayed ACK.
socketserver.StreamRequestHandler.disable_nagle_algorithm = True


def drain_log(worker, *_args, **_kwargs):
    """What the function has written so far; MiniStack would wait 50 ms for a line that may not come.

    A line that arrives later is reported with the next invocation.
    """
    return worker._drain_stderr()


lambda_runtime.ProvidedWorker._drain_stderr_bounded = drain_log

restore = lambda_svc.load_persisted_state


def restore_without_stream_positions(state):
    """A restart keeps how far a stream was read but not its records, so the first new ones would count as read."""
    restore({**state, "dynamodb_stream_positions": {}} if state else state)


lambda_svc.load_persisted_state = restore_without_stream_positions

if __name__ == "__main__":
    main()
