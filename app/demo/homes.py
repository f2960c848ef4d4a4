"""The demo's people, places and things, put into a fresh installation."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from alerts import responders
from core.database import Connection
from core.settings import BrokerAddress, Settings
from gateway import registry
from households.homes import Home, add_household, add_resident
from simulators.connection import Credentials

LOITER_AFTER_S = 10.0  # the protocol's shortest, so that the story is short


@dataclass(frozen=True, slots=True)
class Character:
    """A home, who lives there, and the devices on its door and wall."""

    home: Home
    resident: str
    phone: str
    note: str
    devices: tuple[tuple[str, str], ...]  # (id, kind)


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
    (("button-mangwon-301", "button"),),
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
    (("camera-sillim-b02", "camera"),),
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
    (("camera-yeonnam-1204", "camera"),),
)
CHARACTERS = (SOS_HOME, LOITER_HOME, ENTRY_HOME)

# Each: its id, its name, its kind, and where it is.
RESPONDERS: tuple[tuple[str, str, responders.Kind, float, float], ...] = (
    ("crew-mapo-1", "Crew Mapo 1", "crew", 37.5568, 126.9097),
    ("guard-gwanak-2", "Guard Gwanak 2", "guard", 37.4871, 126.9305),
    ("crew-hongdae-3", "Crew Hongdae 3", "crew", 37.5561, 126.9236),
)


def enrol(conn: Connection, settings: Settings, now: datetime) -> dict[str, Credentials]:
    """Put homes and devices into the registry; return each device's credentials."""
    broker = BrokerAddress(settings.broker)
    found: dict[str, Credentials] = {}
    for character in CHARACTERS:
        home = character.home
        add_household(conn, home)
        add_resident(
            conn,
            home.household_id,
            name=character.resident,
            phone=character.phone,
            note=character.note,
        )
        for device_id, kind in character.devices:
            made = registry.add_device(
                conn, device_id, household_id=home.household_id, kind=kind, now=now
            )
            found[device_id] = Credentials(
                device=made.device,
                username=made.username,
                password=made.password,
                host=broker.host,
                port=broker.port,
                topic_root=made.topic_root,
                tls=broker.tls,
                ca_file=settings.broker_ca_file,
            )
            if kind == "camera":
                registry.configure(conn, device_id, {"loiter": {"after_s": LOITER_AFTER_S}})
    return found


def hire(conn: Connection, webhooks: dict[str, str], now: datetime) -> dict[str, str]:
    """Add the responders, each with a pager's webhook; return their signing secrets."""
    secrets: dict[str, str] = {}
    for responder_id, name, kind, lat, lon in RESPONDERS:
        made = responders.add(
            conn,
            responder_id,
            name=name,
            kind=kind,
            lat=lat,
            lon=lon,
            webhook_url=webhooks[responder_id],
            now=now,
        )
        secrets[responder_id] = made["webhook_secret"]
    return secrets
