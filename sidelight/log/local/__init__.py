"""The log on this machine's disk: segment files in folders, no broker."""

from sidelight.log.local.engine import LocalLog

__all__ = ["LocalLog"]
