# SPDX-License-Identifier: Apache-2.0
"""The demo's TCP port is what the guide asks for: TLS, and a certificate for each terminal, made for this installation (ADR 0029).

A demo's port may be open to others, so it is not in clear, and whoever has no certificate of it speaks for none of its meters.
What somebody set about the port himself is left as it is.
"""

import ssl
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from openmains.run.secret_files import write_private
from openmains.run.settings import Loaded, Settings

PORT = 5694
YEARS = 10
_OURS = ("tcp_port", "tcp_certificate", "tcp_key", "tcp_client_ca")


def folder_of(settings: Settings) -> Path:
    """Where they lie."""
    return settings.var_path / "demo" / "tcp"


def with_tcp(loaded: Loaded) -> Loaded:
    """The settings with the demo's TCP port; as they are where somebody set one of them, be it to be off."""
    if any(loaded.origin[name] != "default" for name in _OURS if name != "tcp_port"):
        return loaded
    if loaded.origin["tcp_port"] != "default" and not loaded.settings.tcp_port:
        return loaded
    folder = folder_of(loaded.settings)
    given = {
        "tcp_port": loaded.settings.tcp_port or PORT,
        "tcp_certificate": str((folder / "server.pem").absolute()),
        "tcp_key": str((folder / "server.key").absolute()),
        "tcp_client_ca": str((folder / "authority.pem").absolute()),
    }
    _ensure(folder, "server", "localhost")
    return Loaded(
        replace(loaded.settings, **given),  # type: ignore[arg-type]
        loaded.origin | dict.fromkeys(given, "command line"),
        loaded.file,
    )


def terminal_tls(settings: Settings, number: str) -> ssl.SSLContext:
    """What a terminal of the demo dials with: its own certificate, and the demo's authority as the only one."""
    folder = folder_of(settings)
    _ensure(folder, number, number)
    context = ssl.create_default_context(cafile=folder / "authority.pem")
    context.check_hostname = False  # the port listens on whatever address this machine has
    context.load_cert_chain(folder / f"{number}.pem", folder / f"{number}.key")
    return context


def is_ours(settings: Settings) -> bool:
    """The port asks for certificates that we can make."""
    return settings.tcp_client_ca == str((folder_of(settings) / "authority.pem").absolute())


def _ensure(folder: Path, name: str, common_name: str) -> None:
    """A certificate of this name, signed by the demo's authority; what is there stays."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not (folder / "authority.pem").exists():
        _sign(folder, "authority", "OpenMains demo", None)
    if not (folder / f"{name}.pem").exists():
        _sign(folder, name, common_name, "authority")


def _sign(folder: Path, name: str, common_name: str, by: str | None) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    signer, issuer = key, _named(common_name)
    if by is not None:
        loaded = serialization.load_pem_private_key((folder / f"{by}.key").read_bytes(), None)
        assert isinstance(loaded, ec.EllipticCurvePrivateKey)  # noqa: S101 - we made it
        signer, issuer = loaded, x509.load_pem_x509_certificate((folder / f"{by}.pem").read_bytes()).subject
    now = datetime.now(UTC)
    usage = x509.KeyUsage(
        digital_signature=True, key_cert_sign=by is None, crl_sign=by is None, content_commitment=False,
        key_encipherment=False, data_encipherment=False, key_agreement=False, encipher_only=False, decipher_only=False,
    )  # fmt: skip
    certificate = (
        x509.CertificateBuilder()
        .subject_name(_named(common_name))
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=365 * YEARS))
        .add_extension(x509.BasicConstraints(ca=by is None, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
        .sign(signer, hashes.SHA256())
    )
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    write_private(folder / f"{name}.key", pem.decode("ascii"))
    write_private(folder / f"{name}.pem", certificate.public_bytes(serialization.Encoding.PEM).decode("ascii"))


def _named(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
