"""What each service may say and hear at the broker: least privilege, as a table."""

from __future__ import annotations

from dataclasses import dataclass

from core import topics
from core.markers import MARKED
from core.reports import REPORT_FILTER, report_topic
from core.secrets import derive
from core.topics import Kind, wildcard
from core.workers import WORKERS_FILTER

SYNTHETIC_DEVICE = "synthetic-sos"
SYNTHETIC_HOUSEHOLD = "synthetic"


@dataclass(frozen=True, slots=True)
class Role:
    """MQTT filters that one service may publish to and subscribe to."""

    publish: tuple[str, ...]
    subscribe: tuple[str, ...]


_ALARMS_PEERS = (topics.ALARMS_HOLDING, topics.ALARMS_CARRIED)
ROLES: dict[str, Role] = {
    "alarms": Role(
        publish=(wildcard(Kind.ACK), *_ALARMS_PEERS, topics.ANSWERS_GIVEN),
        subscribe=(*map(wildcard, topics.ALARM_LANE), *_ALARMS_PEERS, topics.ANSWERS_ASKED),
    ),
    "ingest": Role(
        publish=(wildcard(Kind.ACK), *sorted(MARKED)),
        subscribe=(*map(wildcard, topics.EVENT_LANE), REPORT_FILTER),
    ),
    "detect": Role(
        publish=(
            *map(wildcard, topics.DETECTOR_PUBLISHES),
            report_topic("detect"),
            WORKERS_FILTER,
        ),
        subscribe=(*map(wildcard, topics.FRAME_LANE), WORKERS_FILTER),
    ),
    "pagers": Role(
        publish=(wildcard(Kind.CMD), topics.ANSWERS_ASKED),
        subscribe=(wildcard(Kind.REPLY), topics.ANSWERS_GIVEN),
    ),
    "app": Role(
        publish=(
            wildcard(Kind.CMD),
            wildcard(Kind.CONFIG),
            topics.ANSWERS_ASKED,
            topics.ANSWERS_GIVEN,
            topics.BOARD_DREW,
        ),
        subscribe=(
            wildcard(Kind.REPLY),
            topics.ANSWERS_ASKED,
            topics.ANSWERS_GIVEN,
            wildcard(Kind.FRAME),
        ),  # frames: of a camera watched
    ),
    "watchman": Role(publish=(), subscribe=(topics.BOARD_DREW,)),
}


def service_username(role: str) -> str:
    """Return the broker user of a service; a device id never begins so with these roles."""
    return f"svc-{role}"


def service_password(service_key: str, role: str) -> str:
    """Return the broker password of a service, derived from the service key."""
    return derive(service_key, f"broker:{role}")


def client_id(service_key: str, name: str) -> str:
    """Return the MQTT client id of a service or of the synthetic button.

    The broker does not tie client ids to users, and whoever presents one takes over its session:
    it must not be guessable.
    """
    return f"{name}-{derive(service_key, f'client:{name}', n_bytes=12)}"


def device_role(device: str) -> Role:
    """Return what a device may say and hear: the topics below its own root, nothing else."""
    root = topics.device_root(device)
    return Role(
        publish=tuple(f"{root}/{kind}" for kind in topics.DEVICE_PUBLISHES),
        subscribe=tuple(f"{root}/{kind}" for kind in topics.DEVICE_SUBSCRIBES),
    )
