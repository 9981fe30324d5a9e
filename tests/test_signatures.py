"""No signature of a public function says Any, in an alias or in keywords neither."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec, resolve_name
from pathlib import Path

import pytest

PACKAGES = ("magicface", "rigface", "fineface")
METHODS = ("edit", "encode", "from_pretrained", "generate", "rig", "look")
"""Of the editors, those that users call; of the verbs, all."""
Module = dict[str, list[ast.AST]]


@cache
def names(module: str) -> Module:
    """What a module binds: functions, classes and aliases, and imports as (module, name), TYPE_CHECKING's included."""
    spec = find_spec(module)
    assert spec is not None
    assert spec.origin is not None
    found: Module = {}

    def collect(body: list[ast.stmt]) -> None:
        for node in body:
            if isinstance(node, ast.If):
                collect(node.body)
            elif isinstance(node, (ast.FunctionDef, ast.ClassDef)):
                found.setdefault(node.name, []).append(node)
            elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                found.setdefault(node.targets[0].id, []).append(node.value)
            elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value is not None:
                found.setdefault(node.target.id, []).append(node.value)
            elif isinstance(node, ast.ImportFrom):
                for name in node.names:
                    found.setdefault(name.asname or name.name, []).append(node)

    collect(ast.parse(Path(spec.origin).read_text(encoding="utf-8")).body)
    return found


def package_of(module: str) -> str:
    spec = find_spec(module)
    assert spec is not None
    return module if spec.submodule_search_locations is not None else module.rpartition(".")[0]


def home(module: str, name: str) -> tuple[str, str]:
    """Where a name that a module imports is made; only our own packages are followed."""
    for node in names(module).get(name, []):
        if isinstance(node, ast.ImportFrom):
            source = resolve_name("." * node.level + (node.module or ""), package_of(module))
            own = source.partition(".")[0] in ("common", *PACKAGES)
            original = next(each.name for each in node.names if (each.asname or each.name) == name)
            return home(source, original) if own and find_spec(source) is not None else (source, original)
    return module, name


def untyped(node: ast.AST | None, module: str, seen: frozenset[tuple[str, str]] = frozenset()) -> Iterator[str]:
    """Where an annotation says Any: itself, in an alias, or in the fields of a TypedDict."""
    if node is None:
        return
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        try:
            node = ast.parse(node.value, mode="eval").body
        except SyntaxError:  # text of a Literal
            return
    if isinstance(node, ast.Subscript) and ast.unparse(node) == "Editor[Any]":
        return  # editors are invariant in their requests, and a chain takes any
    if isinstance(node, ast.Subscript) and ast.unparse(node.value) == "Literal":
        return
    if isinstance(node, ast.Name):
        place = home(module, node.id)
        if place == ("typing", "Any"):
            yield f"{module}: Any"
        elif place not in seen and place[0].partition(".")[0] in ("common", *PACKAGES):
            for made in names(place[0]).get(place[1], []):
                if isinstance(made, ast.ClassDef):
                    yield from fields(made, place[0], seen | {place})
                elif not isinstance(made, (ast.FunctionDef, ast.Call)):
                    yield from untyped(made, place[0], seen | {place})
        return
    for child in ast.iter_child_nodes(node):
        yield from untyped(child, module, seen)


def fields(node: ast.ClassDef, module: str, seen: frozenset[tuple[str, str]]) -> Iterator[str]:
    """Of a TypedDict, and of those that it extends; other classes are types of their own."""
    if not any(keyword.arg == "total" for keyword in node.keywords):
        return
    for base in node.bases:
        yield from untyped(base, module, seen)
    for field in node.body:
        if isinstance(field, ast.AnnAssign):
            yield from (
                f"{node.name}.{ast.unparse(field.target)}: {each}" for each in untyped(field.annotation, module, seen)
            )


def faults(function: ast.AST, module: str) -> list[str]:
    """Arguments of a function without an annotation, or with one that says Any; and so its result."""
    assert isinstance(function, ast.FunctionDef)
    given = function.args
    named = [*given.posonlyargs, *given.args, *given.kwonlyargs, *filter(None, (given.vararg, given.kwarg))]
    found = [f"{each.arg} has no type" for each in named if each.annotation is None and each.arg not in ("self", "cls")]
    for each in named:
        found += [f"{each.arg}: {fault}" for fault in untyped(each.annotation, module)]
    if function.returns is None:
        found.append("the result has no type")
    return found + [f"result: {fault}" for fault in untyped(function.returns, module)]


def public() -> Iterator[tuple[str, str, ast.AST]]:
    """Each overload of the packages' public functions, of the verbs, and of the editors' methods."""
    for package in PACKAGES:
        for name in names(package):
            module, original = home(package, name)
            if module.partition(".")[0] not in ("common", *PACKAGES) or name == "attach":
                continue
            for node in names(module).get(original, []):
                if isinstance(node, ast.FunctionDef):
                    yield module, name, node
    classes = [("common.editing.verbs", "Verbs"), ("common.editing.editor", "Editor")]
    classes += [("magicface.editor", "MagicFace"), ("rigface.editor", "RigFace"), ("fineface.editor", "FineFace")]
    for module, owner in classes:
        for node in names(module)[owner]:
            assert isinstance(node, ast.ClassDef)
            for method in node.body:
                if not isinstance(method, ast.FunctionDef) or method.name.startswith("_"):
                    continue
                if owner == "Verbs" or method.name in METHODS:
                    yield module, f"{owner}.{method.name}", method


FUNCTIONS = list(public())


def test_functions_are_found():
    found = {(module, name) for module, name, _ in FUNCTIONS}
    for package in PACKAGES:
        assert (f"{package}._api", "edit") in found
    assert {("common.editing.verbs", "Verbs.sweep"), ("common.editing.editor", "Editor.edit")} <= found
    assert ("common.editing.chain", "chain") in found


@pytest.mark.parametrize(
    ("module", "name", "node"), FUNCTIONS, ids=[f"{m}.{n}-{i}" for i, (m, n, _) in enumerate(FUNCTIONS)]
)
def test_public_signatures_have_no_any(module: str, name: str, node: ast.AST):
    assert not faults(node, module)


@pytest.mark.parametrize("signature", ["x: Any", "x: list[dict[str, Any]]", "x: CallKeywords | Any", "x"])
def test_any_is_seen(signature: str):
    assert faults(ast.parse(f"def f({signature}) -> int: ...").body[0], "common.editing.editor")
