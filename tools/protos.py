"""Renders `protos/` into the Python messages, gRPC stubs and type stubs of `kubenode.clients.stubs`.

`python tools/protos.py generate` writes them into the tree; `python tools/protos.py check` fails, and names the files,
where the tree is not what generate would write.
"""

import argparse
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
PACKAGE = Path("kubenode/clients/stubs")
GENERATED = ("*_pb2.py", "*_pb2.pyi", "*_pb2_grpc.py", "*_pb2_grpc.pyi")
REMEDY = "run `make protos` and commit what it writes"


class ProtocError(Exception):
    """protoc did not render the texts; the message holds what it said."""


def render(protos: Path, out: Path) -> None:
    """Writes every generated file to `out`/kubenode/clients/stubs.

    Each text is given to protoc under the path of the package that it becomes, whatever folder holds it:
    so the imports between generated modules, and the names in the descriptors, are those of the package.
    """
    texts = sorted(protos.rglob("*.proto"))
    scripts = Path(sysconfig.get_path("scripts"))
    command = [
        *(sys.executable, "-m", "grpc_tools.protoc"),
        *(f"-I{PACKAGE}={folder}" for folder in sorted({text.parent for text in texts})),
        *(f"--plugin={name}={scripts / name}" for name in ("protoc-gen-mypy", "protoc-gen-mypy_grpc")),
        f"--python_out={out}",
        f"--grpc_python_out={out}",
        f"--mypy_out=quiet:{out}",
        f"--mypy_grpc_out=quiet,only_async,generate_concrete_servicer_stubs:{out}",
        *(str(PACKAGE / text.name) for text in texts),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ProtocError(f"protoc did not render the texts in {protos}:\n{done.stderr.strip()}")


def generated(root: Path) -> dict[str, bytes]:
    """The content of every generated file under `root`, by its name."""
    folder = root / PACKAGE
    return {path.name: path.read_bytes() for pattern in GENERATED for path in folder.glob(pattern)}


def differences(tree: dict[str, bytes], fresh: dict[str, bytes]) -> Iterator[str]:
    """One line for each file of the tree that is not what it should be: missing, extra or stale."""
    for name in sorted(tree.keys() | fresh.keys()):
        if name not in tree:
            yield f"missing: {PACKAGE / name}"
        elif name not in fresh:
            yield f"extra: {PACKAGE / name}"
        elif tree[name] != fresh[name]:
            yield f"stale: {PACKAGE / name}"


def fresh_files(protos: Path) -> dict[str, bytes]:
    with tempfile.TemporaryDirectory(prefix="kubenode-protos-") as folder:
        render(protos, Path(folder))
        return generated(Path(folder))


def generate(root: Path) -> None:
    """Makes the generated files of the tree at `root` exactly what its texts give; others are removed."""
    fresh = fresh_files(root / "protos")
    folder = root / "cli" / PACKAGE
    for name in generated(root / "cli").keys() - fresh.keys():
        (folder / name).unlink()
    for name, content in fresh.items():
        (folder / name).write_bytes(content)


def check(root: Path) -> list[str]:
    """What differs between the tree at `root` and what its texts give. Empty: nothing."""
    return list(differences(generated(root / "cli"), fresh_files(root / "protos")))


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Renders protos/ into kubenode.clients.stubs.")
    parser.add_argument("action", choices=("generate", "check"))
    parser.add_argument("--root", type=Path, default=REPOSITORY, help="the tree to work on (default: this one)")
    options = parser.parse_args(arguments)
    try:
        if options.action == "generate":
            generate(options.root)
            return 0
        found = check(options.root)
    except ProtocError as error:
        print(error, file=sys.stderr)
        return 2
    if found:
        print("The generated code differs from protos/:", *found, f"To mend it, {REMEDY}.", sep="\n", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
