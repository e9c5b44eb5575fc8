"""Exit codes that scripts can use, and errors as sentences."""

from __future__ import annotations

import os
import sys
import traceback

OK, WARNING, CRITICAL, FAILED, USAGE = 0, 1, 2, 3, 64


def explain(error: Exception) -> int:
    """Write the error as a sentence to standard error; the code to exit with. KUBENODE_DEBUG=1 adds the traceback."""
    from kubenode.clients.errors import KubenodeError

    if os.environ.get("KUBENODE_DEBUG"):
        traceback.print_exception(error)
    if isinstance(error, KubenodeError):
        print(f"kubenode: {error}", file=sys.stderr)
    else:
        print(
            f"kubenode: an error of kubenode itself: {type(error).__name__}: {error}. "
            "Please report it with the output of the same command under KUBENODE_DEBUG=1.",
            file=sys.stderr,
        )
    return FAILED
