"""A real Apache Kafka of one node for the demo, the tests and whoever wants one to play with."""

from __future__ import annotations

from sidelight.demo.broker.jars import BrokerUnavailable, missing_tools
from sidelight.demo.broker.node import Broker
from sidelight.demo.broker.properties import Listeners, NodeSettings

__all__ = ["Broker", "BrokerUnavailable", "Listeners", "NodeSettings", "missing_tools"]
