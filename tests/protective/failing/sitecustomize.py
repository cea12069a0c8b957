"""With this folder on PYTHONPATH a call that is named in the environment raises MemoryError as soon as a file exists.

A real lack of memory cannot be aimed: a process in its steady state asks the operating system for none.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable
from typing import Any

_exists = os.path.exists


def _fail(where: str, path: str, *, once: bool) -> None:
    module, *names, last = where.split(".")
    owner: Any = importlib.import_module(module)
    for name in names:
        owner = getattr(owner, name)
    true: Callable[..., Any] = getattr(owner, last)
    raised: list[str] = []

    def failing(*given: Any, **named: Any) -> Any:
        if _exists(path) and not (once and raised):
            raised.append(where)
            raise MemoryError
        return true(*given, **named)

    setattr(owner, last, failing)


if _where := os.environ.get("FAIL_WHERE"):
    _fail(_where, os.environ["FAIL_FILE"], once=os.environ["FAIL_ONCE"] == "once")
