"""The whole command line of an editor: every editor has the same commands, and states its own in one value."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from ..app.command import app
from ..batch.command import Batches
from ..cli import console, edit_photos, options
from ..cli.editor_spec import EditorSpec, named
from ..cli.licenses import doctor, download, licenses
from ..cli.provenance import edited_again, redo, verify
from ..cli.verb_commands import verb_commands
from ..core.errors import InputError
from ..evaluation.command import Evaluation, evaluate

Command = Callable[[list[str]], int]
"""A command: takes the arguments behind its name, returns the exit code."""

COMMANDS = f"""commands, each with a --help of its own:
  sweep PHOTO ATTRIBUTE                   one attribute at several levels, as a labelled sheet
  grid PHOTO ATTRIBUTE ATTRIBUTE          two attributes
  animate PHOTO REQUEST -o FILE.gif       a change that rises, holds and falls
  neutralize PHOTO                        removes the measured expression
  transfer PHOTO REFERENCE                the expression of another photo
  chain PHOTO EDITOR:REQUEST ...          edits by several editors, one after the other
  explain AU | EXPRESSION                 what it is, and a picture of it
  measure BEFORE AFTER                    changes between two pictures
  batch PHOTOS --requests FILE -o RUN     many photos, many requests; run again to resume
  score RUN                               table of the changes that a batch has made
  report RUN                              a batch on one page: pictures, dose and response, failures
  verify PICTURE                          its provenance: synthetic, how made
  redo PICTURE                            the same picture again, from its provenance record
  app                                     a page with sliders
  evaluate                                measures the edits of a model
  download                                fetches the published weights
  doctor, licenses                        weights that are here and missing; terms of all weights

{console.EXIT_CODES}"""


@dataclass(frozen=True)
class Program:
    """An editor's command line. Texts "module:name" name objects that load when they are needed.

    Attributes:
        spec: where the editor is.
        about: help, with examples.
        example: a request, for help and messages.
        requests: form of a request in a file of requests, as a part of a sentence.
        sources: function that lists the weights and data that the editor can touch.
        tab: function that makes the tab of the app from the options of the networks; None for a slider for each
            attribute of the requests.
        evaluation: requests and measures of `evaluate`.
        batch: the class of the batches.
        again: makes the picture of a provenance record, for `redo`.
        add_request: adds options of a request to the parser of `edit`.
        read_request: from the arguments of a request and all options of `edit` to the request.
        start: command that runs where none is named; None for `edit`.
        own: commands of this editor alone, or in the place of common ones.
    """

    spec: EditorSpec
    about: str
    example: str = "AU12=3"
    requests: str = 'what the command line takes, such as "AU12=3,AU6=2", or {"AU12": 3}'
    sources: str = "common.cli.sources:shared"
    tab: str | None = None
    evaluation: Evaluation = field(default_factory=Evaluation)
    batch: str | type[Batches] = Batches
    again: str | Callable[..., Any] = edited_again
    add_request: Callable[[argparse.ArgumentParser], None] | None = None
    read_request: Callable[[list[str], argparse.Namespace], Any] | None = None
    start: Command | None = None
    own: Mapping[str, str | Command] = field(default_factory=dict)

    def main(self, argv: Sequence[str] | None = None) -> int:
        """The console script; returns the exit code."""
        arguments = list(sys.argv[1:] if argv is None else argv)
        command = self.commands().get(arguments[0] if arguments else "")
        if command is None:
            return console.guarded(lambda: (self.start or self.edit)(arguments))
        return console.guarded(lambda: command(arguments[1:]))

    def commands(self) -> dict[str, Command]:
        """All commands by their names."""
        name = self.spec.name
        return {
            **verb_commands(self.spec),
            "batch": lambda arguments: self.batches.batch(arguments),
            "score": lambda arguments: self.batches.score(arguments),
            "report": lambda arguments: self.batches.report(arguments),
            "verify": partial(verify, name),
            "redo": lambda arguments: redo(self.spec, named(self.again), arguments),
            "app": partial(app, self.spec, self.tab),
            "evaluate": partial(evaluate, self.spec, self.evaluation),
            "download": partial(download, self.spec),
            "doctor": partial(doctor, f"{name} doctor", self.sources),
            "licenses": partial(licenses, f"{name} licenses", self.sources),
            **{name: partial(_run, command) for name, command in self.own.items()},
        }

    @property
    def batches(self) -> Batches:
        """The batches of the editor."""
        return named(self.batch)(self.spec, self.requests)

    def edit(self, arguments: list[str]) -> int:
        """Edits photos by one request; returns the exit code."""
        parser = console.command_parser(self.spec.name, self.about, COMMANDS)
        asked = f"photos and the request, such as {self.example}, in any order"
        parser.add_argument("inputs", nargs="+", metavar="PHOTO | REQUEST", help=asked)
        if self.add_request is not None:
            self.add_request(parser)
        output = "file, or folder for several photos (default: PHOTO-edited.png)"
        options.add_options(parser, output, record=True, kinds=self.spec.options)
        args = parser.parse_intermixed_args(arguments)
        photos, words = edit_photos.read_inputs(args.inputs, self.example)
        request = self._request(words, args)
        self.spec.asked(vars(args))
        return edit_photos.run(self.spec.kind, photos, request, args)

    def _request(self, words: list[str], args: argparse.Namespace) -> Any:
        if self.read_request is not None:
            return self.read_request(words, args)
        if not words:
            raise InputError(
                "There is no request.", code="missing", expected=f'such as {self.example}; "neutral" is the null edit'
            )
        return self.spec.request.parse(",".join(words))


def _run(command: str | Command, arguments: list[str]) -> int:
    return named(command)(arguments)
