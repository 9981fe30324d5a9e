"""Names of folders and files of a run, made of names that people and file systems have."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from urllib.parse import unquote_to_bytes

from ..core.errors import InputError

LONGEST, MOST_BYTES = 120, 200
"""Letters of a name, and its bytes in UTF-8; file systems take 255 bytes, of which a number and a suffix need some."""
_SAFE = frozenset("_-+=,. ")
_DEVICES = re.compile(r"(?:con|prn|aux|nul|com[1-9]|lpt[1-9])(?=\.|$)", re.IGNORECASE)  # of Windows


def escaped(text: str) -> str:
    """A text as the name of a file on every system: unsafe letters become %XX, their bytes in UTF-8; see `original`.

    Letters, digits, spaces and _ - + = , . stay, in every script. Names longer than `LONGEST` and `MOST_BYTES` are cut
    and end with a part of the text's hash; only these cannot be reversed.
    """
    name = "".join(letter if _is_safe(letter) else _percent(letter) for letter in text)
    name = re.sub(r"\.(?=\.)|[. ]$", lambda found: _percent(found[0]), name)
    if name[:1] in set("-+=,. ") or _DEVICES.match(name):
        name = _percent(name[:1]) + name[1:]
    if len(name) <= LONGEST and len(name.encode()) <= MOST_BYTES:
        return name
    digest = hashlib.sha256(_bytes(text)).hexdigest()[:8]
    kept = name[: LONGEST - 9]
    while len(kept.encode()) > MOST_BYTES - 9:
        kept = kept[:-1]
    return re.sub(r"%.?$|[. ]+$", "", kept) + "-" + digest


def original(name: str) -> str:
    """The text that `escaped` made a name of, for reading."""
    return unquote_to_bytes(name).decode(errors="surrogateescape")


def check_name(name: str) -> str:
    """The name itself; raises an InputError unless every system can use it for a file."""
    plain = re.sub("%[0-9A-F]{2}", "_", name)
    right = all(map(_is_safe, plain)) and not re.match(r"[-+=,. ]", plain) and not _DEVICES.match(name)
    if not name or not right or len(name) > LONGEST or name.endswith((".", " ")) or ".." in name:
        expected = f"letters, digits, spaces and _ - + = , . ; {LONGEST} at most"
        raise InputError("A file cannot have this name.", code="format", expected=expected, actual=name)
    return name


def given_name(text: str) -> str:
    """A user's name, escaped; raises an InputError where it is empty, or a path."""
    if not text.strip() or re.search(r"[/\\\0]", text) or text in (".", ".."):
        code = "format" if text.strip() else "empty"
        raise InputError("A file cannot have this name.", code=code, expected="a name, not a path", actual=text)
    return escaped(text.strip())


class Names:
    """Names of which no two are the same file on any system: they differ by more than case or the form of accents."""

    def __init__(self) -> None:
        self._given: set[str] = set()
        self._last: dict[str, int] = {}

    def __contains__(self, name: str) -> bool:
        return _folded(name) in self._given

    def free(self, name: str) -> str:
        """The name, or where it is given already, the next one with a number."""
        number, free = self._last.get(_folded(name), 1), name
        while free in self:
            number += 1
            free = f"{name}-{number}"
        self._last[_folded(name)] = number
        self._given.add(_folded(free))
        return free


def _is_safe(letter: str) -> bool:
    return letter in _SAFE or letter.isalnum() or (letter > "\x7f" and letter.isprintable())


def _percent(text: str) -> str:
    return "".join(f"%{byte:02X}" for byte in _bytes(text))


def _bytes(text: str) -> bytes:
    """UTF-8. Lone surrogates are the bytes that the file system gave for them, or, from JSON or Windows, themselves."""
    given = ("surrogateescape" if "\udc80" <= letter <= "\udcff" else "surrogatepass" for letter in text)
    return b"".join(letter.encode(errors=errors) for letter, errors in zip(text, given, strict=True))


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())
