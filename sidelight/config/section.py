"""What every part of the configuration file is."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict

from sidelight.config.addresses import Listen


class Section(BaseModel):
    """A part of the file: unknown keys are errors, values do not change after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


def _listen(text: str) -> str:
    Listen.parse(text)
    return text


Address = Annotated[str, AfterValidator(_listen)]
