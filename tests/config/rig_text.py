"""Shipped files as plain data to bend, and files to put them in."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

from config.loading import RIGS, TREATMENTS


def rig_data(name: str = "bench") -> dict[str, Any]:
    return tomllib.loads((RIGS / f"{name}.toml").read_text())


def treatment_data(name: str = "mitomycin_90") -> dict[str, Any]:
    return tomllib.loads((TREATMENTS / f"{name}.toml").read_text())


def set_key(data: dict[str, Any], dotted: str, value: Any) -> dict[str, Any]:
    *path, last = dotted.split(".")
    inner = data
    for step in path:
        inner = inner[step]
    inner[last] = value
    return data


def remove_key(data: dict[str, Any], dotted: str) -> dict[str, Any]:
    *path, last = dotted.split(".")
    inner = data
    for step in path:
        inner = inner[step]
    del inner[last]
    return data


def write_toml(folder: Path, data: dict[str, Any], name: str = "mine.toml") -> Path:
    """Plain data as TOML: tables with dotted keys and inline values, no more than the tests need."""
    path = folder / name
    path.write_text("\n".join(f"{key} = {_inline(value)}" for key, value in data.items()) + "\n")
    return path


def _inline(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(str(key))} = {_inline(each)}" for key, each in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(_inline(each) for each in value) + "]"
    if isinstance(value, bool | str):
        return json.dumps(value)
    return repr(value)
