"""What all documents have in common."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, WithJsonSchema


class Document(BaseModel):
    """A JSON object with exactly the fields that its class has, in their order."""

    # Built at first use: a command uses few of the models that it loads.
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


def vocabulary(*values: str) -> Any:
    """For `Annotated[str, vocabulary(…)]`: the schema lists the values, but an answer with another value is given.

    How a root is watched, for one, is written by another process, which may be of a newer version.
    """
    return WithJsonSchema({"type": "string", "enum": list(values)})
