"""Who may import whom, and what an import costs."""

from __future__ import annotations

import ast
import subprocess
import sys
from functools import cache
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SIBLINGS = {"magicface", "rigface", "fineface", "microexpression", "surveillance"}
ONE_HOME = {
    *("insightface", "face_alignment", "ai_edge_litert", "anny", "scipy", "accelerate", "peft", "dlib", "feat", "av"),
    *("c2pa", "imwatermark", "jinja2", "ray", "kornia", "pillow_heif"),
}
STANDS_ON = {"surveillance": {"scipy"}}
"""Which none of its modules can do without; `extras.ready` asks for them before any is imported."""
FLOORS = (
    {"core"},
    {"facs", "imaging", "weights"},
    {"diffusion", "face3d", "faces", "parsing", "provenance"},
    {"measure", "occlusion", "synthetic", "warp"},
    {"editing"},
    {"cli"},
    {"training"},
    {"evaluation"},
    {"app", "batch"},
    {"program"},
)
"""The rooms of `common`. A room imports rooms of lower floors alone; `__main__` files stand above all of them."""


@cache
def modules() -> dict[str, ast.Module]:
    files = [path for package in ("common", *SIBLINGS) for path in (ROOT / package).rglob("*.py")]
    return {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): ast.parse(path.read_text())
        for path in files
    }


def imports(name: str, tree: ast.Module, is_package: bool) -> set[str]:
    """Full names of what a module imports, type-checking-only imports left out."""
    skipped = {
        child
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        for child in ast.walk(node)
    }
    found = set()
    for node in ast.walk(tree):
        if node in skipped:
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parts = name.split(".")
                parts = parts[: len(parts) - node.level + is_package]
                base = ".".join([*parts, base] if base else parts)
            if base == "common":
                found |= {f"common.{alias.name}" for alias in node.names}
            else:
                found.add(base)
    return found


@cache
def all_imports() -> dict[str, set[str]]:
    trees = modules()
    return {name: imports(name, tree, (ROOT / name.replace(".", "/")).is_dir()) for name, tree in trees.items()}


def room(name: str) -> str:
    """common.faces.crop belongs to the room faces."""
    return name.split(".")[1]


def test_common_imports_no_sibling_and_siblings_not_each_other():
    for name, imported in all_imports().items():
        package = name.split(".")[0]
        others = SIBLINGS - {package}
        assert not {i for i in imported if i.split(".")[0] in others}, name


def test_rooms_import_rooms_of_lower_floors_alone():
    floor = {each: number for number, rooms in enumerate(FLOORS) for each in rooms}
    for name, imported in all_imports().items():
        if not name.startswith("common.") or name.endswith(".__main__"):
            continue
        own = room(name)
        others = {room(i) for i in imported if i.startswith("common.")} - {own}
        above = {other for other in others if floor[other] >= floor[own]}
        assert not above, f"{name} imports {above}, which are not below {own}"


def test_every_file_of_common_is_in_a_room():
    rooms = set.union(*FLOORS)
    assert {path.name for path in (ROOT / "common").iterdir() if path.is_dir() and path.name[0] != "_"} == rooms
    assert {path.name for path in (ROOT / "common").iterdir() if path.is_file()} == {"__init__.py", "py.typed"}


@pytest.mark.parametrize("library", sorted(ONE_HOME))
def test_optional_libraries_have_one_home(library):
    homes = [name for name, imported in all_imports().items() if any(i.split(".")[0] == library for i in imported)]
    homes = [name for name in homes if library not in STANDS_ON.get(name.split(".")[0], ())]
    assert len(homes) == 1, homes


def test_a_package_asks_for_what_it_stands_on():
    for package, libraries in STANDS_ON.items():
        assert libraries <= set(import_module(package).PACKAGES)


def test_torchvision_is_nowhere():
    assert not [name for name, imported in all_imports().items() if any(i.startswith("torchvision") for i in imported)]


@pytest.mark.parametrize("package", sorted(SIBLINGS))
def test_importing_a_package_is_light(package):
    code = (
        f"import sys; before = set(sys.modules); import {package}; new = set(sys.modules) - before;"
        "heavy = {name.split('.')[0] for name in new} & {'torch', 'diffusers', 'transformers', 'numpy', 'PIL', 'cv2'};"
        "assert not heavy, heavy; assert len(new) < 30, sorted(new)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("package", sorted(SIBLINGS))
def test_no_module_hides_a_name_of_its_package(package):
    """A module, once it is imported, stands in the package under its own name, in place of what the package offers."""
    assert not {path.stem for path in (ROOT / package).iterdir()} & set(import_module(package).__all__)


def test_importing_everything_needs_no_network_and_no_option():
    code = (
        "import socket, sys\n"
        "def refuse(*args, **kwargs): raise AssertionError('network at import')\n"
        "socket.socket.connect = refuse\n"
        f"import {', '.join(n for n in sorted(modules()) if not n.endswith('__main__'))}\n"
        # peft is not among them: where it is installed, diffusers imports it
        "optional = {'insightface', 'face_alignment', 'ai_edge_litert', 'gradio', 'torchvision', 'skimage',"
        "'anny', 'warp', 'dlib', 'feat', 'av', 'ray'}\n"
        "loaded = optional & set(sys.modules)\n"
        "assert not loaded, loaded\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, timeout=600)


def test_no_file_is_too_long():
    for name in modules():
        path = ROOT / (name.replace(".", "/") + ".py")
        path = path if path.exists() else ROOT / name.replace(".", "/") / "__init__.py"
        assert len(path.read_text().splitlines()) <= 450, path
