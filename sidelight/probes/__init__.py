"""What Sidelight asks a model itself, marked so that nobody takes it for traffic."""

from sidelight.probes.keeping import key_place, mark_of, probe_key, probe_verifier
from sidelight.probes.marking import MAX_AGE_NS, Mark, ProbeKey
from sidelight.probes.verifying import TRUST_NOBODY, UNPROVEN, Standing, Verifier

__all__ = [
    "MAX_AGE_NS",
    "TRUST_NOBODY",
    "UNPROVEN",
    "Mark",
    "ProbeKey",
    "Standing",
    "Verifier",
    "key_place",
    "mark_of",
    "probe_key",
    "probe_verifier",
]
