"""Owners and terms of the weights and data that the commands use."""

from __future__ import annotations

from common.cli.sources import Source, shared, small_model

_OULU = "University of Oulu, Center for Machine Vision and Signal Analysis"
_CAS = "Institute of Psychology, Chinese Academy of Sciences"
_DATA = {
    "SMIC": _OULU,
    "CASME": _CAS,
    "CASME II": _CAS,
    "SAMM": "Manchester Metropolitan University",
    "4DME": _OULU,
    "MMEW": "Shandong University",
    "CAS(ME)^3": _CAS,
}
"""Data set -> its owner, who distributes it by a signed agreement for research alone."""


def sources() -> list[Source]:
    """The rows of `microexpression licenses` and `microexpression doctor`."""
    return [
        small_model("readers inside", "microexpression analyze"),
        Source(
            "STSTNet's 68 networks",
            "microexpression.networks.released",
            "none is stated; trained on SMIC, CASME II and SAMM, which are for research",
            "see terms",
            "the repository of STSTNet (Liong et al. 2019)",
            gigabytes=0.001,
        ),
        Source(
            "InfuseNet's magnifier (generator_212000.pth)",
            "analyze, train (--magnifier)",
            "GPL-3.0",
            "see terms",
            "the repository of InfuseNet (arXiv 2504.09326)",
            gigabytes=0.002,
        ),
        *(
            Source(
                name,
                "microexpression train",
                "for research, by an agreement that is signed",
                "no",
                owner,
                register=f"with its owners: {owner}",
            )
            for name, owner in _DATA.items()
        ),
        *shared(),
    ]
