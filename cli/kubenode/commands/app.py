"""The Typer application: which commands there are. What a command needs is imported when it runs, so help is fast."""

from __future__ import annotations

import os
import sys

import typer
import typer.exceptions

from kubenode.commands.exit import USAGE, explain

app = typer.Typer(
    name="kubenode",
    help="Run and keep a Kubernetes node.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    epilog="Exit codes: 0 ok, 1 warning or not all done, 2 critical, 3 could not be carried out, 64 wrong usage.",
)


def _add_commands() -> None:
    from kubenode.commands import agent, containers, describe, events, health, logs, manifest, pods, sync, version
    from kubenode.commands import exec as execution
    from kubenode.commands import explain as explanation

    app.command("agent")(agent.agent)
    app.command("sync")(sync.sync)
    app.command("pods")(pods.pods)
    app.command("containers")(containers.containers)
    app.command("describe")(describe.describe)
    app.command("explain")(explanation.explain)
    app.command("events")(events.events)
    app.command("exec")(execution.exec_)
    app.command("health")(health.health)
    app.add_typer(manifest.app, name="manifest")
    app.command("logs")(logs.logs)
    app.command("version")(version.version)


def main() -> None:
    """The console script. No traceback reaches a user."""
    _add_commands()
    command = typer.main.get_command(app)
    try:
        result = command.main(prog_name="kubenode", standalone_mode=False)
        # Not at the interpreter's end, where nobody could say anything about it.
        print(end="", flush=True)
    except typer.exceptions.TyperException as error:
        print(_usage(error), file=sys.stderr)
        sys.exit(USAGE)
    except (typer.Abort, KeyboardInterrupt):
        sys.exit(130)
    except BrokenPipeError:
        # What is left to be written has nowhere to go either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.exit(141)
    except Exception as error:
        sys.exit(explain(error))
    sys.exit(result if isinstance(result, int) else 0)


def _usage(error: typer.exceptions.TyperException) -> str:
    """A sentence; all the help where nothing at all was asked for."""
    text = str(getattr(error, "format_message", error.__str__)())
    context = getattr(error, "ctx", None)
    if context is not None and text == context.get_help():
        return text
    command = getattr(context, "command_path", "kubenode")
    return f"kubenode: {text.replace('Value error, ', '').rstrip('. ')}. See {command} --help."
