"""A broker with certificates, users and access rights, for the tests of security."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

from sidelight.demo.broker import Broker, NodeSettings

PASSWORDS = {
    name: f"{name}-secret"
    for name in ("owner", "stranger", "admin", "logger", "joiner", "detectors", "dashboard")
}


@dataclass(frozen=True)
class Authority:
    """A certificate authority in a folder, and what it signed."""

    folder: Path

    @property
    def certificate(self) -> Path:
        return self.folder / "ca.crt"

    def create(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        _openssl(
            *("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=test"),
            *("-keyout", str(self.folder / "ca.key"), "-out", str(self.certificate)),
            *("-addext", "keyUsage=critical,keyCertSign"),
        )

    def sign(self, name: str, hosts: str = "IP:127.0.0.1,DNS:localhost") -> tuple[Path, Path]:
        """A certificate for that common name, valid for these hosts, and its key."""
        key, request = self.folder / f"{name}.key", self.folder / f"{name}.csr"
        certificate, extensions = self.folder / f"{name}.crt", self.folder / "san"
        extensions.write_text(f"subjectAltName={hosts}\n")
        _openssl(
            *("req", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}"),
            *("-keyout", str(key), "-out", str(request)),
        )
        _openssl(
            *("x509", "-req", "-days", "2", "-in", str(request), "-out", str(certificate)),
            *("-CA", str(self.certificate), "-CAkey", str(self.folder / "ca.key")),
            *("-CAcreateserial", "-extfile", str(extensions)),
        )
        return certificate, key


def secured(folder: Path, authority: Authority) -> Broker:
    """A broker that speaks TLS with passwords (SASL_SSL) and with client certificates (SSL).

    Its plain listener is the administrator's: who comes by it may do everything.
    """
    certificate, key = authority.sign("broker")
    store = authority.folder / "broker.pem"
    store.write_text(key.read_text() + certificate.read_text())
    properties = {
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(store),
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": str(authority.certificate),
        "listener.name.ssl.ssl.client.auth": "required",
        "ssl.principal.mapping.rules": "RULE:^CN=([^,]+).*$/$1/,DEFAULT",
        "sasl.enabled.mechanisms": "SCRAM-SHA-512",
        "listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config": (
            "org.apache.kafka.common.security.scram.ScramLoginModule required;"
        ),
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": "User:ANONYMOUS;User:owner",
    }
    return Broker(
        folder,
        NodeSettings(("PLAINTEXT", "SASL_SSL", "SSL"), properties, PASSWORDS),
    )


def _openssl(*arguments: str) -> None:
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)
