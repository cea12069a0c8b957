"""What passes over the controller's socket: four length bytes (big-endian), then one JSON object.

A request has an `id` that its response repeats. States pushed to a subscriber have the id of its subscription.
Bad requests are answered with what is allowed. Not responsible for sockets (`api`, `client`).
"""

from __future__ import annotations

import math
import unicodedata
from typing import Any, Literal

import msgspec

from controller.core.exchange import Act, Order

HEADER = 4
REQUEST_MAX = 8 * 1024
RESPONSE_MAX = 1024 * 1024
TEXT_MAX = 800  # a reset names every trip that was seen
ACTS = tuple(act.value for act in Act)
WITH_VALUE = {
    Act.TARGET: "the cavity target in °C",
    Act.FLOW: "the flow in L/min",
    Act.LIMIT: "the alarm limit that text names, in its unit",
    Act.JOG_PUMP: "the flow in L/min, 0 to release",
    Act.JOG_HEAT: "°C of the bath or share of rated power, 0 to release",
}


UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})  # controls, formats, half characters, line and paragraph ends

# The decoder's own error, bytes that are no UTF-8 inside a key, and nesting that is too deep.
UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class BadMessage(ValueError):
    """A message that is not one; the text says what is allowed."""


class SetUp(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A treatment by name, and a patient. `sha256` is that of the preview: what was shown is what comes into force."""

    treatment: str
    pseudonym: str
    height_cm: float
    weight_kg: float
    sha256: str = ""


class Request(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`do` says what: the state once, an act, STOP, states from now on; facts, what a set-up means, set up."""

    id: int
    do: Literal["state", "act", "stop", "subscribe", "facts", "preview", "setup"]
    act: str = ""
    who: str = "operator"
    value: float | None = None
    text: str = ""
    setup: SetUp | None = None


class Response(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`error` says why not, when `ok` is false; `state` answers state and subscribe, `found` facts and preview."""

    id: int
    ok: bool = True
    error: str = ""
    state: dict[str, Any] | None = None
    found: dict[str, Any] | None = None


def pack(message: msgspec.Struct) -> bytes:
    """The bytes of a message. Raises BadMessage when it is longer than anybody may send."""
    body = msgspec.json.encode(message)
    if len(body) > RESPONSE_MAX:
        raise BadMessage(f"message of {len(body)} bytes; allowed: {RESPONSE_MAX}")
    return len(body).to_bytes(HEADER, "big") + body


def unpack(buffer: bytearray, longest: int) -> bytes | None:
    """Take the first complete message out of `buffer`; None when it is not complete. Raises BadMessage if too long."""
    if len(buffer) < HEADER:
        return None
    length = int.from_bytes(buffer[:HEADER], "big")
    if not (0 < length <= longest):
        raise BadMessage(f"message of {length} bytes; allowed: 1 to {longest}")
    if len(buffer) < HEADER + length:
        return None
    body = bytes(buffer[HEADER : HEADER + length])
    del buffer[: HEADER + length]
    return body


def read_request(body: bytes) -> Request:
    """Decode and check the shape. Raises BadMessage."""
    try:
        return msgspec.json.decode(body, type=Request)
    except UNREADABLE as error:
        raise BadMessage(
            f"not a request: {error}; a number is written 42.0, never NaN, Infinity or 4,2; "
            "fields: id, do (state, act, stop, subscribe, facts, preview, setup), act, value, text, who, setup"
        ) from error


def read_response(body: bytes) -> Response:
    """Decode what the controller sent. Raises BadMessage."""
    try:
        return msgspec.json.decode(body, type=Response)
    except UNREADABLE as error:
        raise BadMessage(f"not a response: {error}") from error


def request_id(body: bytes) -> int:
    """The id of a request that could not be read, or 0 when even that cannot be."""
    try:
        raw = msgspec.json.decode(body)
    except UNREADABLE:
        return 0
    found = raw.get("id") if isinstance(raw, dict) else None
    return found if isinstance(found, int) and not isinstance(found, bool) else 0


def check_words(request: Request) -> None:
    """Refuse words that would break a line of a log or a table, or turn it round. Raises BadMessage."""
    for name, words in (("text", request.text), ("who", request.who)):
        if len(words) > TEXT_MAX:
            raise BadMessage(f"text and who may have at most {TEXT_MAX} characters")
        for character in words:
            if unicodedata.category(character) in UNSEEN:
                found = f"the control character U+{ord(character):04X}"
                raise BadMessage(f"{name} has {found}; allowed: one line of letters, digits, signs and spaces")


def order_of(request: Request) -> Order:
    """The order that a request asks for. Raises BadMessage that says what is allowed."""
    try:
        act = Act(request.act)
    except ValueError:
        raise BadMessage(f"unknown act {request.act[:40]!r}; allowed: {', '.join(ACTS)}") from None
    value = request.value
    if value is not None and not math.isfinite(value):
        raise BadMessage(f"value is {value}; allowed: a finite number")
    if act in WITH_VALUE and value is None:
        raise BadMessage(f"{act.value} needs a value: {WITH_VALUE[act]}")
    if act not in WITH_VALUE and value is not None:
        raise BadMessage(f"{act.value} takes no value")
    check_words(request)
    return Order(act, request.who, value, request.text)
