"""Where the key of a deployment lies: the file that is set, else one beside the local log.

Whoever asks a model makes the file beside the log when it is not there; who only verifies never
does, and looks again with each exchange that carries a header until there is one.
"""

from __future__ import annotations

import logging
import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path

from sidelight.config.settings import PredictorSettings, Settings
from sidelight.errors import ConfigError
from sidelight.events.exchange import Exchange
from sidelight.probes.marking import Mark, ProbeKey
from sidelight.probes.verifying import TRUST_NOBODY, Standing, Verifier

SUFFIX = ".probe-key"
"""How the key's name beside the log ends."""

SECRET_BYTES = 32

SHORTEST = 16
"""Characters of a key, below which it could be guessed."""

logger = logging.getLogger("sidelight.probes")


def key_place(settings: Settings) -> Path | None:
    """Where the key lies or is made; None on a log that is elsewhere, where it must be set."""
    if settings.probes.key_file is not None:
        return settings.probes.key_file
    place = Path(settings.log.url)
    return None if "://" in settings.log.url else place.with_name(place.name + SUFFIX)


def probe_key(settings: Settings) -> ProbeKey | None:
    """The deployment's key, made beside the log if it is not there; None where there is none.

    Raises `ConfigError` for a key that is set and cannot be used.
    """
    if settings.probes.key_file is not None:
        return _read(settings.probes.key_file)
    place = key_place(settings)
    if place is None:
        logger.warning(_NO_KEY, "on this log none is made")
        return None
    try:
        return _made(place)
    except OSError as exc:
        logger.warning(_NO_KEY, f"{place} cannot be made: {exc}")
        return None


_NO_KEY = "what Sidelight asks the models counts as traffic: no key (%s); set probes.key_file"


def mark_of(settings: Settings, predictor: PredictorSettings | None, purpose: str) -> Mark | None:
    """What is put on questions to this predictor; None without a key, or within this process."""
    if predictor is None or predictor.url is None:
        return None
    key = probe_key(settings)
    return None if key is None else Mark(key, purpose)


def probe_verifier(settings: Settings) -> Verifier:
    """Who tells our own questions from traffic; raises `ConfigError` as `probe_key` does."""
    place = key_place(settings)
    if place is None:
        return TRUST_NOBODY
    return _read(place) if settings.probes.key_file is not None else _KeyToCome(place)


@dataclass
class _KeyToCome:
    """The key of a file that may not be there yet."""

    place: Path
    _key: ProbeKey | None = field(default=None, init=False)

    def standing(self, exchange: Exchange) -> Standing:
        if self._key is None:
            try:
                self._key = _read(self.place)
            except ConfigError:
                return "unknown"
        return self._key.standing(exchange)


def _made(place: Path) -> ProbeKey:
    """The key there, or a new one; of several processes that begin together, one makes it."""
    if not place.exists():
        place.parent.mkdir(parents=True, exist_ok=True)
        draft = place.with_name(f"{place.name}.{secrets.token_hex(8)}")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_hex(SECRET_BYTES) + "\n")
            file.flush()
            os.fsync(file.fileno())  # A power cut must not leave an empty key behind its name.
        try:
            os.link(draft, place)
        except FileExistsError:
            pass  # another process was first: its key counts
        finally:
            draft.unlink()
    return _read(place)


def _read(place: Path) -> ProbeKey:
    try:
        secret = place.read_bytes().strip()
    except OSError as exc:
        raise ConfigError(f"probes.key_file: {place} cannot be read: {exc.strerror}") from exc
    if len(secret) < SHORTEST:
        raise ConfigError(
            f"probes.key_file: {place} holds {len(secret)} characters, a key has {SHORTEST} at "
            "least; write 64 random ones: openssl rand -hex 32"
        )
    return ProbeKey(secret)
