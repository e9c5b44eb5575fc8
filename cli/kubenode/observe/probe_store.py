"""The probes' verdicts, kept over restarts of the agent: a container that was ready stays so until a probe fails."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from kubenode.clients.disk import make_private_directory, write_atomic
from kubenode.model.observed import ProbeKind, ProbeState

# By container id.
States = Mapping[str, Mapping[ProbeKind, ProbeState]]


def load(path: Path) -> States:
    """The kept verdicts; none where there is no file yet or a foreign hand has spoilt it. Raises OSError."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, dict[ProbeKind, ProbeState]])
    except FileNotFoundError:
        return {}
    except msgspec.DecodeError:
        path.replace(path.with_suffix(".spoilt"))
        return {}


def save(path: Path, states: States) -> None:
    """Keep these verdicts. Raises OSError; the earlier ones are then still there.

    A power cut may cost them: it ends the containers too.
    """
    make_private_directory(path.parent)
    write_atomic(path, msgspec.json.encode(states), durable=False)
