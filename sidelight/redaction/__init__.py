"""What may be kept of a body: columns, JSON paths and texts that never reach the disk.

Shared ground: the recorder redacts what it writes, detectors read their reference alike.
"""

from sidelight.redaction.bodies import redacted
from sidelight.redaction.reasons import REASONS, Unredactable
from sidelight.redaction.rules import Rules, rules_of

__all__ = ["REASONS", "Rules", "Unredactable", "redacted", "rules_of"]
