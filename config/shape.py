"""Data of a file against the shapes of `config.schema`: every violation at once, each with its own dotted key.

msgspec stops at the first violation and hides the key of a table's entry, so the fields are walked here and each
single value is left to msgspec. Not responsible for rules that span fields (`config.rules`, `config.wiring`).
"""

from __future__ import annotations

import math
from typing import Annotated, Any, TypeVar, get_args, get_origin

import msgspec
from msgspec import inspect

from config.problems import ConfigError, Problem, shown

ShapeType = TypeVar("ShapeType", bound=msgspec.Struct)


def build(data: dict[str, Any], shape: type[ShapeType]) -> ShapeType:
    """The struct that `data` describes. Raises ConfigError with every unknown, missing or out-of-bounds key."""
    problems = not_finite(data) or violations(data, shape)
    if problems:
        raise ConfigError(problems)
    return msgspec.convert(data, type=shape)


def not_finite(data: object, key: str = "") -> list[Problem]:
    """Every NaN and infinity, anywhere: no bound of a number stops a NaN."""
    if isinstance(data, dict):
        return [problem for name, value in data.items() for problem in not_finite(value, _join(key, name))]
    if isinstance(data, list):
        return [problem for index, value in enumerate(data) for problem in not_finite(value, f"{key}[{index}]")]
    if isinstance(data, float) and not math.isfinite(data):
        return [Problem(key, shown(data), "allowed is a finite number")]
    return []


def violations(data: object, wanted: Any, key: str = "") -> list[Problem]:
    """What in `data` does not fit the type `wanted`, each with its dotted key."""
    plain, arguments = _unwrapped(wanted)
    if isinstance(plain, type) and issubclass(plain, msgspec.Struct):
        return _struct(data, plain, key)
    if plain is dict:
        return _table(data, arguments[0], arguments[1], key)
    if plain is tuple and isinstance(data, list) and arguments:
        return [found for index, item in enumerate(data) for found in violations(item, arguments[0], f"{key}[{index}]")]
    return _leaf(data, wanted, key)


def _struct(data: object, shape: type[msgspec.Struct], key: str) -> list[Problem]:
    if not isinstance(data, dict):
        return [Problem(key, shown(data), f"allowed is a table [{key}]")]
    fields = {field.encode_name: field for field in msgspec.structs.fields(shape)}
    problems = [
        Problem(_join(key, name), "", f"unknown key; allowed are {', '.join(fields)}")
        for name in data
        if name not in fields
    ]
    for name, field in fields.items():
        if name in data:
            problems += violations(data[name], field.type, _join(key, name))
        elif field.required:
            problems.append(Problem(_join(key, name), "", f"is missing; allowed is {allowed(field.type)}"))
    return problems


def _table(data: object, key_type: Any, entry_type: Any, key: str) -> list[Problem]:
    if not isinstance(data, dict):
        return [Problem(key, shown(data), f"allowed is a table [{key}]")]
    problems = []
    for name, entry in data.items():
        if _leaf(name, key_type, key):
            problems.append(Problem(_join(key, name), "", f"unknown name; allowed is {allowed(key_type)}"))
        problems += violations(entry, entry_type, _join(key, name))
    return problems


def _leaf(data: object, wanted: Any, key: str) -> list[Problem]:
    try:
        msgspec.convert(data, type=wanted)
    except (msgspec.ValidationError, OverflowError):
        return [Problem(key, shown(data), f"allowed is {allowed(wanted)}")]
    return []


def allowed(wanted: Any) -> str:
    """A type's bounds in words, e.g. "a number from 38.0 to 45.0"."""
    return _words(inspect.type_info(_without_none(wanted)))


def _words(kind: inspect.Type) -> str:
    if isinstance(kind, inspect.FloatType | inspect.IntType):
        noun = "a number" if isinstance(kind, inspect.FloatType) else "a whole number"
        return " ".join([noun, *_bounds(kind)])
    if isinstance(kind, inspect.StrType):
        return _text_words(kind)
    if isinstance(kind, inspect.LiteralType):
        return "one of " + ", ".join(sorted((str(value) for value in kind.values), key=_natural))
    if isinstance(kind, inspect.BoolType):
        return "true or false"
    if isinstance(kind, inspect.VarTupleType | inspect.ListType):
        return f"a list, each {_words(kind.item_type)}"
    if isinstance(kind, inspect.UnionType):
        return " or ".join(_words(each) for each in kind.types)
    return "a table"


def _natural(text: str) -> tuple[int, str]:
    return (int(text), "") if text.isdigit() else (0, text)


def _text_words(kind: inspect.StrType) -> str:
    if kind.pattern:
        return f"text like {kind.pattern}"
    return f"text of {kind.min_length or 0} to {kind.max_length} characters" if kind.max_length else "text"


def _bounds(kind: inspect.FloatType | inspect.IntType) -> list[str]:
    if kind.ge is not None and kind.le is not None:
        return [f"from {kind.ge} to {kind.le}"]
    bounds = (("above", kind.gt), ("at least", kind.ge), ("below", kind.lt), ("up to", kind.le))
    return [f"{word} {bound}" for word, bound in bounds if bound is not None]


def _unwrapped(wanted: Any) -> tuple[Any, tuple[Any, ...]]:
    wanted = _without_none(wanted)
    if get_origin(wanted) is Annotated:
        wanted = get_args(wanted)[0]
    return get_origin(wanted) or wanted, get_args(wanted)


def _without_none(wanted: Any) -> Any:
    # TOML has no null, so an optional key is either absent or of the other type.
    rest = [each for each in get_args(wanted) if each is not type(None)]
    return rest[0] if type(None) in get_args(wanted) and len(rest) == 1 else wanted


def _join(key: str, name: str) -> str:
    return f"{key}.{name}" if key else str(name)
