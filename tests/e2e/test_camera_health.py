"""A covered lens becomes an incident that pages nobody, and so does its end, with the pictures."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from core.frames import Frame, encode_frame
from core.objects import Objects
from simulators.impairment import Impairment, Kind
from simulators.rendered import RenderedScene
from simulators.source import encode_jpeg
from tests.e2e.conftest import System, eventually
from tests.e2e.test_garbage import connected

FPS = 5.0
SPEED = 4.0  # the camera's clock tells the time: the film is sent faster than it was taken
QUIET_SEED = 9
COVERED_S, FREE_S, END_S = 10.0, 26.0, 36.0


def film() -> Iterator[tuple[float, bytes]]:
    scene = RenderedScene(QUIET_SEED)
    scene.impairments = (Impairment(Kind.COVERED, COVERED_S, FREE_S, (0.4, 0.5, 0.5, 0.9)),)
    for number in range(int(END_S * FPS)):
        yield number / FPS, encode_jpeg(scene.render(number / FPS))


def test_a_covered_camera_is_an_incident_and_its_end_joins_it(system: System) -> None:
    system.run("household", "add", "home-covered", "--name", "Covered")
    device = system.run(
        "device", "add", "camera-covered", "--household", "home-covered", "--kind", "camera"
    )
    client = connected(device)
    pictures = list(film())
    start_us = time.time_ns() // 1000 - int(END_S * 1e6)
    try:
        for number, (at_s, jpeg) in enumerate(pictures):
            frame = Frame(number, start_us + round(at_s * 1e6), False, False, jpeg)
            client.publish(f"{device['topic_root']}/frame", encode_frame(frame), qos=0)
            time.sleep(1.0 / (FPS * SPEED))

        def told() -> list[dict[str, Any]]:
            with system.connect() as conn:
                return conn.execute(
                    "SELECT incident_id, kind, priority, e.type, at, e.data FROM incidents i "
                    "JOIN incident_events e USING (incident_id) "
                    "WHERE i.household_id = 'home-covered' ORDER BY seq"
                ).fetchall()

        eventually(lambda: len(told()) >= 2, 15, "covered and restored")
        covered, restored = told()
    finally:
        client.disconnect()
        client.loop_stop()
    assert (covered["kind"], covered["priority"]) == ("camera", 3)
    assert (covered["type"], restored["type"]) == ("camera.covered", "camera.restored")
    assert covered["incident_id"] == restored["incident_id"]
    began_s = covered["at"].timestamp() - start_us / 1e6
    assert COVERED_S < began_s <= COVERED_S + 15.0
    sent = {frame for _, frame in pictures}
    objects = Objects(system.services.settings.objects)
    shown = [objects.get(one["key"]) for one in covered["data"]["evidence"]]
    assert len(shown) == 2
    assert set(shown) <= sent
    with system.connect() as conn:
        pages = conn.execute(
            "SELECT count(*) AS n FROM pages WHERE incident_id = %s", (covered["incident_id"],)
        ).fetchone()
    assert pages is not None
    assert pages["n"] == 0
