"""What one request may choose for itself: a method, and options of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from sidelight.config.explaining.method import MethodSettings
from sidelight.errors import MalformedPayload
from sidelight_explainers.models import Explained

METHOD = "method"


@dataclass(frozen=True)
class Wish:
    """A method of the model, and the options in force for it."""

    method: str
    options: MethodSettings


def wish(model: Explained, told: Mapping[str, Any], where: str) -> Wish:
    """The method named (the model's first when none is) with the options told.

    `MalformedPayload` names the option below `where`, its value's fault, and what is known.
    """
    name = told.get(METHOD, next(iter(model.methods)))
    if not isinstance(name, str) or name not in model.methods:
        methods = ", ".join(model.methods)
        message = f"no method {str(name)[:60]!r}; model {model.name!r} has {methods}"
        raise MalformedPayload(message, where=f"{where}.{METHOD}")
    settings = model.methods[name].settings
    options = {key: value for key, value in told.items() if key != METHOD}
    _refuse_unknown(options, settings.open_to_requests(model.subject.modality), where)
    return Wish(name, _checked(settings, options, where))


def _refuse_unknown(options: Iterable[str], known: Sequence[str], where: str) -> None:
    for key in options:
        if key not in known:
            message = f"no such option for a request; known are {', '.join((METHOD, *known))}"
            raise MalformedPayload(message, where=f"{where}.{str(key)[:60]}")


def _checked(settings: MethodSettings, options: Mapping[str, Any], where: str) -> MethodSettings:
    try:
        return settings.overridden(options)
    except ValidationError as exc:
        raise _malformed(exc, where) from exc


def _malformed(exc: ValidationError, where: str) -> MalformedPayload:
    first = exc.errors(include_url=False, include_context=False)[0]
    key = "".join(f".{str(part)[:60]}" for part in first["loc"])
    message = first["msg"].removeprefix("Value error, ")
    if first["type"] != "value_error":
        expected = message.replace("Input should be", "it should be")
        message = f"is {repr(first['input'])[:60]}; {expected}"
    return MalformedPayload(message, where=f"{where}{key}")
