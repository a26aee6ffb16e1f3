"""CloudEvents: exchanges, results, alarms, and the peers' forms of them."""

from sidelight.events.cloudevent import Attribute, CloudEvent
from sidelight.events.exchange import Body, Exchange

__all__ = ["Attribute", "Body", "CloudEvent", "Exchange"]
