"""The result of an ADD, in the version that its reader knows. Pure.

CNI 1.1, "Success"; 0.3 and 0.4 also say of each address whether it is one of IPv4 or IPv6.
"""

from __future__ import annotations

import ipaddress
from typing import Any

from kubenode.clients.cni.network import Json

_OLD = ("0.3.0", "0.3.1", "0.4.0")
_NEW = ("1.0.0", "1.1.0")


def convert(result: Json, version: str) -> Json:
    """The same result for another version. Raises ValueError for what cannot be converted.

    Results before 0.3.0 are other documents; these are taken only as they are.
    """
    own = result.get("cniVersion")
    if own == version:
        return result
    for one in (own, version):
        if one not in _OLD + _NEW:
            raise ValueError(f"a result of version {own!r} cannot be made one of {version!r}")
    converted = {**result, "cniVersion": version}
    if "ips" in result:
        change = _numbered if version in _OLD else _unnumbered
        converted["ips"] = [change(address) for address in _addresses(result["ips"])]
    return converted


def _addresses(values: object) -> list[Any]:
    if values is None:
        return []
    if not isinstance(values, list) or not all(isinstance(value, dict) for value in values):
        raise ValueError("ips is no list of objects")
    return values


def _numbered(address: Json) -> Json:
    text = address.get("address")
    if not isinstance(text, str):
        raise ValueError(f"an address must be a text, not {text!r}")
    return {"version": str(ipaddress.ip_interface(text).version), **address}


def _unnumbered(address: Json) -> Json:
    return {key: value for key, value in address.items() if key != "version"}
