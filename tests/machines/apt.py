"""Where the host's apt gets its packages from: the machines use the same mirrors. Text in, values and text out."""

import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

# Settings of apt on the host without which the same mirror may not work in a machine.
CARRIED_SETTINGS = (
    "Acquire::Check-Date",
    "Acquire::Check-Valid-Until",
    "Acquire::http::Proxy",
    "Acquire::https::Proxy",
)


@dataclass(frozen=True)
class Source:
    """One enabled source of binary packages; signed_by is a path, a key block on lines of its own, or empty."""

    uris: tuple[str, ...]
    suites: tuple[str, ...]
    components: tuple[str, ...]
    signed_by: str = ""


def host_sources(etc_apt: Path) -> list[Source]:
    """All the enabled sources under /etc/apt, of both formats."""
    lists = [etc_apt / "sources.list", *sorted(etc_apt.glob("sources.list.d/*.list"))]
    found = [source for path in lists if path.is_file() for source in parse_one_line(path.read_text())]
    for path in sorted(etc_apt.glob("sources.list.d/*.sources")):
        found += parse_deb822(path.read_text())
    return found


def parse_one_line(text: str) -> Iterator[Source]:
    """The sources of a `deb [options] URI SUITE COMPONENT...` file."""
    for line in text.splitlines():
        kind, _, rest = line.partition("#")[0].strip().partition(" ")
        if kind != "deb":
            continue
        options = ""
        if rest.lstrip().startswith("["):
            options, _, rest = rest.lstrip()[1:].partition("]")
        uri, suite, *components = rest.split()
        signed_by = dict(word.split("=", 1) for word in options.split() if "=" in word).get("signed-by", "")
        yield Source((uri,), (suite,), tuple(components), signed_by)


def parse_deb822(text: str) -> Iterator[Source]:
    """The sources of a `Types: deb` file."""
    for fields in _stanzas(text):
        if "deb" in fields.get("types", "").split() and fields.get("enabled", "yes").strip().lower() != "no":
            yield Source(
                uris=tuple(fields.get("uris", "").split()),
                suites=tuple(fields.get("suites", "").split()),
                components=tuple(fields.get("components", "").split()),
                signed_by=fields.get("signed-by", ""),
            )


def _stanzas(text: str) -> Iterator[dict[str, str]]:
    fields: dict[str, str] = {}
    name = ""
    for line in [*text.splitlines(), ""]:
        if line.startswith("#"):
            continue
        if not line.strip():
            if fields:
                yield fields
            fields, name = {}, ""
        elif line[0].isspace():
            fields[name] += f"\n{line}"
        else:
            name, _, value = line.partition(":")
            name = name.lower()
            fields[name] = value.strip()


def for_suite(sources: Iterable[Source], codename: str, suite: str) -> list[Source]:
    """The sources that serve the host's release, under the name of the release wanted; others are left out."""
    found = []
    for source in sources:
        uris = tuple(uri for uri in source.uris if uri.startswith(("http://", "https://")))
        suites = tuple(
            suite + name.removeprefix(codename)
            for name in source.suites
            if name == codename or name.startswith((f"{codename}-", f"{codename}/"))
        )
        if uris and suites:
            found.append(replace(source, uris=uris, suites=suites))
    return found


def main_source(sources: Iterable[Source], suite: str) -> Source | None:
    """The source that has the release itself, not only its updates: the one to bootstrap from."""
    return next((source for source in sources if suite in source.suites), None)


def render(sources: Iterable[Source]) -> str:
    """The text of a deb822 file with these sources."""
    return "\n".join(
        "Types: deb\n"
        f"URIs: {' '.join(source.uris)}\n"
        f"Suites: {' '.join(source.suites)}\n"
        + (f"Components: {' '.join(source.components)}\n" if source.components else "")
        + (f"Signed-By: {source.signed_by}\n" if source.signed_by else "")
        for source in sources
    )


def carried_settings(dump: str) -> str:
    """Of the output of `apt-config dump`, the settings that the machines need too."""
    return "".join(f"{line}\n" for line in dump.splitlines() if line.split(" ", 1)[0] in CARRIED_SETTINGS)


def os_release(text: str) -> dict[str, str]:
    """The fields of an os-release file."""
    pairs = (word.partition("=") for word in shlex.split(text, comments=True))
    return {name: value for name, _, value in pairs}
