# Copyright: The kubenode authors
# Apache License 2.0 (see LICENSE or https://www.apache.org/licenses/LICENSE-2.0)
"""What the modules say about themselves, written once."""

from __future__ import annotations


class ModuleDocFragment:
    """Every module names these attributes; one that differs says so in its own documentation."""

    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    description: Can run in check mode and tell what it would change, changing nothing.
    support: full
  diff_mode:
    description: Shows what changed, or would change, in diff mode.
    support: full
  idempotent:
    description: Run twice in a row, with nothing else at work, the second run changes nothing.
    support: full
  platform:
    description: Systems that the module can run on.
    platforms: linux
    support: full
  action_group:
    description: Options for every module are set with C(group/kubenode.node.node) in C(module_defaults).
    support: full
    membership:
      - kubenode.node.node
"""

    INFO = r"""
options: {}
attributes:
  check_mode:
    description: Can run in check mode and tell what it would change, changing nothing.
    support: full
    details: It never changes anything.
  diff_mode:
    description: Shows what changed, or would change, in diff mode.
    support: none
    details: It never changes anything.
  idempotent:
    description: Run twice in a row, with nothing else at work, the second run changes nothing.
    support: full
    details: It never changes anything.
  platform:
    description: Systems that the module can run on.
    platforms: linux
    support: full
  action_group:
    description: Options for every module are set with C(group/kubenode.node.node) in C(module_defaults).
    support: full
    membership:
      - kubenode.node.node
"""

    LIBRARY = r"""
options: {}
requirements:
  - the Python library C(kubenode), which the role P(kubenode.node.node_agent#role) installs on a node
notes:
  - The module looks for the library in the interpreter that it runs with, then in C(/opt/kubenode/current).
"""
