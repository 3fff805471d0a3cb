"""What all documents have in common."""

from __future__ import annotations

from typing import Any, TypeAlias

from pydantic import BaseModel, ConfigDict, SkipValidation, WithJsonSchema


class Document(BaseModel):
    """A JSON object with exactly the fields that its class has, in their order."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, defer_build=True
    )  # a command uses few of the models it loads


UserText: TypeAlias = SkipValidation[str]
"""Text that a command line gave and that is printed as it came: bytes that are no UTF-8 are surrogates in it, which
pydantic's `str` refuses."""


def vocabulary(*values: str) -> Any:
    """For `Annotated[str, vocabulary(…)]`: the schema lists the values, but an answer with another value is given.

    How a root is watched, for one, is written by another process, which may be of a newer version.
    """
    return WithJsonSchema({"type": "string", "enum": list(values)})
