"""Intake: what a batch of messages becomes, with nothing lost and nobody stopped."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from core.catalogue import Source
from core.ports import Message
from core.reports import KEPT_BYTES
from core.topics import Kind, Topic
from ingest.intake import acks, take_in
from tests.conftest import NOON

AT = NOON.isoformat()


def message(kind: Kind, body: object, device: str = "door-cam-1") -> Message:
    payload = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Message(str(Topic(device, kind)), payload, token=1)


def event(seq: int, kind: str = "door.opened", **more: object) -> dict[str, object]:
    return {"seq": seq, "type": kind, "at": AT, **more}


@given(st.lists(st.tuples(st.sampled_from(Kind), st.binary(max_size=80)), max_size=6))
def test_any_bytes_on_any_topic_are_taken_or_rejected(batch: list[tuple[Kind, bytes]]) -> None:
    messages = [message(kind, payload) for kind, payload in batch]
    intake = take_in(messages, lane="event", now=NOON)
    assert all(reject.reason and len(reject.payload) <= KEPT_BYTES for reject in intake.rejects)


def test_a_topic_of_nobody_is_kept_as_a_reject() -> None:
    intake = take_in([Message("dg/v1/00/x/alarm", b"{}")], lane="alarm", now=NOON)
    assert [(r.reason, r.device_id) for r in intake.rejects] == [("topic", None)]


def test_who_is_owed_an_ack() -> None:
    intake = take_in(
        [
            message(Kind.EVENT, [event(1), event(2, ack=True), event(3, kind="nonsense")]),
            message(Kind.ALARM, event(9, kind="sos.pressed"), "button-1"),
            message(Kind.EVENT, event(5, kind="sos.pressed"), "button-2"),
            message(Kind.FINDING, event(7, kind="motion.started")),
        ],
        lane="event",
        now=NOON,
    )
    assert [one.source for one in intake.reported][-1] is Source.DETECTOR
    answers = acks(intake, intake.reported)
    assert answers["door-cam-1"].stored == [2]
    assert [(r.seq, r.reason) for r in answers["door-cam-1"].rejected] == [(3, "type")]
    assert answers["button-1"].stored == [9]
    assert answers["button-2"].stored == [5], "an SOS is answered on whatever topic it came"


def test_heartbeats_are_not_rows_but_are_answered_when_asked() -> None:
    body = [event(1, kind="heartbeat", ack=True), event(2, kind="heartbeat")]
    intake = take_in([message(Kind.EVENT, body)], lane="event", now=NOON)
    assert not intake.reported
    assert acks(intake, intake.heartbeats)["door-cam-1"].stored == [1]


def test_positions_are_no_rows_and_a_bad_one_stops_nobody() -> None:
    place = {"lat": 37.5, "lon": 127.0, "accuracy_m": 8}
    body = [
        event(1, kind="position.reported", data=place, ack=True),
        event(2, kind="position.reported", data={**place, "lat": 91}),
        event(3, ack=True),
    ]
    intake = take_in([message(Kind.EVENT, body)], lane="event", now=NOON)
    ((reported, where),) = intake.positions
    assert (reported.message.seq, where.lat, where.accuracy_m) == (1, 37.5, 8)
    assert [one.message.seq for one in intake.reported] == [3]
    assert [r.reason for r in intake.rejects] == ["schema"]
    answer = acks(intake, [*intake.reported, reported])["door-cam-1"]
    assert (sorted(answer.stored), answer.rejected[0].seq) == ([1, 3], 2)


def test_a_retained_status_is_no_sign_of_life() -> None:
    retained = Message(str(Topic("door-cam-1", Kind.STATUS)), b'{"online":true}', 1, retained=True)
    intake = take_in([retained], lane="event", now=NOON)
    assert intake.heard == set()
    assert intake.statuses[0][0] == "door-cam-1"


def test_a_broken_report_of_a_service_is_a_reject() -> None:
    intake = take_in([Message("dg/svc/detect/report", b"{}", 1)], lane="event", now=NOON)
    assert [r.reason for r in intake.rejects] == ["schema"]
