"""The demo's people, places and things, put into a fresh installation."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from alerts import responders
from app.accounts.users import remove_user
from app.provision import simulated
from core.database import Connection
from core.errors import ConfigurationError
from core.settings import Settings
from gateway import registry
from gateway.roles import SYNTHETIC_HOUSEHOLD
from households.homes import (
    Home,
    add_household,
    add_resident,
    list_households,
    remove_household,
)
from simulators.connection import Credentials

LOITER_AFTER_S = 10.0  # the protocol's shortest, so that the story is short


@dataclass(frozen=True, slots=True)
class Character:
    """A home, who lives there, and the devices on its door and wall."""

    home: Home
    resident: str
    phone: str
    note: str
    device: str
    kind: str


SOS_HOME = Character(
    Home(
        "home-mangwon-301",
        "Mangwon 301",
        37.5557,
        126.9042,
        "서울 마포구 망원로 47, 301호",
        "Door code 4711#, stairs on the left",
        "Mapo-gu",
    ),
    "Kim Sun-ja",
    "010-5550-0147",
    "81, lives alone, heart condition, hard of hearing",
    "button-mangwon-301",
    "button",
)
LOITER_HOME = Character(
    Home(
        "home-sillim-b02",
        "Sillim B02",
        37.4842,
        126.9296,
        "서울 관악구 신림로 112, B02호",
        "Semi-basement, entrance from the lane",
        "Gwanak-gu",
    ),
    "Lee Ji-won",
    "010-5550-0122",
    "27, lives alone",
    "camera-sillim-b02",
    "camera",
)
ENTRY_HOME = Character(
    Home(
        "home-yeonnam-1204",
        "Yeonnam 1204",
        37.5629,
        126.9254,
        "서울 마포구 연남로 30, 1204호",
        "Lift to the 12th floor",
        "Mapo-gu",
    ),
    "Park Min-ho",
    "010-5550-0130",
    "64, lives alone",
    "camera-yeonnam-1204",
    "camera",
)
# Each: its id, its name, its kind, and where it is.
RESPONDERS: tuple[tuple[str, str, responders.Kind, float, float], ...] = (
    ("crew-mapo-1", "Crew Mapo 1", "crew", 37.5568, 126.9097),
    ("guard-gwanak-2", "Guard Gwanak 2", "guard", 37.4871, 126.9305),
    ("crew-hongdae-3", "Crew Hongdae 3", "crew", 37.5561, 126.9236),
)


@dataclass(frozen=True, slots=True)
class Cast:
    """Who plays. With a suffix on every id, so that a database not ours can be played in twice."""

    suffix: str

    def of(self, character: Character) -> Character:
        home = replace(character.home, household_id=self.named(character.home.household_id))
        return replace(character, home=home, device=self.named(character.device))

    def named(self, identity: str) -> str:
        return f"{identity}{self.suffix}"

    @property
    def sos(self) -> Character:
        return self.of(SOS_HOME)

    @property
    def loiter(self) -> Character:
        return self.of(LOITER_HOME)

    @property
    def entry(self) -> Character:
        return self.of(ENTRY_HOME)

    @property
    def characters(self) -> tuple[Character, ...]:
        return self.sos, self.loiter, self.entry

    @property
    def resident(self) -> str:
        """The user who looks at their own history."""
        return self.named("park-min-ho")

    @property
    def watched(self) -> str:
        """The user at whose door there is something to see, on the resident's page."""
        return self.named("lee-ji-won")


def check_stage(conn: Connection) -> None:
    """Raise `ConfigurationError` where the play would put pretend responders on real duty."""
    served = {row["household_id"] for row in list_households(conn)} - {SYNTHETIC_HOUSEHOLD}
    if served:
        raise ConfigurationError(
            f"this database serves {len(served)} homes, whose SOS would reach the demo's pretend "
            "responders; give it an empty one"
        )


def enrol(
    conn: Connection, cast: Cast, settings: Settings, now: datetime
) -> dict[str, Credentials]:
    """Put homes and devices into the registry; return each device's credentials."""
    found: dict[str, Credentials] = {}
    for character in cast.characters:
        household = character.home.household_id
        add_household(conn, character.home)
        add_resident(
            conn,
            household,
            name=character.resident,
            phone=character.phone,
            note=character.note,
        )
        made = registry.add_device(
            conn, character.device, household_id=household, kind=character.kind, now=now
        )
        found[character.device] = simulated(made, settings)
        if character.kind == "camera":
            registry.configure(conn, character.device, {"loiter": {"after_s": LOITER_AFTER_S}})
    return found


def hire(conn: Connection, cast: Cast, webhooks: list[str], now: datetime) -> list[str]:
    """Add the responders, each with a pager's webhook; return their signing secrets."""
    secrets: list[str] = []
    for (responder_id, name, kind, lat, lon), url in zip(RESPONDERS, webhooks, strict=True):
        made = responders.add(
            conn,
            cast.named(responder_id),
            name=name,
            kind=kind,
            lat=lat,
            lon=lon,
            webhook_url=url,
            now=now,
        )
        secrets.append(made["webhook_secret"])
    return secrets


def leave(conn: Connection, cast: Cast, now: datetime) -> None:
    """End every part: nobody is paged, nothing can connect; the history stays."""
    for character in cast.characters:
        registry.remove_device(conn, character.device, now=now)
        remove_household(conn, character.home.household_id, now=now)
    for responder_id, *_ in RESPONDERS:
        responders.remove(conn, cast.named(responder_id), now=now)
    for user in (cast.resident, cast.watched):
        remove_user(conn, user, now)
