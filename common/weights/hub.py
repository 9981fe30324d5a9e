"""The model hub: whether it answers, asked before every download so that being offline is noticed, and its files."""

from __future__ import annotations

import logging
import threading
import urllib.error
import urllib.request
from pathlib import Path

from ..core.errors import MissingCheckpointError
from .files import missing_weights

log = logging.getLogger(__name__)

OTHER_FORMS = (
    ("*.safetensors.index*.json", "*-of-*.safetensors"),
    ("*.fp16.safetensors",),
    ("*.bin", "*.bin.index*.json"),
)
"""Of weights that a repository has not as asked for, the best first."""


def reachable(url: str, timeout: float = 4.0) -> bool:
    """Whether a web server answers within `timeout` seconds, whatever it answers; proxies of the environment are used.

    A name look-up that hangs, which knows no timeout of its own, counts as no.
    """
    answers: list[bool] = []

    def ask() -> None:
        try:
            urllib.request.urlopen(urllib.request.Request(url, method="HEAD"), timeout=timeout).close()
        except urllib.error.HTTPError as error:  # a refusal is an answer
            error.close()
        except (OSError, ValueError):
            return
        answers.append(True)

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(timeout)
    return bool(answers)


def online() -> bool:
    """Whether the hub answers, and may be asked."""
    from huggingface_hub import constants

    return not constants.HF_HUB_OFFLINE and reachable(constants.ENDPOINT)


def fetch(repo: str, files: list[str], folder: Path) -> None:
    """Fetches what a hub repository has of these files (patterns) into a folder; what is there is kept.

    Where it has a network without the weights by the name asked for, other forms of them are fetched: shards, half
    precision, files of torch. Raises MissingCheckpointError: it failed; the message keeps the cause.
    """
    from huggingface_hub import snapshot_download

    log.info("fetching %s into %s", repo, folder)
    networks = dict.fromkeys(Path(name).parent for name in files if name.endswith("config.json") and "/" in name)
    try:
        for forms in (None, *OTHER_FORMS):
            there = [net for net in networks if (folder / net / "config.json").is_file()]
            lacking = [net for net in there if missing_weights(folder / net)]
            wanted = files if forms is None else [f"{net.as_posix()}/{form}" for net in lacking for form in forms]
            if wanted:
                snapshot_download(repo, local_dir=folder, allow_patterns=wanted)
    except Exception as error:  # the client's errors have no common base; the message keeps the cause
        raise MissingCheckpointError(f"Fetching {repo} into {folder} failed: {error}", code="connection") from error
