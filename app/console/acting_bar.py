"""The row of actions at an incident; each has a key, which stands on it."""

from __future__ import annotations

from nicegui import ui

from alerts.board import IncidentCard
from app.console import dialogs
from app.console.hand_off import HandOff
from app.console.handling import Handling
from app.console.judging import button, closing, levelling
from app.console.presenting import Templates, distance
from app.console.surroundings import Opened
from households.on_test import OnTest

_NEXT = ""


class ActingBar:
    """Offers what fits whose hands the incident is in: nobody's, another's, one's own."""

    def __init__(self, templates: Templates, handling: Handling, opened: Opened, user: str) -> None:
        t, number = templates.words, opened.card.incident_id
        self._user = user
        self._on_test = False
        self._hand_off = HandOff(templates, handling, opened)
        self._dialogs = {
            "level": levelling(t, lambda level, why: handling.set_level(number, level, why)),
            "close": closing(
                t, lambda finding: handling.close(number, finding), lambda: self._on_test
            ),
            "note": dialogs.noting(t, lambda text: handling.note(number, text)),
            "park": dialogs.parking(t, lambda for_s, why: handling.park(number, for_s, why)),
            "call": dialogs.calling(t, opened, lambda text: handling.note(number, text)),
            "hand_off": self._hand_off.dialog,
        }

        async def dispatch() -> None:
            await handling.dispatch(number, chosen.value or None)

        async def unpark() -> None:
            await handling.unpark(number)

        async def acknowledge() -> None:
            await handling.acknowledge(number)

        async def take_over() -> None:
            await handling.take_over(number)

        async def verify() -> None:
            await handling.verify(number)

        with ui.element("div").classes("actions").props('role="toolbar"'):
            self._hands = {
                "acknowledge": button(t("act.acknowledge"), "primary", acknowledge, "a"),
                "take_over": button(t("act.take_over"), "primary", take_over, "o"),
                "verify": button(t("act.verify"), "", verify, "e"),
            }
            button(t("act.dispatch"), "", dispatch, "d")
            options = {_NEXT: t("act.dispatch.next")} | {
                one.responder_id: f"{one.name} · {distance(one.distance_m)}"
                for one in opened.choices
            }
            chosen = ui.select(options, value=_NEXT).classes("who-to-send")
            chosen.props(f'outlined aria-label="{t("act.choose")}"')
            button(t("act.call"), "", self._dialogs["call"].open, "g")
            button(t("act.hand_off"), "", self._hand_off.open, "h")
            button(t("act.note.open"), "", self._dialogs["note"].open, "n")
            self._hands["park"] = button(t("act.park"), "", self._dialogs["park"].open, "k")
            self._hands["unpark"] = button(t("act.unpark"), "", unpark, "k")
            self._hands["mute"] = button(t("act.mute"), "", lambda: None, "x").props(
                f'onclick="dg.mute({number})"'
            )
            button(t("act.level"), "end", self._dialogs["level"].open, "l")
            button(t("act.close"), "", self._dialogs["close"].open, "c")

    def show(self, card: IncidentCard, *, parked: bool, on_test: OnTest | None) -> None:
        """Bring the actions to this state of the incident."""
        self._on_test = on_test is not None and on_test.covers(card.opened_at)
        taken = card.acknowledged_at is not None
        mine = taken and card.acknowledged_by == self._user
        self._hands["acknowledge"].set_visibility(not taken)
        self._hands["take_over"].set_visibility(taken and not mine)
        self._hands["verify"].set_visibility(mine)
        self._hands["park"].set_visibility(not parked and card.priority > 1)
        self._hands["unpark"].set_visibility(parked)
        self._hands["mute"].set_visibility(not taken)
        self._hand_off.show(card)

    def close(self) -> None:
        """Take the dialogs off the page; they hang outside the pane."""
        for dialog in self._dialogs.values():
            dialog.close()
            dialog.delete()
