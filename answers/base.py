"""The base class of all documents."""

from __future__ import annotations

from typing import Annotated, Any, TypeAlias

from pydantic import BaseModel, ConfigDict, WithJsonSchema


class Document(BaseModel):
    """A JSON object with exactly the fields of its class, in their order."""

    # Validators are built at first use, because a command uses few of the models that it loads.
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


def vocabulary(*values: str) -> Any:
    """For `Annotated[str, vocabulary(…)]`: the schema lists the values, but other values are accepted.

    Some values are written by another process, perhaps of a newer version: for example how a root is watched.
    """
    return WithJsonSchema({"type": "string", "enum": list(values)})


Time: TypeAlias = Annotated[str, WithJsonSchema({"type": "string", "format": "date-time"})]
"""A moment as RFC 3339 writes it, with its offset from UTC."""

CameraTime: TypeAlias = Annotated[
    str,
    WithJsonSchema(
        {"anyOf": [{"type": "string", "format": "date-time-local"}, {"type": "string", "format": "date-time"}]}
    ),
]
"""What a camera's clock showed; with its offset from UTC where the camera wrote one."""
