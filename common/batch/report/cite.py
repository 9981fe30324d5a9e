"""What a report names for a citation: the published system, and this toolkit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...provenance.recipe import DISTRIBUTION

SYSTEMS = {
    "magicface": """@article{wei2025magicface,
  title   = {{MagicFace}: High-Fidelity Facial Expression Editing with Action-Unit Control},
  author  = {Wei, Mengting and Varanka, Tuomas and Jiang, Xingxun and Khor, Huai-Qian and Zhao, Guoying},
  journal = {arXiv preprint arXiv:2501.02260},
  year    = {2025}
}""",
    "rigface": """@article{wei2025rigface,
  title   = {Towards Consistent and Controllable Image Synthesis for Face Editing},
  author  = {Wei, Mengting and Varanka, Tuomas and Li, Yante and Jiang, Xingxun and Khor, Huai-Qian and Zhao, Guoying},
  journal = {arXiv preprint arXiv:2502.02465},
  year    = {2025}
}""",
    "fineface": """@article{varanka2024fineface,
  title   = {Towards Localized Fine-Grained Control for Facial Expression Generation},
  author  = {Varanka, Tuomas and Khor, Huai-Qian and Li, Yante and Wei, Mengting and Kung, Hanwei and Sebe, Nicu and
             Zhao, Guoying},
  journal = {arXiv preprint arXiv:2407.20175},
  year    = {2024}
}""",
}
"""Program -> BibTeX of the published system that it follows."""


def citation(program: str, made: Sequence[Mapping[str, Any]]) -> str:
    """BibTeX of the published system and of this toolkit, in the version and year of the run.

    Args:
        program: "magicface", "rigface" or "fineface".
        made: of run.json, see `common.batch.folder.MADE`; without any, version and year are left out.
    """
    last = made[-1] if made else {}
    versions = last.get("versions")
    version = str(versions.get(DISTRIBUTION, "")) if isinstance(versions, Mapping) else ""
    rows = [
        ("author", f"{DISTRIBUTION} contributors"),
        ("title", f"{DISTRIBUTION}: a toolkit for diffusion-based face editing"),
        ("version", version),
    ]
    rows.append(("year", str(last.get("date", ""))[:4]))
    fields = ",\n".join(f"  {name:7} = {{{_plain(text)}}}" for name, text in rows if text)
    own = f"@software{{face_rig,\n{fields}\n}}"
    return "\n\n".join([*([SYSTEMS[program]] if program in SYSTEMS else []), own])


def _plain(text: str) -> str:
    """Without what BibTeX reads as its own."""
    return "".join(letter for letter in text if letter.isalnum() or letter in " .:-+_")
