"""The base of all manifest types, and types that many of them use."""

from __future__ import annotations

import msgspec

# A quantity as manifests write it: "500m", "128Mi", 2 or 0.5. model/quantity.py reads it.
Quantity = str | int | float


class Object(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True, omit_defaults=True):
    """A field not listed is an error with its path. Defaults are left out when encoded: hashes outlive new fields."""
