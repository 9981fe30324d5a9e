"""What a command line needs of an editor before torch is loaded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING, Any

from ..editing.options import EditOptions, FaceOptions, ModelOptions

if TYPE_CHECKING:
    from ..editing.editor import Editor
    from ..editing.request import Sweepable
    from ..editing.verbs import Verbs

OptionKinds = tuple[type[EditOptions], type[FaceOptions], type[ModelOptions]]
KINDS: OptionKinds = (EditOptions, FaceOptions, ModelOptions)
"""The options of every editor; an editor may have subclasses of them."""


@dataclass(frozen=True)
class EditorSpec:
    """An editor by the name of its program, with its class (or "module:name", see `named`) and those of its values."""

    name: str
    editor: str | type[Editor[Any]]
    request: type[Sweepable]
    options: OptionKinds = KINDS

    def asked(self, values: Mapping[str, Any]) -> tuple[EditOptions, FaceOptions, ModelOptions]:
        """The options of a command line (`vars`); raises an InputError for one that cannot be used."""
        edit, face, model = self.options
        return edit.of(values), face.of(values), model.of(values)

    @property
    def kind(self) -> type[Editor[Any]]:
        """The class of the editor; torch and diffusers load here, after the arguments have been understood."""
        return named(self.editor)

    @cached_property
    def verbs(self) -> Verbs[Any]:
        """The editor's verbs; imports torch, as `kind`."""
        from ..editing.verbs import Verbs

        return Verbs(self.kind)


def named(place: Any) -> Any:
    """The object that a text "module:name" names, whose module loads now; any other value is the object itself."""
    if not isinstance(place, str):
        return place
    module, _, name = place.partition(":")
    return getattr(import_module(module), name)
