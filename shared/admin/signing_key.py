"""The key with which a deployment signs the models it exports: the setting SIGNING_KEY, or one made on first use.

A key that was made is kept in the container, as `signing-key.pem`: who can read it could replace the models anyway.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from shared.errors import ApiError
from shared.settings import Settings
from shared.storage import Conflict, Storage

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

BLOB = "signing-key.pem"
BITS = 2048


async def load(settings: Settings, storage: Storage) -> RSAPrivateKey:
    """The deployment's key; raises OperationNotAllowed if there is none that can be used."""
    try:
        pem = settings.signing_key.encode() or await _stored(storage)
        return await asyncio.to_thread(_decode, pem)
    except (ValueError, TypeError):
        what = "The setting SIGNING_KEY" if settings.signing_key else f"The blob {BLOB}"
        raise ApiError("OperationNotAllowed", f"{what} is not an RSA private key in PEM without a password.") from None


async def _stored(storage: Storage) -> bytes:
    blob = await storage.read(BLOB)
    if blob is not None:
        return blob.data
    made = await asyncio.to_thread(_make)
    try:
        await storage.replace(BLOB, made, None)
    except Conflict:
        return await _stored(storage)
    return made


def _make() -> bytes:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    return rsa.generate_private_key(65537, BITS).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _decode(pem: bytes) -> RSAPrivateKey:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    key = load_pem_private_key(pem, None)
    if not isinstance(key, RSAPrivateKey):
        raise ValueError("not an RSA key")
    return key
