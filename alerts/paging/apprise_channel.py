"""Pages through Apprise: SMS, voice, push, mail, chat, by the responder's own URL.

The text passes through services of others, so it carries what is needed to set out and the link,
not the access note.
"""

from __future__ import annotations

from alerts.links import through
from core.errors import PermanentError, TemporaryError
from core.model import Page

_KINDS = {
    "sos": ("긴급 SOS", "SOS"),
    "duress": ("협박 신고", "Duress"),
    "intrusion": ("침입", "Intrusion"),
    "loitering": ("문 앞 배회", "Loitering"),
    "tamper": ("기기 훼손", "Tamper"),
    "camera": ("카메라 이상", "Camera"),
    "technical": ("장애", "Technical fault"),
    "inactivity": ("활동 없음", "Inactivity"),
    "test": ("시험", "Test"),
}


class AppriseChannel:
    """Sends a short text in Korean and English with the link of the page."""

    name = "apprise"

    def send(self, page: Page, address: str, secret: str) -> None:  # noqa: ARG002 - has no use
        """Raise `PermanentError` for an address Apprise cannot read, else `TemporaryError`."""
        import apprise  # noqa: PLC0415 - 0.3 s and 30 MB that only this channel needs

        asset = apprise.AppriseAsset(app_id="Door Guard", app_desc="Door Guard", app_url="")
        sender = apprise.Apprise(asset=asset)
        if not sender.add(address):
            raise PermanentError("Apprise cannot read this address")
        title, body = text(through(page, self.name))
        try:
            taken = sender.notify(title=title, body=body)
        except Exception as error:
            # plugins of many hands: whatever they raise is a message that did not go out
            raise TemporaryError(f"Apprise: {type(error).__name__}: {error}") from error
        if not taken:
            raise TemporaryError("Apprise: the service did not take the message")


def text(page: Page) -> tuple[str, str]:
    """Return title and body."""
    korean, english = _KINDS.get(page.kind, (page.kind, page.kind))
    if page.message == "stand_down":
        return (
            f"[출동 해제] {korean} / Stand down: {english}",
            f"{page.household_name}: 출동 해제, 감사합니다. / You are no longer needed, thank you.",
        )
    if page.message == "notice":
        at = f"{page.household_name}, {page.opened_at:%H:%M} UTC"
        return (
            f"[알림] {korean} / {english}",
            f"{at}: 문 앞 상황 알림입니다. / Seen at your door.",
        )
    if page.message == "update":
        return (
            f"[P{page.priority}] 상황 변경: {korean} / It is now: {english}",
            f"{page.household_name}: 조심해서 접근하세요. / Take care. {page.page_url}",
        )
    where = f"{page.household_name}, {page.address} ({page.distance_m / 1000:.1f} km)"
    return (
        f"[P{page.priority}] {korean} / {english}",
        f"{where}\n응답해 주세요 / Please answer: {page.page_url}",
    )
