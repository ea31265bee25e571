"""Signed models: a zip of the model, the signer's certificate and a signature, as Azure Personalizer exported them.

The signature is RSA, PKCS#1 v1.5, over the SHA-512 of the model.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, NamedTuple

from shared import fingerprints
from shared.errors import ApiError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

MODEL, CERTIFICATE, SIGNATURE = "model.vw", "signer.der", "sha512_signature.bin"
_LONGEST_CERTIFICATE, _LONGEST_SIGNATURE = 16_384, 2_048
_VALID = datetime(2000, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC)
# What a zip raises that is damaged, or packed in a way that is not known.
UNREADABLE = (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, ValueError, OSError)


class SignedModel(NamedTuple):
    """A model whose signature is good, and the fingerprint of its signer's certificate."""

    model: bytes
    signer: str


def certificate(key: RSAPrivateKey) -> bytes:
    """The self-signed X.509 certificate of a key in DER: always the same, so that it can be listed as trusted."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization

    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Open Personalizer")])
    public = key.public_key()
    serial = int.from_bytes(x509.SubjectKeyIdentifier.from_public_key(public).digest) >> 2
    start, end = _VALID
    unsigned = x509.CertificateBuilder(name, name, public, serial, start, end)
    return unsigned.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def pack(model: bytes, key: RSAPrivateKey) -> bytes:
    """The signed zip of a model; the same model and key give the same bytes."""
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15

    signature = key.sign(model, PKCS1v15(), hashes.SHA512())
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, data in ((MODEL, model), (CERTIFICATE, certificate(key)), (SIGNATURE, signature)):
            archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
    return target.getvalue()


def unpack(data: bytes, most_bytes: int) -> SignedModel:
    """The model of a signed zip, if it has at most so many bytes; raises InvalidModelImportFormat or ...Signature."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = {PurePosixPath(one.filename).name: one for one in archive.infolist()}
            model, signer, signature = (
                _member(archive, members.get(name), most)
                for name, most in (
                    (MODEL, most_bytes),
                    (CERTIFICATE, _LONGEST_CERTIFICATE),
                    (SIGNATURE, _LONGEST_SIGNATURE),
                )
            )
    except UNREADABLE as error:
        raise ApiError("InvalidModelImportFormat", f"Given model file format is invalid: {error}.") from None
    if model is None:
        raise ApiError("InvalidModelImportFormat", f"There is no {MODEL} in the zip.")
    if signer is None or signature is None or not _is_signed(model, signer, signature):
        raise ApiError("InvalidModelImportSignature")
    return SignedModel(model, fingerprints.of(signer))


def _member(archive: zipfile.ZipFile, member: zipfile.ZipInfo | None, most: int) -> bytes | None:
    if member is None:
        return None
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError(f"{member.filename} is compressed in another way than deflate")
    with archive.open(member) as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise ValueError(f"{member.filename} has more than {most} bytes")
    return data


def _is_signed(model: bytes, signer: bytes, signature: bytes) -> bool:
    from cryptography import x509
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

    try:
        key = x509.load_der_x509_certificate(signer).public_key()
        if not isinstance(key, RSAPublicKey):
            return False
        key.verify(signature, model, PKCS1v15(), hashes.SHA512())
    except (ValueError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True
