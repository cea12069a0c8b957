"""What people can do to alarms: acknowledge an occurrence, pause the sound, end the pause. None touches an interlock.

Not responsible for resets (`interlocks`), nor for who may do it (`orders`).
"""

from __future__ import annotations

from controller.core.alarms import AUDIO_PAUSE_MAX_S, Alarms


def acknowledge(alarms: Alarms, now_s: float, id_: str = "") -> tuple[Alarms, tuple[str, ...]]:
    """Stop the sound of this occurrence of one alarm, or of all; return their titles too. A new occurrence sounds."""
    active = dict(alarms.active)
    titles = []
    for key, alarm in alarms.active.items():
        if id_ in ("", key) and not alarm.acknowledged:
            active[key] = alarm._replace(acknowledged=True, acknowledged_s=now_s)
            titles.append(alarm.title)
    return alarms._replace(active=active), tuple(titles)


def pause_audio(alarms: Alarms, now_s: float, seconds: float = AUDIO_PAUSE_MAX_S) -> Alarms:
    """Silence for at most 120 s; for nothing at all if `seconds` is no number above zero."""
    if not seconds > 0.0:
        return alarms
    return alarms._replace(paused_until_s=now_s + min(seconds, AUDIO_PAUSE_MAX_S), paused=True)


def resume_audio(alarms: Alarms, now_s: float) -> Alarms:
    """End the pause now."""
    return alarms._replace(paused_until_s=min(alarms.paused_until_s, now_s), paused=False)
