"""The sentence that stands on every screen, page and record."""

from __future__ import annotations

NOTICE = "Research and bench software. Not a medical device, not for use on patients."
