"""A camera's state as bytes and back, whatever fields its stages have. Nothing in it can execute.

What the stages hold is walked as it is: numbers, text, arrays, containers, enumerations, times, and
objects of this package's own classes, by their fields. Reading makes objects of these classes
alone, without calling them, and only when the fields are exactly those that the class has today:
the state of another version is refused, not guessed at.
"""

from __future__ import annotations

import dis
import sys
from collections import deque
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from datetime import time
from enum import Enum
from functools import cache, singledispatch
from math import prod
from typing import Any

import msgspec
import numpy as np

from core.errors import DecodeError

_PACKAGE = __name__.rpartition(".")[0] + "."
_DTYPES = {
    name: np.dtype(name)
    for name in ("bool", "uint8", "int16", "uint16", "int32", "int64", "float32", "float64")
}
_PLAIN = (bool, int, float, str, bytes, type(None))
_CONTAINERS: dict[type, str] = {list: "l", tuple: "t", set: "s", frozenset: "f"}
Buffers = list[bytes]


class UnknownStateError(TypeError):
    """A stage holds something that cannot be written down: a bug of the stage."""


def encode(state: object) -> bytes:
    """Return the state as bytes. Raises `UnknownStateError`."""
    buffers: Buffers = []
    tree = _down(state, buffers)
    return msgspec.msgpack.encode([tree, buffers])


def decode(stored: bytes) -> Any:
    """Return the state; raise `DecodeError` (`state`) for anything but this version's own."""
    try:
        tree, buffers = msgspec.msgpack.decode(stored, type=tuple[Any, Buffers])
        return _up(tree, buffers)
    except RecursionError:
        raise DecodeError("state", "nested too deep") from None
    except (msgspec.DecodeError, ValueError, TypeError, LookupError) as error:
        raise DecodeError("state", f"{type(error).__name__}: {error}"[:300]) from None


@cache
def attributes(kind: type) -> tuple[str, ...]:
    """Return the fields of a class: a dataclass's, else what its `__init__` sets."""
    if is_dataclass(kind):
        return tuple(field.name for field in fields(kind))
    init: Any = getattr(kind, "__init__")  # noqa: B009 - by name, for the type checker
    names = (step.argval for step in dis.get_instructions(init) if step.opname == "STORE_ATTR")
    return tuple(dict.fromkeys(names))


def _name(kind: type) -> str:
    return f"{kind.__module__.removeprefix(_PACKAGE)}.{kind.__qualname__}"


@cache
def _class(name: str) -> type:
    """Return a class of this package by its name; nothing is imported for it."""
    module, _, qualname = name.rpartition(".")
    found = getattr(sys.modules.get(_PACKAGE + module), qualname, None)
    if not isinstance(found, type) or _name(found) != name:
        raise DecodeError("state", f"no class {name[:80]}")
    return found


def _down(value: object, buffers: Buffers) -> Any:
    kind = type(value)
    if kind in _PLAIN:
        return value
    if kind in _CONTAINERS:
        return [_CONTAINERS[kind], [_down(item, buffers) for item in value]]  # type: ignore[attr-defined]
    return _tagged(value, buffers)


@singledispatch
def _tagged(value: object, buffers: Buffers) -> list[Any]:
    """An object of ours, by its fields."""
    kind: Any = type(value)
    if not kind.__module__.startswith(_PACKAGE):
        raise UnknownStateError(f"{kind.__module__}.{kind.__qualname__}")
    held = {name: getattr(value, name) for name in attributes(kind)}
    extra = set(getattr(value, "__dict__", ())) - held.keys()
    if extra:
        raise UnknownStateError(f"{_name(kind)}: {sorted(extra)} are not set by its __init__")
    return ["o", _name(kind), {name: _down(item, buffers) for name, item in held.items()}]


@_tagged.register
def _(value: dict, buffers: Buffers) -> list[Any]:  # type: ignore[type-arg]
    return ["d", [[_down(k, buffers), _down(v, buffers)] for k, v in value.items()]]


@_tagged.register
def _(value: deque, buffers: Buffers) -> list[Any]:  # type: ignore[type-arg]
    return ["q", [_down(item, buffers) for item in value], value.maxlen]


@_tagged.register
def _(value: np.ndarray, buffers: Buffers) -> list[Any]:
    if value.dtype.name not in _DTYPES:
        raise UnknownStateError(f"array of {value.dtype}")
    buffers.append(value.tobytes())
    return ["a", value.dtype.name, list(value.shape), len(buffers) - 1]


@_tagged.register
def _(value: np.generic, buffers: Buffers) -> list[Any]:  # noqa: ARG001 - all are called alike
    return ["n", value.dtype.name, value.item()]


@_tagged.register
def _(value: time, buffers: Buffers) -> list[Any]:  # noqa: ARG001
    return ["m", value.isoformat()]


@_tagged.register
def _(value: Enum, buffers: Buffers) -> list[Any]:  # noqa: ARG001
    return ["e", _name(type(value)), value.name]


def _up(tree: Any, buffers: Buffers) -> Any:
    if type(tree) in _PLAIN:
        return tree
    tag, *rest = tree
    return _READERS[tag](rest, buffers)


def _array(rest: list[Any], buffers: Buffers) -> Any:
    name, shape, at = rest
    if prod(shape) * _DTYPES[name].itemsize != len(buffers[at]):
        raise DecodeError("state", f"{len(buffers[at])} bytes for {name}{shape}")
    array = np.empty(shape, _DTYPES[name])  # writable, which the bytes are not
    if array.nbytes:
        array[...] = np.frombuffer(buffers[at], _DTYPES[name]).reshape(shape)
    return array


def _object(rest: list[Any], buffers: Buffers) -> Any:
    kind, held = _class(rest[0]), rest[1]
    if set(held) != set(attributes(kind)):
        differ = sorted(set(held) ^ set(attributes(kind)))
        raise DecodeError("state", f"{kind.__qualname__} of another version: {differ}")
    made: Any = object.__new__(kind)
    for name, item in held.items():
        object.__setattr__(made, name, _up(item, buffers))
    return made


def _container(kind: type) -> Callable[[list[Any], Buffers], Any]:
    return lambda rest, buffers: kind([_up(item, buffers) for item in rest[0]])


_READERS: dict[str, Callable[[list[Any], Buffers], Any]] = {
    **{tag: _container(kind) for kind, tag in _CONTAINERS.items()},
    "d": lambda rest, buffers: {_up(k, buffers): _up(v, buffers) for k, v in rest[0]},
    "q": lambda rest, buffers: deque([_up(item, buffers) for item in rest[0]], rest[1]),
    "a": _array,
    "n": lambda rest, _: _DTYPES[rest[0]].type(rest[1]),
    "m": lambda rest, _: time.fromisoformat(rest[0]),
    "e": lambda rest, _: _class(rest[0])[rest[1]],  # type: ignore[index]
    "o": _object,
}
