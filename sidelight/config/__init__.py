"""One configuration file for every service: settings, where each value came from, clear errors."""

from sidelight.config.addresses import Listen
from sidelight.config.loading import Loaded, load
from sidelight.config.settings import Settings

__all__ = ["Listen", "Loaded", "Settings", "load"]
