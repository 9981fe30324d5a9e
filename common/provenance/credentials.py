"""C2PA content credentials: a signed statement in the file of how the picture came to be.

Specification: https://spec.c2pa.org. The certificate is the user's own, with its chain, as PEM; so is the key.
"""

from __future__ import annotations

import io
import json
import re
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ..core.errors import ImageError, InputError, MissingDependencyError
from ..imaging.image_files import Encoded, content_of, name_of
from .recipe import DISTRIBUTION, KINDS, Recipe
from .xmp import VOCABULARY, description

COMMAND = 'pip install "face-rig[sign]"'
# A picture says who has signed it without asking the network.
_SETTINGS = {"verify": {"remote_manifest_fetch": False, "ocsp_fetch": False}}


def sign(path: Path, recipe: Recipe, certificate: Path, key: Path) -> None:
    """Signs a PNG, JPEG or WebP file in its place; a process that dies leaves it as it was.

    `certificate` is a chain, PEM, the signer's own first; C2PA refuses self-signed ones. `key` is its private key, PEM
    without a password; ES256, ES384, ES512, PS256 or Ed25519. Raises MissingDependencyError: c2pa-python is not
    installed; InputError: certificate or key cannot be used.
    """
    c2pa = _library()
    chain, secret = (_pem(each, what) for each, what in ((certificate, "certificate"), (key, "key")))
    signed = path.with_name(f"{path.stem}-signed{path.suffix}")
    try:
        info = c2pa.C2paSignerInfo(_algorithm(secret, key).encode(), chain, secret, None)
        with c2pa.Signer.from_info(info) as signer, c2pa.Builder(statement(recipe)) as builder:
            builder.sign_file(str(path), str(signed), signer)
        signed.replace(path)
    except c2pa.C2paError as error:
        raise InputError(f"Cannot sign with {certificate} and {key}: {error}", code="unreadable") from error
    finally:
        signed.unlink(missing_ok=True)


def read(picture: Encoded) -> dict[str, Any] | None:
    """What the credentials of a file say; None where it has none.

    Returns:
        "state": "Trusted", "Valid" (signed correctly by a signer who is not trusted here) or "Invalid"; "signer",
        "software", "source_type", and "faults" as the library names them.

    Raises:
        MissingDependencyError: c2pa-python is not installed.
        ImageError: the credentials are there, and cannot be read.
    """
    c2pa = _library()
    try:
        source = (None, io.BytesIO(content_of(picture)))  # of bytes, which show the format
        with c2pa.Context.from_dict(_SETTINGS) as context, c2pa.Reader(*source, context=context) as reader:
            store = json.loads(reader.json())
    except c2pa.C2paError as error:
        if type(error).__name__.endswith("ManifestNotFound") or "NotSupported" in type(error).__name__:
            return None
        raise _unreadable(picture, error) from error
    try:
        active = store.get("manifests", {}).get(store.get("active_manifest"), {})
        generators = active.get("claim_generator_info") or [{}]
        signature = active.get("signature_info", {})
        actions = [
            action
            for assertion in active.get("assertions", [])
            if assertion.get("label", "").startswith("c2pa.actions")
            for action in assertion.get("data", {}).get("actions", [])
        ]
        kind = next((each["digitalSourceType"] for each in actions if "digitalSourceType" in each), None)
        return {
            "state": store.get("validation_state", "Invalid"),
            "signer": signature.get("common_name") or signature.get("issuer"),
            "software": generators[0].get("name"),
            "source_type": kind and kind.rsplit("/", 1)[-1],
            "faults": [each.get("code") for each in store.get("validation_status", [])],
        }
    except (AttributeError, TypeError, KeyError, IndexError) as error:
        raise _unreadable(picture, error) from error


def _unreadable(picture: Encoded, error: Exception) -> ImageError:
    return ImageError(f"Cannot read the content credentials of {name_of(picture)}: {error}", code="unreadable")


def statement(recipe: Recipe) -> dict[str, Any]:
    """What is signed."""
    action = {
        "action": "c2pa.created",
        "digitalSourceType": VOCABULARY + KINDS[recipe.kind],
        "description": description(recipe),
        "softwareAgent": {"name": recipe.program, "version": recipe.version},
    }
    return {
        "claim_generator_info": [{"name": DISTRIBUTION, "version": recipe.version}],
        "title": recipe.program,
        "assertions": [
            {"label": "c2pa.actions", "data": {"actions": [action]}},
            {"label": "urn:face-rig:recipe", "data": asdict(recipe)},
        ],
    }


def _algorithm(secret: bytes, key: Path) -> str:
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        found = load_pem_private_key(secret, None)
    except (ValueError, TypeError) as error:
        raise InputError(f"The key {key} cannot be read: {error}", code="unreadable") from error
    if isinstance(found, ec.EllipticCurvePrivateKey):
        return {256: "es256", 384: "es384", 521: "es512"}.get(found.curve.key_size, "es256")
    if isinstance(found, rsa.RSAPrivateKey):
        return "ps256"
    if isinstance(found, ed25519.Ed25519PrivateKey):
        return "ed25519"
    raise InputError(f"C2PA does not take a key of the kind of {key}; take ES256.", code="unknown")


def _pem(path: Path, what: str) -> bytes:
    try:
        content = Path(path).expanduser().read_bytes()
    except OSError as error:
        raise InputError(f"Cannot read the {what} {path}: {error}", code="unreadable") from error
    if not re.search(rb"-----BEGIN [A-Z ]+-----", content):
        raise InputError(f"The {what} {path} is not a PEM file.", code="format")
    return content


def _library() -> Any:
    try:
        import c2pa
    except ImportError as error:
        raise MissingDependencyError("c2pa-python", "content credentials (C2PA)", COMMAND) from error
    return c2pa
