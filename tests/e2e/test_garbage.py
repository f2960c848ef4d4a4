"""Garbage on every topic is rejected, counted and visible; the SOS in its midst is paged."""

from __future__ import annotations

import random
import struct
import threading
import time
from typing import Any

import paho.mqtt.client as mqtt

from core.topics import Kind, device_root
from simulators.button import Button
from simulators.connection import Credentials
from simulators.pager import Pager
from tests.e2e.conftest import System, eventually


def connected(device: dict[str, Any]) -> mqtt.Client:
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id=device["device"])
    client.username_pw_set(device["username"], device["password"])
    up = threading.Event()
    client.on_connect = lambda *_: up.set()
    client.connect(device["host"], device["port"])
    client.loop_start()
    assert up.wait(10)
    return client


def header(at_us: int) -> bytes:
    return struct.pack(">BBHIQ", 1, 0, 0, 1, at_us)


def test_garbage_is_counted_and_harms_nobody(system: System) -> None:
    pager = Pager("")
    pager.start()
    system.run("household", "add", "home-garbage", "--name", "Garbage")
    added = system.run("responder", "add", "crew-garbage", "--webhook", pager.url)
    pager.secret = added["webhook_secret"]
    camera = system.run(
        "device", "add", "camera-garbage", "--household", "home-garbage", "--kind", "camera"
    )
    button = system.run(
        "device", "add", "button-garbage", "--household", "home-garbage", "--kind", "button"
    )

    def counts() -> dict[tuple[str, str], int]:
        rows = system.run("status", check=False)["rejects"]
        return {(row["lane"], row["reason"]): row["n"] for row in rows}

    before = counts()
    root = camera["topic_root"]
    client = connected(camera)
    now_us = time.time_ns() // 1000
    noise = random.Random(8).randbytes  # the same every time: what it is counted as is known
    try:
        for kind in (Kind.ALARM, Kind.EVENT, Kind.STATUS, Kind.REPLY):
            client.publish(f"{root}/{kind}", b"\xff" + noise(199), qos=1)
            client.publish(f"{root}/{kind}", b'{"wrong":', qos=1)
            client.publish(f"{root}/{kind}", b'{"seq":"x","type":7,"online":"?"}', qos=1)
        client.publish(
            f"{root}/event", b'{"seq":5,"type":"no.such","at":"2026-01-01T00:00:00Z"}', 1
        )
        client.publish(f"{root}/frame", noise(5))
        client.publish(f"{root}/frame", header(now_us) + noise(300))
        truncated = b"\xff\xd8\xff\xe0" + noise(500)
        client.publish(f"{root}/frame", header(now_us) + truncated)
        client.publish(f"{device_root('button-garbage')}/alarm", b"{}", qos=1)
        client.publish(f"{root}/finding/alarm", b"{}", qos=1)
        # an SOS in the midst of it
        press = Button(Credentials.from_json(button))
        press.start()
        assert press.wait_online(10)
        seq = press.press()
        client.publish(f"{root}/frame", header(now_us) + bytes(5 << 20))
        assert press.wait_acked(seq, 10) is not None
        assert press.lamp.lit
        press.stop()
        assert pager.wait_page(lambda page: page.body["household"]["name"] == "Garbage", 10)

        expected = {
            ("alarm", "json"): 2,
            ("alarm", "schema"): 1,
            ("event", "json"): 6,
            ("event", "schema"): 3,
            ("event", "type"): 1,
            ("frame", "frame_short"): 1,
            ("frame", "frame_jpeg"): 1,
            ("frame", "jpeg"): 1,
            ("broker", "size"): 1,
            ("broker", "foreign_topic"): 2,
        }

        def all_counted() -> bool:
            now = counts()
            return all(now.get(key, 0) - before.get(key, 0) >= n for key, n in expected.items())

        try:
            eventually(all_counted, 20)
        except AssertionError:
            raise AssertionError(f"{before} → {counts()}") from None
    finally:
        client.loop_stop()
        pager.stop()
        system.run("responder", "remove", "crew-garbage")
    with system.connect() as conn:
        kept = conn.execute(
            "SELECT lane, topic, device_id, reason, size_bytes, octet_length(payload) AS kept "
            "FROM rejected_messages"
        ).fetchall()
    assert all(row["kept"] <= 4096 for row in kept)
    assert {"camera-garbage"} <= {row["device_id"] for row in kept}
