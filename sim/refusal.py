"""What the simulator was asked for and cannot be had."""

from __future__ import annotations


class BadRequest(ValueError):
    """A fault, port, option or file that the simulator cannot use; the text names it and says what is allowed."""
