"""What of a runtime's own configuration nobody should see."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

HIDDEN = "(hidden)"
# As containerd and CRI-O call them in what they tell of registries, without case and separators.
SECRETS = frozenset("password auth identitytoken registrytoken token secret authorization globalauth".split())


def without_secrets(value: Any) -> Any:
    """The same value with texts hidden that are secret by their name, at any depth; what is empty stays so."""
    if isinstance(value, Mapping):
        return {key: _hidden(inner) if _is_secret(key) else without_secrets(inner) for key, inner in value.items()}
    return [without_secrets(one) for one in value] if isinstance(value, list) else value


def _is_secret(key: object) -> bool:
    return str(key).lower().replace("_", "").replace("-", "") in SECRETS


def _hidden(value: Any) -> Any:
    """All texts of it, but the name of the user."""
    if isinstance(value, Mapping):
        return {key: inner if str(key).lower() == "username" else _hidden(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_hidden(one) for one in value]
    return HIDDEN if isinstance(value, str) and value else value
