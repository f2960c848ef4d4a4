"""The dialogs in which an operator says what an incident is: its validation level, its end."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from nicegui import ui

from alerts.dispositions import FALSE_CAUSES
from alerts.incidents import OUTCOMES, Outcome
from app.console.words import Words

LEVELS = range(5)
_UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Finding:
    """How an incident ends. `cause` belongs to a false alarm, `duplicate_of` to a duplicate."""

    outcome: Outcome
    note: str
    cause: str | None = None
    duplicate_of: int | None = None


def button(label: str, classes: str, act: Callable[[], object], key: str = "") -> ui.element:
    """Return a button of the board; `key` presses it while nothing is being typed."""
    shown = f"{label} <kbd>{key.upper()}</kbd>" if key else label
    made = ui.html(shown, sanitize=True, tag="button").classes(f"act {classes}")
    made.props('type="button"').on("click", act, args=[])
    if key:
        made.props(f'data-key="{key}" aria-keyshortcuts="{key}" aria-label="{label}"')
    return made


def offered(*, on_test: bool) -> tuple[Outcome, ...]:
    """Return the ends in the order in which they are offered; none is chosen beforehand."""
    return tuple(sorted(OUTCOMES, key=lambda one: one != "test")) if on_test else OUTCOMES


def closing(
    t: Words, close: Callable[[Finding], Awaitable[bool]], on_test: Callable[[], bool]
) -> ui.dialog:
    """Return the dialog that asks what it was, and closes itself once that is carried out.

    `on_test` says whether it was raised at a home that is on test.
    """

    async def confirm() -> None:
        if outcome.value is None:
            ui.notify(t("act.pick_outcome"), type="warning", position="top")
            return
        false, duplicate = outcome.value == "false_alarm", outcome.value == "duplicate"
        finding = Finding(
            outcome.value,
            note.value or "",
            cause=cause.value if false else None,
            duplicate_of=int(other.value or 0) if duplicate else None,
        )
        if await close(finding):
            dialog.close()

    def ask() -> None:
        cause.set_visibility(outcome.value == "false_alarm")
        other.set_visibility(outcome.value == "duplicate")

    def arrange() -> None:
        order = offered(on_test=on_test())
        if dialog.value and list(outcome.options) != list(order):
            outcome.set_options({one: t.of("act.outcome", one) for one in order})

    with (
        ui.dialog().props(f'aria-label="{t("act.close.title")}"') as dialog,
        ui.card().classes("closing"),
    ):
        ui.html(f"<h2>{t('act.close.title')}</h2>{t('act.close.outcome')}", sanitize=True)
        outcome = ui.radio({one: t.of("act.outcome", one) for one in OUTCOMES}, on_change=ask)
        cause = ui.select({one: t.of("cause", one) for one in FALSE_CAUSES}, value=_UNKNOWN)
        cause.props(f'outlined label="{t("act.cause")}"').classes("cause")
        other = ui.number(precision=0, min=1)
        other.props(f'outlined label="{t("act.duplicate_of")}"').classes("duplicate-of")
        ui.html(t("act.note"), sanitize=True).classes("field-name")
        note = ui.textarea().props("outlined rows=3 maxlength=2000")
        note.props(f'aria-label="{t("act.note")}"')
        _buttons(t("act.back"), dialog.close, t("act.close.confirm"), confirm)
        ask()
    dialog.on_value_change(arrange)
    return dialog


def levelling(t: Words, set_level: Callable[[int, str], Awaitable[bool]]) -> ui.dialog:
    """Return the dialog in which the validation level is raised or lowered with a reason."""

    async def confirm() -> None:
        if level.value is None or not (why.value or "").strip():
            ui.notify(t("act.pick_level"), type="warning", position="top")
        elif await set_level(level.value, why.value):
            dialog.close()

    with (
        ui.dialog().props(f'aria-label="{t("act.level.title")}"') as dialog,
        ui.card().classes("closing levelling"),
    ):
        ui.html(f"<h2>{t('act.level.title')}</h2>", sanitize=True)
        level = ui.radio({one: t.of("level", str(one)) for one in LEVELS})
        ui.html(t("act.level.why"), sanitize=True).classes("field-name")
        why = ui.textarea().props("outlined rows=2 maxlength=2000")
        why.props(f'aria-label="{t("act.level.why")}"')
        _buttons(t("act.back"), dialog.close, t("act.level.set"), confirm)
    return dialog


def _buttons(
    back: str, leave: Callable[[], object], forward: str, confirm: Callable[[], Awaitable[None]]
) -> None:
    with ui.element("div").classes("buttons"):
        button(back, "", leave)
        button(forward, "primary", confirm)
