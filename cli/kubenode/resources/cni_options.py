"""What the modules for CNI have in common."""

from __future__ import annotations

from pathlib import Path

from kubenode.clients.cni.client import Cni
from kubenode.resources.options import OptionError, Options

BIN_DIRS = ("/opt/cni/bin", "/usr/lib/cni")


class CniOptions(Options, frozen=True, kw_only=True):
    """Where networks, plugins and the cache are. `plugin_timeout`: seconds that one call of a plugin may take."""

    conf_dir: str = "/etc/cni/net.d"
    bin_dirs: tuple[str, ...] = BIN_DIRS
    cache_dir: str = "/var/lib/cni"
    plugin_timeout: int = 60


def open_cni(options: CniOptions) -> Cni:
    """Raises OptionError."""
    if options.plugin_timeout < 1:
        raise OptionError(f"plugin_timeout: {options.plugin_timeout} must be at least 1 second.")
    for name, paths in (
        ("conf_dir", [options.conf_dir]),
        ("bin_dirs", options.bin_dirs),
        ("cache_dir", [options.cache_dir]),
    ):
        for path in paths:
            if not path.startswith("/") or "\0" in path:
                raise OptionError(f"{name}: {path!r} must be an absolute path.")
    return Cni(options.bin_dirs, cache_directory=Path(options.cache_dir), within=options.plugin_timeout)
