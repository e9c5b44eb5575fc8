"""The options of tasks as typed values, and those that several share."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar, TypeVar

import msgspec

from kubenode.agent.config import DEFAULT_PATH, load
from kubenode.clients.cri import CriClient
from kubenode.clients.endpoint import find_endpoint
from kubenode.clients.errors import KubenodeError

_PATH = re.compile(r" - at `\$\.?(?P<path>[^`]*)`$")


class OptionError(KubenodeError):
    """An option that cannot be used; the sentence begins with its name."""


class Options(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of all options. Names and defaults are those of the module's argument_spec.

    In what `verbatim` names a null is a value of its own.
    """

    verbatim: ClassVar[tuple[str, ...]] = ()


class CriOptions(Options, frozen=True, kw_only=True):
    """How the container runtime is reached. `timeout`: seconds that one change may take."""

    runtime_endpoint: str = ""
    image_endpoint: str = ""
    timeout: int = 120


_Kind = TypeVar("_Kind", bound=Options)


def read(kind: type[_Kind], params: Mapping[str, Any]) -> _Kind:
    """The options as they were given; null is the same as not given, at any depth. Raises OptionError."""
    given = {
        key: value if key in kind.verbatim else _given(value) for key, value in params.items() if value is not None
    }
    try:
        return msgspec.convert(given, kind)
    except msgspec.ValidationError as error:
        raise OptionError(_sentence(str(error))) from None


def open_runtime(options: CriOptions) -> CriClient:
    """The runtime of the options, else of the agent's configuration, else the one that is found.

    Raises ClientError, and ConfigurationError for a configuration that cannot be read.
    """
    endpoint, images = options.runtime_endpoint, options.image_endpoint
    if not endpoint and DEFAULT_PATH.exists():
        kubelet = load(DEFAULT_PATH).kubelet
        endpoint, images = kubelet.container_runtime_endpoint, images or kubelet.image_service_endpoint
    return CriClient(find_endpoint(endpoint), image_endpoint=images or None, request_timeout=options.timeout)


def _given(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _given(one) for key, one in value.items() if one is not None}
    return [_given(one) for one in value] if isinstance(value, list) else value


def _sentence(message: str) -> str:
    """msgspec's words with the option in front: `containers[0].name: Expected ...`."""
    found = _PATH.search(message)
    return f"{found['path']}: {message[: found.start()]}" if found else message
