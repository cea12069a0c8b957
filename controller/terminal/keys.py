"""The keys of the terminal's view, and texts of the controller with the key added where they name an act.

The controller's texts name acts, not keys: a page has buttons. Not responsible for what an act does (`core.orders`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from controller.core.exchange import Act

KEYS: Mapping[str, tuple[Act, str]] = {
    "s": (Act.START, "start"),
    "c": (Act.CONFIRM, "confirm"),
    "d": (Act.DOSE, "dose"),
    "h": (Act.HOLD, "hold"),
    "r": (Act.RESUME, "resume"),
    "x": (Act.RESET, "reset"),
    "D": (Act.DRAIN, "drain"),
    "g": (Act.AGITATED, "agitated"),
    "a": (Act.ACKNOWLEDGE, "acknowledge"),
    "p": (Act.AUDIO_PAUSE, "audio pause"),
    "P": (Act.AUDIO_RESUME, "audio pause ended"),
    "l": (Act.LIMIT_CONFIRM, "limit confirmed"),
}
NAMED = re.compile(r"\b(reset|resume|confirm)\b", re.IGNORECASE)


def with_keys(text: str) -> str:
    """The text, with the key behind each act that it names: "reset (x), then resume (r)"."""
    key_of = {act.value: key for key, (act, _) in KEYS.items()}
    return NAMED.sub(lambda word: f"{word[0]} ({key_of[word[0].lower()]})", text)
