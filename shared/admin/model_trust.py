"""Whose models may be imported: a signed zip of somebody the owner trusts, of anybody where none is listed."""

import asyncio
from typing import NamedTuple

from shared import fingerprints
from shared.admin import signing, signing_key
from shared.errors import ApiError
from shared.serving.service import Service

ZIP = b"PK"


class Opened(NamedTuple):
    """A VW model, and whether somebody whom the owner trusts has signed it."""

    data: bytes
    verified: bool


async def opened(service: Service, body: bytes) -> Opened:
    """The model of a signed zip, or the plain model if the deployment allows it; raises ApiError."""
    settings = service.settings
    if not body:
        raise ApiError(
            "InvalidModelImportFormat",
            "The body is empty. A body that is sent in chunks, as from a stream, arrives empty: send a Content-Length.",
        )
    if not body.startswith(ZIP):
        if settings.import_unsigned_models:
            return Opened(body, verified=False)
        raise ApiError(
            "InvalidModelImportSignature",
            "Given model file is not a signed zip. The setting IMPORT_UNSIGNED_MODELS allows plain VW models.",
        )
    signed = await asyncio.to_thread(signing.unpack, body, settings.max_model_bytes)
    if signed.signer in settings.trusted_signers:
        return Opened(signed.model, verified=True)
    own = signing.certificate(await signing_key.load(settings, service.storage))
    if signed.signer == fingerprints.of(own):
        return Opened(signed.model, verified=True)
    if settings.trusted_signers:
        raise ApiError(
            "InvalidModelImportSignature",
            f"The signer is not trusted: the setting TRUSTED_SIGNERS does not list the certificate {signed.signer}.",
        )
    return Opened(signed.model, verified=False)
