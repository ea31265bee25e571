import io
import zipfile

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from shared import fingerprints
from shared.admin import signing
from shared.errors import ApiError

MODEL = b"a model" * 1_000


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


def members(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def zipped(files: dict[str, bytes], folder: str = "") -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(folder + name, data)
    return target.getvalue()


def test_what_is_packed_is_signed_as_the_contract_says(key: rsa.RSAPrivateKey) -> None:
    files = members(signing.pack(MODEL, key))
    assert list(files) == ["model.vw", "signer.der", "sha512_signature.bin"]
    assert (files["model.vw"], len(files["sha512_signature.bin"])) == (MODEL, 256)
    public = x509.load_der_x509_certificate(files["signer.der"]).public_key()
    assert isinstance(public, rsa.RSAPublicKey)
    public.verify(files["sha512_signature.bin"], MODEL, padding.PKCS1v15(), hashes.SHA512())


def test_the_same_model_and_key_give_the_same_bytes(key: rsa.RSAPrivateKey) -> None:
    assert signing.pack(MODEL, key) == signing.pack(MODEL, key)


@pytest.mark.parametrize("folder", ["", "export/"])
def test_what_was_packed_is_unpacked(key: rsa.RSAPrivateKey, folder: str) -> None:
    data = zipped(members(signing.pack(MODEL, key)), folder)
    assert signing.unpack(data, len(MODEL)) == (MODEL, fingerprints.of(signing.certificate(key)))


def test_what_is_no_zip_or_too_large_is_refused(key: rsa.RSAPrivateKey) -> None:
    good = signing.pack(MODEL, key)
    bomb = zipped({"model.vw": b"\0" * 10_000_000})
    assert len(bomb) < 20_000
    claims_less = bomb.replace((10_000_000).to_bytes(4, "little"), (100).to_bytes(4, "little"))
    for data in (b"", b"PK", MODEL, good[:200], good[:-30], bomb, claims_less, zipped({})):
        with pytest.raises(ApiError) as refused:
            signing.unpack(data, len(MODEL))
        assert refused.value.code == "InvalidModelImportFormat"


def test_what_is_not_signed_or_not_well_is_refused(key: rsa.RSAPrivateKey) -> None:
    files = members(signing.pack(MODEL, key))
    other = members(signing.pack(MODEL, rsa.generate_private_key(65537, 2048)))
    elliptic = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "x")])
    start, end = signing._VALID
    builder = x509.CertificateBuilder(name, name, elliptic.public_key(), 1, start, end)
    changes: list[dict[str, bytes]] = [
        {"model.vw": MODEL + b"x"},
        {"sha512_signature.bin": b""},
        {"sha512_signature.bin": other["sha512_signature.bin"]},
        {"signer.der": other["signer.der"]},
        {"signer.der": b"x"},
        {"signer.der": builder.sign(elliptic, hashes.SHA256()).public_bytes(Encoding.DER)},
    ]
    broken = [zipped(files | change) for change in changes]
    broken += [zipped({name: data for name, data in files.items() if name != absent}) for absent in list(files)[1:]]
    for data in broken:
        with pytest.raises(ApiError) as refused:
            signing.unpack(data, 2 * len(MODEL))
        assert refused.value.code == "InvalidModelImportSignature"
