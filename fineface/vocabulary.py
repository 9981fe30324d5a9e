"""A CLIP tokenizer whose words are those of some captions, and the text encoder that reads its tokens."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from common.core.errors import InputError, MissingCheckpointError
from common.training.command import check_known
from common.weights.text_encoder import load_text

if TYPE_CHECKING:
    from .train import FineFaceConfig

END = "</w>"
SPECIAL = ("<|startoftext|>", "<|endoftext|>")


def taught(folder: Path) -> tuple[Any, Any]:
    """The tokenizer and the text encoder that `teach` wrote. Raises MissingCheckpointError: they are not there;
    CheckpointError: they are damaged.
    """
    folder = folder.expanduser()
    if not (folder / "text_encoder").is_dir() or not (folder / "tokenizer").is_dir():
        raise MissingCheckpointError(
            f"{folder} holds no text encoder and tokenizer.\n  make them: python -m fineface.teach CONFIG"
        )
    return load_text(folder / "text_encoder", folder / "tokenizer")


def text_networks(config: FineFaceConfig, captions: Sequence[str]) -> tuple[Any, Any]:
    """A tokenizer whose words are those of the captions, and a random text encoder that reads them.

    As many tokens fit as the encoder has positions.
    """
    from transformers import CLIPTextConfig, CLIPTextModel

    known = CLIPTextConfig().to_dict()
    for key in config.text_encoder:
        check_known(key, known, "[text_encoder]")
    tokenizer = tokenizer_of(captions, config.text_encoder.get("vocab_size", known["vocab_size"]))
    options = {**config.text_encoder, "vocab_size": len(tokenizer)}
    options |= {name: getattr(tokenizer, name) for name in ("bos_token_id", "eos_token_id", "pad_token_id")}
    try:
        encoder = CLIPTextModel(CLIPTextConfig(**options))
    except (TypeError, ValueError) as error:
        raise InputError(f"[text_encoder] makes no CLIPTextModel: {error}") from error
    tokenizer.model_max_length = encoder.config.max_position_embeddings
    return tokenizer, encoder


def tokenizer_of(captions: Iterable[str], most: int) -> Any:
    """A `CLIPTokenizer` that has each word of the captions as one token, the frequent ones first; others it spells.

    The same captions give the same tokenizer in every process, which a trainer of byte pairs does not promise.

    There are at most `most` tokens. Raises InputError: not even letters fit into so many tokens.
    """
    from tokenizers.pre_tokenizers import ByteLevel
    from transformers import CLIPTokenizer

    backend = CLIPTokenizer().backend_tokenizer
    counts: Counter[str] = Counter()
    for text in captions:
        counts.update(
            word for word, _ in backend.pre_tokenizer.pre_tokenize_str(backend.normalizer.normalize_str(text))
        )
    letters = sorted(ByteLevel.alphabet())
    tokens = [*letters, *(letter + END for letter in letters)]
    room = most - len(tokens) - len(SPECIAL)
    if room < 0:
        raise InputError(f"[text_encoder] vocab_size must be at least {most - room}, for the letters; got {most}.")
    merges = merges_of(sorted(counts, key=lambda word: (-counts[word], word)), room)
    tokens = list(dict.fromkeys([*tokens, *map("".join, merges), *SPECIAL]))
    return CLIPTokenizer(vocab={token: i for i, token in enumerate(tokens)}, merges=merges)  # type: ignore[arg-type]


def merges_of(words: Iterable[str], most: int) -> list[tuple[str, str]]:
    """Merges of byte pairs, in order, that make each word one piece.

    A merge acts after those before it, so what is added for a word changes nothing for the words before.

    The first words count most; beyond `most` merges the rest of the words stays in pieces.
    """
    rank: dict[tuple[str, str], int] = {}
    for word in words:
        while len(pieces := split(word, rank)) > 1 and len(rank) < most:
            rank[pieces[0], pieces[1]] = len(rank)
    return list(rank)


def split(word: str, rank: dict[tuple[str, str], int]) -> list[str]:
    """The pieces of a word: the pair of the lowest rank is merged, again and again."""
    pieces = [*word[:-1], word[-1] + END]
    while known := [pair for pair in pairwise(pieces) if pair in rank]:
        pair, joined = min(known, key=rank.__getitem__), []
        for piece in pieces:
            if joined and (joined[-1], piece) == pair:
                joined[-1] += piece
            else:
                joined.append(piece)
        pieces = joined
    return pieces
