"""A payload logger inside of a model server: middleware for any ASGI application."""

from sidelight_logger.middleware.asgi import PayloadLogger

__all__ = ["PayloadLogger"]
