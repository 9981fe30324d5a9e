"""The packet of metadata that PNG, JPEG and WebP files take: XMP, with the IPTC's properties for synthetic pictures.

Properties: IPTC Photo Metadata Standard 2025.1, Iptc4xmpExt:DigitalSourceType, AISystemUsed, AISystemVersionUsed and
AIPromptInformation; xmp:CreatorTool; dc:description; and our own recipe.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from xml.etree import ElementTree

from .recipe import DISTRIBUTION, GENERATION, KINDS, SHEET, WARP, Recipe

VOCABULARY = "http://cv.iptc.org/newscodes/digitalsourcetype/"
LARGEST = 1 << 20
"""Bytes of a packet that is read."""
_SPACES = {
    "x": "adobe:ns:meta/",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "xmp": "http://ns.adobe.com/xap/1.0/",
    "dc": "http://purl.org/dc/elements/1.1/",
    "Iptc4xmpExt": "http://iptc.org/std/Iptc4xmpExt/2008-02-29/",
    "facerig": "urn:face-rig:provenance:1#",
}
_LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"


@dataclass(frozen=True)
class Recorded:
    """What a packet records.

    Attributes:
        source_type: the last part of the IPTC's digitalSourceType; None where it is not said.
        software: that made the picture.
        recipe: None in pictures of other programs.
        pixels: `fingerprint` of what was saved, in formats that lose nothing.
        watermark: whether it was saved with the invisible mark; None where that is not said.
    """

    source_type: str | None = None
    software: str | None = None
    recipe: Recipe | None = None
    pixels: str | None = None
    watermark: bool | None = None


def write(recipe: Recipe, pixels: str | None = None, watermark: bool = False) -> bytes:
    """A packet; the same for the same recipe: it has no time in it.

    `pixels` is their fingerprint, where the file's format keeps them; `watermark` says whether they are marked.
    """
    for prefix, space in _SPACES.items():
        ElementTree.register_namespace(prefix, space)
    root = ElementTree.Element(_name("x:xmpmeta"))
    about = ElementTree.SubElement(
        ElementTree.SubElement(root, _name("rdf:RDF")), _name("rdf:Description"), {_name("rdf:about"): ""}
    )
    properties = {
        "xmp:CreatorTool": software(recipe),
        "Iptc4xmpExt:DigitalSourceType": VOCABULARY + KINDS[recipe.kind],
        "Iptc4xmpExt:AISystemUsed": recipe.program
        if recipe.model is None
        else f"{recipe.program} {recipe.model['id']}",
        "Iptc4xmpExt:AISystemVersionUsed": recipe.version,
        "Iptc4xmpExt:AIPromptInformation": _plain(recipe.request),
        "facerig:Recipe": recipe.to_json(),
        "facerig:Watermark": "yes" if watermark else "no",
        **({"facerig:Pixels": pixels} if pixels else {}),
    }
    for name, text in properties.items():
        ElementTree.SubElement(about, _name(name)).text = text
    languages = ElementTree.SubElement(ElementTree.SubElement(about, _name("dc:description")), _name("rdf:Alt"))
    ElementTree.SubElement(languages, _name("rdf:li"), {_LANGUAGE: "x-default"}).text = description(recipe)
    head, tail = '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>', '<?xpacket end="w"?>'
    return f"{head}{ElementTree.tostring(root, encoding='unicode')}{tail}".encode()


def read(packet: bytes) -> Recorded:
    """What a packet records; a damaged one, or one that is not XMP, records nothing. Raises InputError: a damaged
    provenance record.
    """
    # without entities of its own, no packet grows when it is read
    if len(packet) > LARGEST or b"<!DOCTYPE" in packet or b"<!ENTITY" in packet:
        return Recorded()
    try:
        root = ElementTree.fromstring(packet.decode("utf-8", "replace").strip("\0 \n"))
    except (ElementTree.ParseError, ValueError):
        return Recorded()
    found: dict[str, str] = {}
    for about in root.iter(_name("rdf:Description")):
        found |= {key: value.strip() for key, value in about.attrib.items()}
        found |= {child.tag: (child.text or "").strip() for child in about}

    def text_of(name: str) -> str | None:
        return found.get(_name(name)) or None

    kind, recipe, marked = (
        text_of(name) for name in ("Iptc4xmpExt:DigitalSourceType", "facerig:Recipe", "facerig:Watermark")
    )
    return Recorded(
        kind and kind.rsplit("/", 1)[-1],
        text_of("xmp:CreatorTool"),
        None if recipe is None else Recipe.from_json(recipe),
        text_of("facerig:Pixels"),
        None if marked is None else marked == "yes",
    )


def software(recipe: Recipe) -> str:
    """Name and version."""
    return f"{DISTRIBUTION} {recipe.version} ({recipe.program})"


def description(recipe: Recipe) -> str:
    """What the picture is, for people."""
    what = {GENERATION: "Synthetic picture", SHEET: "Page of synthetic pictures", WARP: "Synthetic edit of a photo"}
    return f"{what.get(recipe.kind, 'Synthetic edit of a photo')} by {software(recipe)}: {_plain(recipe.request)}"


def comment(recipe: Recipe) -> str:
    """What stands in the comment of moving pictures, which take no packet."""
    return f"{description(recipe)}; {VOCABULARY}{KINDS[recipe.kind]}; {recipe.to_json()}"


def _plain(request: object) -> str:
    return request if isinstance(request, str) else json.dumps(request, sort_keys=True)


def _name(short: str) -> str:
    prefix, _, name = short.partition(":")
    return f"{{{_SPACES[prefix]}}}{name}"
