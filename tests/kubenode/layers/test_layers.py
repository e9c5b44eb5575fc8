"""What holds for the package as a whole: one version, a fast command line, one tree of errors."""

from __future__ import annotations

import importlib
import inspect
import os
import pkgutil
import subprocess
import sys
from pathlib import Path

import yaml

import kubenode
from kubenode.clients import errors

ROOT = Path(__file__).parents[3]
HELP_SECONDS = 0.25
# Only what a command needs is imported, and only when it runs.
RUNTIME = {"asyncio", "grpc", "aiohttp", "jmespath", "watchfiles", "prometheus_client", "google.protobuf", "rich"}
HEAVY = {*RUNTIME, "msgspec", "yaml", "logging"}
# What callers catch; a new name is a decision.
ERRORS = {
    "KubenodeError": "Exception",
    "ClientError": "KubenodeError",
    "Unavailable": "ClientError",
    "DeadlineExceeded": "ClientError",
    "Cancelled": "ClientError",
    "Aborted": "ClientError",
    "ResourceExhausted": "ClientError",
    "NotFound": "ClientError",
    "AlreadyExists": "ClientError",
    "InvalidArgument": "ClientError",
    "PermissionDenied": "ClientError",
    "Unimplemented": "ClientError",
    "RuntimeFailure": "ClientError",
}


def test_the_collection_and_the_package_carry_one_version() -> None:
    galaxy = yaml.safe_load((ROOT / "galaxy.yml").read_text())
    assert galaxy["version"] == kubenode.__version__


def test_help_is_fast() -> None:
    """Of the processor's time: other work on the machine does not count."""
    taken = []
    for _ in range(5):
        with subprocess.Popen([sys.executable, "-m", "kubenode", "--help"], stdout=subprocess.DEVNULL) as process:
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        assert process.returncode == 0
        taken.append(usage.ru_utime + usage.ru_stime)
    assert min(taken) < HELP_SECONDS, f"{[f'{one:.3f}' for one in taken]} s"


def test_help_imports_nothing_heavy() -> None:
    script = "import sys, kubenode.commands.app as a; a._add_commands(); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert HEAVY & set(done.stdout.split()) == set()


def test_checking_a_manifest_imports_nothing_of_a_node(tmp_path: Path) -> None:
    file = tmp_path / "pod.yaml"
    file.write_text("{apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {containers: [{name: a, image: i}]}}")
    script = f"""
import sys
from kubenode.commands.app import main
sys.argv[1:] = ["manifest", "check", {str(file)!r}]
try:
    main()
finally:
    print(*sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    said, modules = done.stdout.splitlines()
    assert said == "1 object checked: ok"
    assert RUNTIME & set(modules.split()) == set()


def test_the_tree_of_errors_is_this_one() -> None:
    found = {
        name: kind.__bases__[0].__name__
        for name, kind in inspect.getmembers(errors, inspect.isclass)
        if kind.__module__ == errors.__name__
    }
    assert found == ERRORS


def test_every_error_of_the_package_is_one_that_commands_explain() -> None:
    """All but what a layer keeps to itself is told as a sentence and not as a fault of kubenode."""
    # Each becomes data where it is caught: a file's state, a probe's result, a pod's reason, an error of the
    # runtime, a wrong option.
    private = {"RefusedError", "CheckError", "_Late", "UnrunnableError", "NotSpdy", "RuleError"}
    strangers = []
    for module in pkgutil.walk_packages(kubenode.__path__, "kubenode."):
        if module.name == "kubenode.__main__":
            continue
        for name, kind in inspect.getmembers(importlib.import_module(module.name), inspect.isclass):
            own = kind.__module__ == module.name and issubclass(kind, Exception)
            if own and not issubclass(kind, errors.KubenodeError) and name not in private:
                strangers.append(f"{module.name}.{name}")
    assert strangers == []
