"""How a certificate is named: by its SHA-256."""

import base64
import hashlib
import re


class Fingerprints(frozenset[str]):
    """SHA-256 of certificates, in lower-case hex."""

    def __str__(self) -> str:
        return ",".join(sorted(self))


def of(certificate: bytes) -> str:
    """The fingerprint of a certificate in DER."""
    return hashlib.sha256(certificate).hexdigest()


def parse(text: str) -> Fingerprints:
    """Fingerprints that are given as such, or as certificates in PEM; raises ValueError."""
    items = re.sub(r"-----[A-Z ]+-----", ",", text).split(",")
    return Fingerprints(_one("".join(one.split())) for one in items if one.strip())


def _one(text: str) -> str:
    digest = text.replace(":", "").lower()
    if re.fullmatch("[0-9a-f]{64}", digest):
        return digest
    try:
        return of(base64.b64decode(text, validate=True))
    except ValueError:
        raise ValueError("give SHA-256 fingerprints, or certificates in PEM, separated by commas") from None
