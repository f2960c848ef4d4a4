"""The dialog of key H: a call to police 112, fire 119 or the counselling line, step by step."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial

from nicegui import background_tasks, ui

from alerts.board import IncidentCard
from alerts.emergency_calls import LONGEST, Call
from alerts.emergency_script import OUTCOMES, SERVICES, Outcome, Service, Step
from alerts.lifecycle import Move
from app.console.check_list import CheckList
from app.console.dialogs import titled
from app.console.handling import Handling
from app.console.judging import button
from app.console.presenting import Templates
from app.console.surroundings import Opened
from app.console.words import Words

_FOCUS = "requestAnimationFrame(() => document.querySelector('{}')?.focus())"
_Reload = Callable[[], Awaitable[None]]


class _Sheet:
    """The form of one call under way; what was typed stays while the dialog is away."""

    def __init__(
        self, t: Words, handling: Handling, incident_id: int, call: Call, reload: _Reload
    ) -> None:
        self._t, self._handling, self._incident_id = t, handling, incident_id
        self._call, self._reload = call, reload
        self.box = ui.element("div").classes("sheet")
        with self.box:
            ui.html(f"<h3>{t('hand_off.steps')}</h3>", sanitize=True)
            self._steps = CheckList(
                {step.name: self._label(step) for step in call.steps}, self._tick
            )
            with ui.element("div").classes("took"):
                self._spoken_to = _line(t("hand_off.spoken_to"))
                self._reference = _line(t("hand_off.reference"))
            with ui.element("div").classes("buttons"):
                for outcome in OUTCOMES[::-1]:
                    look = "primary" if outcome == "taken" else ""
                    button(t.of("call.outcome", outcome), look, partial(self._end, outcome))
        self.show(call)

    def show(self, call: Call) -> None:
        """Bring the boxes to what stands."""
        self._steps.show(call.done)

    def _label(self, step: Step) -> str:
        text = self._t.of("call", step.name)
        return text if step.needed else f"{text} {self._t('hand_off.if_possible')}"

    async def _tick(self, step: str, done: bool) -> bool:
        given = (self._incident_id, self._call.call_id, step)
        return await self._handling.tick_call(*given, done=done) is not None

    async def _end(self, outcome: Outcome) -> None:
        t = self._t
        if outcome == "taken" and (missing := self._missing()):
            ui.notify(
                t("hand_off.missing", steps=" · ".join(missing)),
                type="warning", position="top", multi_line=True, classes="toast",
            )  # fmt: skip
            return
        spoken_to, reference = self._spoken_to.value or "", self._reference.value or ""
        given = (self._incident_id, self._call.call_id, outcome, spoken_to, reference)
        await self._handling.end_call(*given)
        await self._reload()

    def _missing(self) -> list[str]:
        needed = [step.name for step in self._call.steps if step.needed]
        missing = [self._t.of("call", one) for one in needed if one not in self._steps.done]
        named = (self._spoken_to.value or "").strip()
        return missing if named else [*missing, self._t("hand_off.spoken_to")]


class HandOff:
    """Chooses the line, shows what to read out, and leads through the call.

    Each step is logged by `alerts.emergency_calls`; what another desk ticks appears here as well.
    """

    def __init__(self, templates: Templates, handling: Handling, opened: Opened) -> None:
        t = self._t = templates.words
        self._templates, self._handling, self._opened = templates, handling, opened
        self._incident_id = opened.card.incident_id
        self._sheets: dict[Service, tuple[int, _Sheet]] = {}
        self._shown: Service | None = None
        self._last_line = 0
        self.dialog, card = titled(t("act.hand_off.title"), "hand-off")
        with card:
            lines = ui.element("div").classes("services")
            lines.props(f'role="group" aria-label="{t("hand_off.services")}"')
            with lines:
                self._lines = {
                    service: button(t.of("call", service), "", partial(self._begin, service))
                    for service in SERVICES
                }
                button(t("act.back"), "end", self.dialog.close)
            self._calls = ui.html("", sanitize=False)
            with ui.element("div").classes("columns"):
                self._read_out = ui.html("", sanitize=False)
                self._under_way = ui.element("div")
        self.show(opened.card)

    async def open(self) -> None:
        """Open it with the call that is under way, if there is one."""
        await self._load()
        self.dialog.open()

    def show(self, card: IncidentCard) -> None:
        """Bring what is read out, and the calls, to this state of the incident."""
        text = self._templates.render("hand_off.html", card=card, home=self._opened.home)
        if text != self._read_out.content:
            self._read_out.set_content(text)
        last = max((line.n for line in card.timeline if line.move == Move.HAND_OVER), default=0)
        if last != self._last_line:
            self._last_line = last
            if self.dialog.value:
                background_tasks.create(self._load(), name="board-calls")

    async def _begin(self, service: Service) -> None:
        if await self._handling.begin_call(self._incident_id, service) is None:
            return
        self._shown = service
        await self._load()
        ui.run_javascript(_FOCUS.format(".hand-off .sheet:not(.hidden) .q-checkbox"))

    async def _load(self) -> None:
        calls = await self._handling.calls(self._incident_id)
        if calls is not None and not self.dialog.is_deleted:
            self._bring(calls)

    async def _ended(self) -> None:
        await self._load()
        if self._shown is None:
            self.dialog.close()

    def _bring(self, calls: list[Call]) -> None:
        text = self._templates.render("calls.html", calls=calls)
        if text != self._calls.content:
            self._calls.set_content(text)
        under_way = {call.service: call for call in calls if call.ended_at is None}
        for service, (call_id, sheet) in list(self._sheets.items()):
            if service not in under_way or under_way[service].call_id != call_id:
                sheet.box.delete()
                del self._sheets[service]
        for service, call in under_way.items():
            if service in self._sheets:
                self._sheets[service][1].show(call)
                continue
            with self._under_way:
                given = (self._t, self._handling, self._incident_id, call, self._ended)
                self._sheets[service] = (call.call_id, _Sheet(*given))
        if self._shown not in under_way:
            self._shown = next(iter(under_way), None)
        for service, line in self._lines.items():
            chosen = service == self._shown
            line.classes(add="primary") if chosen else line.classes(remove="primary")
            line.props(f'aria-pressed="{str(chosen).lower()}"')
            if service in self._sheets:
                self._sheets[service][1].box.set_visibility(chosen)


def _line(label: str) -> ui.input:
    with ui.element("div"):
        ui.html(label, sanitize=True).classes("field-name")
        return ui.input().props(f'outlined dense maxlength={LONGEST} aria-label="{label}"')
