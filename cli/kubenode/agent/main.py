"""The agent as a process: lock, signals, reload, what systemd is told."""

from __future__ import annotations

import asyncio
import logging
import signal
from pathlib import Path

from kubenode.agent import systemd
from kubenode.agent.config import ConfigurationError, load
from kubenode.agent.lock import node_lock, refuse_beside_kubelet
from kubenode.agent.run import live
from kubenode.model.settings import Settings

log = logging.getLogger(__name__)


async def run(path: Path) -> None:
    """Run until SIGTERM or SIGINT; SIGHUP reads the configuration again.

    Raises ConfigurationError, NodeBusy, ClientError. Pods go on running whatever ends the agent.
    """
    settings = load(path)
    refuse_beside_kubelet()
    with node_lock(settings.lock_file):
        _set_oom_score(settings.kubelet.oom_score_adj)
        stop, reload = asyncio.Event(), asyncio.Event()
        _on_signals(stop, reload)
        watchdog = asyncio.create_task(systemd.watchdog())
        try:
            while not stop.is_set():
                await _one_life(settings, stop, reload)
                settings = _reloaded(path, settings) if not stop.is_set() else settings
        finally:
            systemd.notify("STOPPING=1")
            watchdog.cancel()


async def _one_life(settings: Settings, stop: asyncio.Event, reload: asyncio.Event) -> None:
    """Until a signal asks for an end or another configuration, or the agent fails."""
    for warning in settings.warnings:
        log.warning("%s", warning)
    reload.clear()
    ready = asyncio.Event()
    life = asyncio.create_task(live(settings, ready))
    signals = [asyncio.create_task(stop.wait()), asyncio.create_task(reload.wait())]
    told = asyncio.create_task(_tell_when(ready))
    try:
        await asyncio.wait((life, *signals), return_when=asyncio.FIRST_COMPLETED)
        if life.done():
            await life
    finally:
        for task in (life, *signals, told):
            task.cancel()
        await asyncio.gather(life, *signals, told, return_exceptions=True)


async def _tell_when(ready: asyncio.Event) -> None:
    await ready.wait()
    log.info("the agent runs")
    systemd.notify("READY=1", "STATUS=running")


def _reloaded(path: Path, settings: Settings) -> Settings:
    """The new settings, or the old ones while the file cannot be used or moves what the lock stands for."""
    systemd.reloading()
    try:
        after = load(path)
    except ConfigurationError as error:
        log.error("the configuration is not reloaded, the old one goes on: %s", error)
        return settings
    if after.lock_file != settings.lock_file:
        log.error("runDirectory cannot change while the agent runs; restart it. The old configuration goes on")
        return settings
    log.info("the configuration is reloaded")
    return after


def _on_signals(stop: asyncio.Event, reload: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    loop.add_signal_handler(signal.SIGHUP, reload.set)


def _set_oom_score(score: int) -> None:
    try:
        Path("/proc/self/oom_score_adj").write_text(str(score))
    except OSError as error:
        log.warning("oomScoreAdj %d could not be set, the old one stays: %s", score, error.strerror)
