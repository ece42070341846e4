"""Uploads: forms and raw bodies."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, BinaryIO, TypeVar, cast

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError
from starlette.datastructures import FormData, UploadFile

from eclectus.apps.server.common.json_reader import read_json
from eclectus.apps.server.common.wire_errors import HttpError

_Model = TypeVar("_Model", bound=BaseModel)

_MAX_FILES = 8
_MAX_FIELDS = 200
_MAX_FIELD_BYTES = 4_000_000
_IN_MEMORY = 1_000_000
_FILE = {
    "type": "string",
    "format": "binary",
    "description": "Audio or video of any common kind; its content counts, not its name.",
}


class Form:
    """A form that was read whole; its files lie on the disk if they are large. Close it."""

    def __init__(self, data: FormData) -> None:
        self._data = data

    @property
    def file(self) -> BinaryIO:
        """The upload.

        Raises:
            RequestValidationError: There is none.
        """
        for value in self._data.getlist("file"):
            if isinstance(value, UploadFile):
                return value.file
        given = "is text, not an upload" if "file" in self._data else "is missing"
        raise _invalid("file", f"the form field `file` with the audio {given}")

    def fields(self) -> dict[str, str]:
        """Return the text fields; of those that are given more than once, the last."""
        pairs = self._data.multi_items()
        return {name: value for name, value in pairs if isinstance(value, str)}

    def many(self, name: str) -> list[str]:
        """Return a list: `name` or `name[]` once or often, each a value, `a,b`, or JSON's list."""
        plain, bracketed = self._data.getlist(name), self._data.getlist(f"{name}[]")
        values = [value for value in (*plain, *bracketed) if isinstance(value, str)]
        return [part for value in values for part in _parts(value)]

    def nested(self, name: str) -> dict[str, str]:
        """Return an object whose fields are `name[key]`."""
        start = f"{name}["
        return {
            key[len(start) : -1]: value
            for key, value in self.fields().items()
            if key.startswith(start) and key.endswith("]") and len(key) > len(start) + 1
        }

    async def close(self) -> None:
        """Delete the files."""
        await self._data.close()


def _parts(value: str) -> list[str]:
    if value.lstrip().startswith("["):
        with suppress(HttpError):
            listed = read_json(value)
            if isinstance(listed, list):
                return [str(one) for one in listed]
    return [part.strip() for part in value.split(",") if part.strip()]


async def read_form(request: Request) -> Form:
    """Read a form, `multipart/form-data` or url-encoded."""
    reading = request.form(
        max_files=_MAX_FILES, max_fields=_MAX_FIELDS, max_part_size=_MAX_FIELD_BYTES
    )
    return Form(await reading)


def checked(model: type[_Model], values: Mapping[str, Any]) -> _Model:
    """Return the values as a model.

    Raises:
        RequestValidationError: Of the first field that is wrong.
    """
    try:
        return model.model_validate({k: v for k, v in values.items() if v not in (None, "", [])})
    except ValidationError as error:
        first = error.errors()[0]
        field = str(first["loc"][0]) if first["loc"] else "request"
        raise _invalid(field, first["msg"]) from error


def form_body(model: type[BaseModel], *, file: bool = True) -> dict[str, Any]:
    """Describe a form, with an upload or without, for the OpenAPI document."""
    schema = model.model_json_schema()
    if file:
        schema["properties"] = {"file": _FILE, **schema["properties"]}
        schema["required"] = ["file"]
    schema = _inlined(schema, schema.pop("$defs", {}))
    content = {"multipart/form-data": {"schema": schema}}
    return {"requestBody": {"required": True, "content": content}}


def _inlined(part: Any, definitions: Mapping[str, Any]) -> Any:
    """Put definitions where they are referred to: a part of a document has no place for them."""
    if isinstance(part, dict):
        if "$ref" in part:
            return _inlined(definitions[part["$ref"].rpartition("/")[2]], definitions)
        return {key: _inlined(value, definitions) for key, value in part.items()}
    if isinstance(part, list):
        return [_inlined(one, definitions) for one in part]
    return part


async def spool_body(request: Request, header: bytes = b"") -> BinaryIO:
    """Read a raw body into a file behind a header; the caller closes it."""
    file = cast("BinaryIO", tempfile.SpooledTemporaryFile(_IN_MEMORY))  # noqa: SIM115 - handed on
    try:
        file.write(header)
        async for chunk in request.stream():
            await asyncio.to_thread(file.write, chunk)
        file.seek(0)
    except BaseException:
        file.close()
        raise
    return file


def _invalid(field: str, message: str) -> RequestValidationError:
    return RequestValidationError([{"loc": ("body", field), "msg": message, "type": "value_error"}])
