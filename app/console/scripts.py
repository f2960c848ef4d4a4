"""What an operator goes through for each kind of incident, step by step; a table, no logic.

After TMA CS-V-01 and AVS-01 (call the home, then the contacts, before more is sent; never for a
life) and the telecare code of practice (stay on the line, name who is coming). The words stand in
the catalogues under `step.`.
"""

from __future__ import annotations

from alerts.policy import Kind

_GENERAL = ("call_home", "call_guardian", "note_finding")
_PERSON_AT_DOOR = ("look", "call_home", "warn", "police_if_threat", "note_finding")

SCRIPTS: dict[str, tuple[str, ...]] = {
    Kind.SOS: (
        "call_home",
        "ask_breathing",
        "ambulance_if_unclear",
        "way_in",
        "tell_who_comes",
        "call_guardian",
        "stay_until_arrival",
    ),
    Kind.DURESS: ("do_not_call", "police", "listen_only", "responder_waits", "note_finding"),
    Kind.INTRUSION: ("look", "police", "call_home", "responder_waits", "call_guardian"),
    Kind.LOITERING: _PERSON_AT_DOOR,
    Kind.TAMPER: ("look", "call_home", "technician", "note_finding"),
    Kind.CAMERA: ("look", "call_home", "technician", "note_finding"),
    Kind.TECHNICAL: ("retry", "technician", "note_finding"),
    Kind.INACTIVITY: ("call_home", "call_guardian", "look", "send_to_door", "note_finding"),
    Kind.TEST: ("note_finding",),
}


def script_of(kind: str) -> tuple[str, ...]:
    """Return the steps for a kind of incident; the general ones for a kind new to us."""
    return SCRIPTS.get(kind, _GENERAL)
