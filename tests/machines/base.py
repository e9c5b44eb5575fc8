"""The root file system that the machines share read-only: made once a suite by debootstrap, and kept."""

import hashlib
import json
import shutil
from dataclasses import replace
from pathlib import Path

from machines import apt
from machines.host import MachineError, locked, remove_tree, run, step, whole_directory

CACHE = Path("/var/cache/kubenode")
BASES = CACHE / "machines"

PACKAGES = (
    "ca-certificates",
    "dbus",
    "iproute2",
    "iptables",
    "kmod",
    "openssh-server",
    "procps",
    "python3",
    "python3-apt",
    "systemd",
    "systemd-sysv",
)

# Read by dpkg while it fills the root too: syncing each file and unpacking what nobody reads is most of the time.
DPKG_SETTINGS = """\
force-unsafe-io
path-exclude=/usr/share/doc/*
path-exclude=/usr/share/man/*
path-exclude=/usr/share/locale/*
"""

# systemd-nspawn mounts the v1 controllers read-only; a container runtime writes there, as it does on a host.
CGROUPS_UNIT = """\
[Unit]
Description=Writable cgroup v1 controllers
DefaultDependencies=no
Before=sysinit.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh -c 'for mount in $$(findmnt -rn -t cgroup -o TARGET); do mount -o remount,bind,rw $$mount; done'
"""

# At power-off systemd waits so long for what ignores SIGTERM, as a container's first process often does.
MANAGER_SETTINGS = """\
[Manager]
DefaultTimeoutStopSec=5s
"""

FILES = {
    "etc/dpkg/dpkg.cfg.d/machines": DPKG_SETTINGS,
    "etc/systemd/system.conf.d/machines.conf": MANAGER_SETTINGS,
    "etc/systemd/system/machine-cgroups.service": CGROUPS_UNIT,
    "etc/machine-id": "",
    "etc/hostname": "",
}

# Units of the machines' own are switched on; what would hold apt's lock or clean up behind a test's back is off.
LINKS = {
    "etc/systemd/system/sysinit.target.wants/machine-cgroups.service": "/etc/systemd/system/machine-cgroups.service",
    "etc/systemd/system/apt-daily.timer": "/dev/null",
    "etc/systemd/system/apt-daily-upgrade.timer": "/dev/null",
    "etc/systemd/system/e2scrub_all.timer": "/dev/null",
    "etc/systemd/system/e2scrub_reap.service": "/dev/null",
    "etc/systemd/system/fstrim.timer": "/dev/null",
    "etc/systemd/system/console-getty.service": "/dev/null",
}

# Each machine has its own; removed from what all share.
IDENTITIES = ("etc/ssh/ssh_host_*", "var/lib/dbus/machine-id", "etc/apt/sources.list", "var/cache/apt/archives/*.deb")


def archives(suite: str) -> Path:
    """The packages downloaded for a suite so far; debootstrap and all the machines share them."""
    return CACHE / "apt" / suite


def default_suite() -> str:
    """Debian's bookworm, on Debian; another distribution can bootstrap itself only, from the mirrors it knows."""
    release = _release()
    return "bookworm" if release["ID"] == "debian" else release["VERSION_CODENAME"]


def ensure(suite: str, mirror: str | None) -> Path:
    """The root file system for a suite, made when it is not there; a mirror stands in for the host's."""
    sources = _sources(suite, mirror)
    settings = apt.carried_settings(run(["apt-config", "dump"]))
    recipe = json.dumps([PACKAGES, FILES, LINKS, apt.render(sources), settings])
    path = BASES / f"{suite}-{hashlib.sha256(recipe.encode()).hexdigest()[:12]}"
    if path.is_dir():
        return path
    with locked(CACHE):
        if not path.is_dir():
            with step(f"debootstrap of {suite} into {path}"), whole_directory(path) as root:
                _build(root, suite, sources, settings)
    return path


def clean() -> None:
    """Removes every root file system and downloaded package. The caller knows that no machine uses them."""
    with locked(CACHE):
        remove_tree(CACHE / "apt")
        remove_tree(BASES)


def _release() -> dict[str, str]:
    return apt.os_release(Path("/etc/os-release").read_text())


def _sources(suite: str, mirror: str | None) -> list[apt.Source]:
    if mirror is not None:
        return [apt.Source((mirror,), (suite, f"{suite}-updates"), ("main",))]
    return apt.for_suite(apt.host_sources(Path("/etc/apt")), _release()["VERSION_CODENAME"], suite)


def _build(root: Path, suite: str, sources: list[apt.Source], settings: str) -> None:
    source = apt.main_source(sources, suite)
    if source is None:
        raise MachineError(f"this host's apt has no mirror that could serve {suite}; name one with --mirror URL")
    _write(root, "etc/dpkg/dpkg.cfg.d/machines", DPKG_SETTINGS)
    archives(suite).mkdir(parents=True, exist_ok=True)
    log = BASES / f"{suite}.log"
    log.unlink(missing_ok=True)
    run([*_contained(), "debootstrap", *_options(source, suite), suite, root, source.uris[0]], log)
    for pattern in IDENTITIES:
        for path in root.glob(pattern):
            path.unlink()
    for name, text in FILES.items():
        _write(root, name, text)
    for name, target in LINKS.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).symlink_to(target)
    shutil.copyfile("/etc/ssl/certs/ca-certificates.crt", root / "etc/ssl/certs/ca-certificates.crt")
    _configure_apt(root, sources, settings)
    run([*_contained(), "chroot", root, "apt-get", "update"], log)
    root.chmod(0o755)


def _contained() -> list[str]:
    """In a mount and a PID namespace, so that what it mounts and forks goes when it ends, or when this program does."""
    return ["setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "--pid", "--fork", "--kill-child"]


def _options(source: apt.Source, suite: str) -> list[str]:
    options = ["--variant=minbase", f"--include={','.join(PACKAGES)}", f"--cache-dir={archives(suite)}"]
    if source.components:
        options.append(f"--components={','.join(source.components)}")
    if source.signed_by.startswith("/") and Path(source.signed_by).is_file():
        options.append(f"--keyring={source.signed_by}")
    return options


def _configure_apt(root: Path, sources: list[apt.Source], settings: str) -> None:
    known = [_with_known_key(source, root) for source in sources]
    _write(root, "etc/apt/sources.list.d/host.sources", apt.render(known))
    _write(root, "etc/apt/apt.conf.d/90machines", f'{settings}Acquire::Languages "none";\n')


def _with_known_key(source: apt.Source, root: Path) -> apt.Source:
    # A key that only the host has is of no use in there; the release's own keys are trusted without being named.
    key = source.signed_by
    if key.startswith("/") and not (root / key.lstrip("/")).is_file():
        return replace(source, signed_by="")
    return source


def _write(root: Path, name: str, text: str) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
