# Copyright: The kubenode authors
# Apache License 2.0 (see LICENSE or https://www.apache.org/licenses/LICENSE-2.0)
"""Values that came from elsewhere and are never to be taken for templates. Private to this collection."""

from __future__ import annotations

import importlib
from typing import Any

from ansible import template


def unsafe(value: Any) -> Any:
    """Since ansible-core 2.19 only what is marked as trusted is a template; before, the others have to be marked."""
    if hasattr(template, "trust_as_template"):
        return value
    return importlib.import_module("ansible.utils.unsafe_proxy").wrap_var(value)
