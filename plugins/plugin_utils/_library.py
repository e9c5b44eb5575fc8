# Copyright: The kubenode authors
# Apache License 2.0 (see LICENSE or https://www.apache.org/licenses/LICENSE-2.0)
"""Where plugins, which run on the controller, find the library kubenode. Private to this collection."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from ansible.errors import AnsibleError

# The collection brings the library along: its tarball holds the folder.
SHIPPED = Path(__file__).resolve().parents[2] / "cli"


def library(name: str, asking: str) -> ModuleType:
    """The library's module of this name: an installed one, else that of the collection itself.

    asking: who needs it, as in "The filter kubenode.node.pod_qos". Raises AnsibleError where it cannot be imported.
    """
    make_importable()
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing == "kubenode":
            problem = (
                f"does not find {name} of the library kubenode: install the same version of it as of the collection"
            )
        else:
            problem = f"needs the Python package {missing}: install it for {sys.executable}, which runs Ansible here"
        raise AnsibleError(f"{asking} {problem}.") from None


def make_importable() -> None:
    """An installed library comes first; it may be a newer one."""
    if importlib.util.find_spec("kubenode") is None:
        sys.path.append(str(SHIPPED))


def plain(value: Any) -> Any:
    """The same without Ansible's own kinds of text, lists and mappings, which carry where a value came from."""
    if isinstance(value, Mapping):
        return {plain(key): plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(one) for one in value]
    if isinstance(value, bool):
        return value
    return next((kind(value) for kind in (str, int, float) if isinstance(value, kind)), value)
