"""The small dialogs of the board: a note, parking, calling somebody, a note for the next shift."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from nicegui import ui

from app.console.judging import button
from app.console.surroundings import Opened
from app.console.words import Words

_PARK_MINUTES = (5, 15, 30, 60)
Noting = Callable[[str], Awaitable[bool]]


def titled(title: str, classes: str = "") -> tuple[ui.dialog, ui.card]:
    """Return an empty dialog under its title, and where its content goes."""
    dialog = ui.dialog().props(f'aria-label="{title}"')
    with dialog:
        card = ui.card().classes(f"closing {classes}")
    with card:
        ui.html(f"<h2>{title}</h2>", sanitize=True)
    return dialog, card


def _text(label: str, rows: int = 3) -> ui.textarea:
    ui.html(label, sanitize=True).classes("field-name")
    field = ui.textarea().props(f'outlined rows={rows} maxlength=2000 aria-label="{label}"')
    return field.props("autofocus")


def noting(t: Words, note: Noting) -> ui.dialog:
    """Return the dialog in which a note for the log is written."""
    dialog, card = titled(t("act.note.title"))

    async def confirm() -> None:
        if await note(text.value or ""):
            text.value = ""
            dialog.close()

    with card:
        text = _text(t("act.note"))
        _buttons(t, dialog, t("act.note.save"), confirm)
    return dialog


def parking(t: Words, park: Callable[[float, str], Awaitable[bool]]) -> ui.dialog:
    """Return the dialog in which an incident is set aside for a time, with the reason."""
    dialog, card = titled(t("act.park.title"))

    async def confirm() -> None:
        if await park(minutes.value * 60.0, why.value or ""):
            dialog.close()

    with card:
        minutes = ui.radio(
            {one: t("act.park.minutes", n=one) for one in _PARK_MINUTES}, value=_PARK_MINUTES[1]
        ).props("inline")
        why = _text(t("act.park.why"), rows=2)
        _buttons(t, dialog, t("act.park.confirm"), confirm)
    return dialog


def calling(t: Words, opened: Opened, note: Noting) -> ui.dialog:
    """Return the dialog with whom to call; what came of a call goes into the log."""
    dialog, card = titled(t("act.call.title"))
    people = [(name, "", phone) for name, phone, _note in opened.card.residents] + [
        (one.name, t.of("responder", one.relation), one.phone) for one in opened.contacts
    ]

    def told(name: str, outcome: str) -> Callable[[], Awaitable[None]]:
        async def tell() -> None:
            if await note(t(f"act.call.{outcome}.note", name=name)):
                dialog.close()

        return tell

    with card:
        if not people:
            ui.html(t("detail.no_contacts"), sanitize=True)
        for name, relation, phone in people:
            with ui.element("div").classes("contact"):
                with ui.element("p"):
                    ui.label(f"{name} · {relation}" if relation else name).classes("who")
                    if phone:
                        ui.link(phone, f"tel:{phone}").classes("phone")
                button(t("act.call.reached"), "", told(name, "reached"))
                button(t("act.call.no_answer"), "", told(name, "no_answer"))
        with ui.element("div").classes("buttons"):
            button(t("act.back"), "", dialog.close)
    return dialog


def shift_notes(t: Words, write: Noting) -> ui.dialog:
    """Return the dialog in which one shift tells the next something."""
    dialog, card = titled(t("shift.title"))

    async def confirm() -> None:
        if await write(text.value or ""):
            text.value = ""
            dialog.close()

    with card:
        text = _text(t("shift.text"), rows=6)
        _buttons(t, dialog, t("shift.save"), confirm)
    return dialog


def _buttons(
    t: Words, dialog: ui.dialog, forward: str, confirm: Callable[[], Awaitable[None]]
) -> None:
    with ui.element("div").classes("buttons"):
        button(t("act.back"), "", dialog.close)
        button(forward, "primary", confirm)
