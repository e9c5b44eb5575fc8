"""What holds for every module: documentation, arguments and the library's options are the same, everywhere."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
import msgspec.inspect as types
import pytest
import yaml

from support import collection_modules as collection

MODULES = collection.names("modules")
ATTRIBUTES = {"check_mode", "diff_mode", "idempotent", "platform", "action_group"}
SECRET = re.compile(r"(^|_)(password|passwd|passphrase|token|secret|secrets|auth|credential|private_key)($|_)")
# Of these validate-modules wants to know, in one way or the other.
ASKED = re.compile(
    r"(pass(?!ive)|secret|token|key)(?!.*_(count|type|alg|algorithm|timeout|name|comment|policy|path|dir|file)s?$)"
)
# A file of secrets may be named, and a number may say how many there are.
OPEN_TYPES = ("bool", "int", "path")
KINDS: Mapping[str, tuple[type, ...]] = {
    "str": (types.StrType, types.EnumType, types.LiteralType),
    "path": (types.StrType,),
    "int": (types.IntType,),
    "float": (types.FloatType, types.IntType),
    "bool": (types.BoolType,),
    "list": (types.ListType, types.VarTupleType, types.TupleType, types.CollectionType),
    "dict": (types.DictType, types.StructType),
    "raw": (types.Type,),
    "jsonarg": (types.StrType,),
}
SAMPLES: Mapping[str, tuple[type, ...]] = {
    "str": (str,),
    "int": (int,),
    "float": (int, float),
    "bool": (bool,),
    "list": (list,),
    "dict": (dict,),
    "complex": (dict,),
    "raw": (object,),
}


def _doc(module: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = collection.documentation()[module]
    assert "error" not in found, found["error"]
    return found


@pytest.mark.parametrize("module", MODULES)
def test_options_are_documented_as_they_are_taken(module: str) -> None:
    assert list(_documented(module, _doc(module)["doc"]["options"], collection.specification(module))) == []


def _documented(path: str, documented: Mapping[str, Any], taken: Mapping[str, Any]) -> Iterator[str]:
    for name in sorted(documented.keys() ^ taken.keys()):
        yield f"{path}.{name} is only {'documented' if name in documented else 'in the argument_spec'}"
    for name in sorted(documented.keys() & taken.keys()):
        here, doc, spec = f"{path}.{name}", documented[name], taken[name]
        for key, default in (("type", "str"), ("default", None), ("required", False), ("elements", None)):
            said, is_so = doc.get(key, default), spec.get(key, default)
            if said != is_so:
                yield f"{here}: {key} is documented as {said!r} and is {is_so!r}"
        for key in ("choices", "aliases"):
            if list(doc.get(key) or ()) != list(spec.get(key) or ()):
                yield f"{here}: {key} are documented as {doc.get(key)} and are {spec.get(key)}"
        if not doc.get("description"):
            yield f"{here} has no description"
        yield from _documented(here, doc.get("suboptions") or {}, spec.get("options") or {})


@pytest.mark.parametrize("module", MODULES)
def test_no_option_has_a_name_that_ansible_keeps(module: str) -> None:
    assert list(_kept(collection.specification(module))) == []


def _kept(taken: Mapping[str, Any]) -> Iterator[str]:
    yield from taken.keys() & {"message", "syslog_facility"}
    for spec in taken.values():
        yield from _kept(spec.get("options") or {})


@pytest.mark.parametrize("module", MODULES)
def test_options_are_those_of_the_library(module: str) -> None:
    taken, options = collection.specification(module), collection.library_options(module)
    assert list(_of_library(module, taken, options)) == []


def _of_library(path: str, taken: Mapping[str, Any], options: types.StructType) -> Iterator[str]:
    fields = {field.encode_name: field for field in options.fields}
    for name in sorted(fields.keys() ^ taken.keys()):
        yield f"{path}.{name} is only {'in the library' if name in fields else 'in the argument_spec'}"
    for name in sorted(fields.keys() & taken.keys()):
        here, spec, field = f"{path}.{name}", taken[name], fields[name]
        yield from _same_default(here, spec, field)
        kinds = list(_alternatives(field.type))
        fitting = [kind for kind in kinds if isinstance(kind, KINDS[spec.get("type", "str")])]
        if not fitting and not any(isinstance(kind, (types.AnyType, types.RawType)) for kind in kinds):
            known = ", ".join(type(kind).__name__ for kind in kinds)
            yield f"{here} is {spec.get('type', 'str')}, and the library takes {known}"
        for kind in fitting:
            yield from _same_choices(here, spec, kind)
        structs = [struct for kind in fitting for struct in _structs(kind)]
        # A manifest is plain values to the options; the library has its own reader of these.
        if structs:
            yield from _of_library(here, spec.get("options") or {}, structs[0])


def _same_default(path: str, spec: Mapping[str, Any], field: types.Field) -> Iterator[str]:
    """What is not given in a task is null, and what is null the library is not given."""
    if field.default_factory is not msgspec.NODEFAULT:
        default: Any = field.default_factory()
    else:
        default = field.default
    if default is msgspec.NODEFAULT:
        if not spec.get("required") and spec.get("default") is None:
            yield f"{path} need not be given, and the library needs it"
    elif spec.get("default") is not None:
        if msgspec.json.decode(msgspec.json.encode(default)) != spec["default"]:
            yield f"{path} is {spec['default']!r} by default, and {default!r} in the library"
    elif not spec.get("required") and default and not isinstance(default, msgspec.Struct):
        yield f"{path} has no default, and {default!r} in the library"


def _same_choices(path: str, spec: Mapping[str, Any], kind: types.Type) -> Iterator[str]:
    """An enumeration may be wider than what a task can ask for; a literal is written for it alone."""
    offered = set(filter(None, spec.get("choices") or ()))
    if isinstance(kind, types.EnumType):
        fitting = offered <= {member.value for member in kind.cls}
    elif isinstance(kind, types.LiteralType):
        fitting = offered == set(filter(None, kind.values))
    else:
        return
    if not fitting:
        yield f"{path} can be {spec.get('choices')}, and in the library {kind}"


def _alternatives(kind: types.Type) -> Iterator[types.Type]:
    if isinstance(kind, types.UnionType):
        for one in kind.types:
            yield from _alternatives(one)
    elif isinstance(kind, types.Metadata):
        yield from _alternatives(kind.type)
    elif not isinstance(kind, types.NoneType):
        yield kind


def _structs(kind: types.Type) -> Iterator[types.StructType]:
    if isinstance(kind, types.StructType):
        yield kind
    elif isinstance(kind, (types.ListType, types.VarTupleType)):
        for one in _alternatives(kind.item_type):
            yield from _structs(one)


@pytest.mark.parametrize("module", MODULES)
def test_secrets_are_kept_out_of_logs(module: str) -> None:
    assert list(_open_secrets(module, collection.specification(module))) == []


def _open_secrets(path: str, taken: Mapping[str, Any]) -> Iterator[str]:
    for name, spec in taken.items():
        here, parts = f"{path}.{name}", spec.get("options") or {}
        if spec.get("no_log"):
            continue
        if ASKED.search(name) and spec.get("no_log") is None and spec.get("type", "str") not in OPEN_TYPES:
            yield f"{here} could be a secret: say with no_log whether it is one"
        # Of what has parts these are secret, each for itself.
        if SECRET.search(name) and not parts and spec.get("type", "str") not in OPEN_TYPES:
            yield f"{here} sounds like a secret and is not no_log"
        yield from _open_secrets(here, parts)


@pytest.mark.parametrize("module", MODULES)
def test_attributes_say_the_truth(module: str) -> None:
    attributes = _doc(module)["doc"]["attributes"]
    assert attributes.keys() >= ATTRIBUTES
    supported = bool(collection.arguments(module).get("supports_check_mode"))
    assert (attributes["check_mode"]["support"] != "none") == supported
    assert attributes["action_group"]["membership"] == ["kubenode.node.node"]
    unexplained = [
        name for name, about in attributes.items() if about["support"] != "full" and not about.get("details")
    ]
    assert unexplained == [], "what is not supported in full has to be explained"
    if module.endswith("_info"):
        assert attributes["diff_mode"]["support"] == "none"


@pytest.mark.parametrize("module", MODULES)
def test_examples_are_tasks_that_the_module_takes(module: str) -> None:
    text = _doc(module)["examples"]
    of_it = [task for task in collection.tasks(text) if f"kubenode.node.{module}" in task]
    assert of_it, "an example of the module itself"
    assert [problem for task in collection.tasks(text) for problem in _of_task(task)] == []


def _of_task(task: Mapping[str, Any]) -> Iterator[str]:
    try:
        full_name, given = collection.action(task)
    except ValueError:
        yield f"{task} names not one module in full"
        return
    if "name" not in task:
        yield f"a task of {full_name} has no name"
    name = full_name.removeprefix("kubenode.node.")
    if name == full_name:
        return
    if name not in MODULES:
        yield f"there is no module {full_name}"
    elif not isinstance(given, str | None):
        yield from _of_arguments(name, given, collection.specification(name))
        if "{{" not in yaml.safe_dump(given):
            yield from map(str, collection.validator(name).validate(given).error_messages)


def _of_arguments(path: str, given: Mapping[str, Any], taken: Mapping[str, Any]) -> Iterator[str]:
    """Options that there are not; values may be templates."""
    for name, value in given.items():
        if name not in taken:
            yield f"{path} has no option {name}"
            continue
        inner = taken[name].get("options")
        for one in value if isinstance(value, list) else [value]:
            if inner and isinstance(one, Mapping):
                yield from _of_arguments(f"{path}.{name}", one, inner)


@pytest.mark.parametrize("module", MODULES)
def test_what_is_returned_is_described(module: str) -> None:
    returned = _doc(module)["return"]
    assert returned
    assert [problem for name, about in returned.items() for problem in _of_value(name, about)] == []
    for name, about in returned.items():
        assert about.get("returned"), f"{name}: when it is returned"


def _of_value(path: str, about: Mapping[str, Any]) -> Iterator[str]:
    kind = about.get("type")
    if kind not in SAMPLES:
        yield f"{path} has the type {kind}"
        return
    if not about.get("description"):
        yield f"{path} has no description"
    if "sample" in about:
        yield from _of_sample(path, about, about["sample"])
    for name, inner in (about.get("contains") or {}).items():
        yield from _of_value(f"{path}.{name}", inner)


def _of_sample(path: str, about: Mapping[str, Any], sample: Any) -> Iterator[str]:
    kind = about["type"]
    if not isinstance(sample, SAMPLES[kind]) or (kind in ("int", "float") and isinstance(sample, bool)):
        yield f"{path} is {kind}, and its sample is {sample!r:.80}"
        return
    parts = about.get("contains") or {}
    for one in sample if isinstance(sample, list) else [sample]:
        if kind == "list" and "elements" in about and not isinstance(one, SAMPLES[about["elements"]]):
            yield f"{path} is a list of {about['elements']}, and its sample holds {one!r:.80}"
        if parts and isinstance(one, Mapping):
            yield from (f"{path}.{name} is in the sample and not described" for name in one.keys() - parts.keys())


@pytest.mark.parametrize("module", MODULES)
def test_a_module_says_since_when_it_is_there(module: str) -> None:
    doc = _doc(module)["doc"]
    assert doc["version_added"] == "0.1.0"
    assert doc["author"] == ["The kubenode authors (@kubenode)"]
    assert not doc["short_description"].endswith(".")
