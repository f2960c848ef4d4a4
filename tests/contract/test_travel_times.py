"""Every source of travel times keeps the port's promise; road services are played by a server."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from alerts.eta.road_service import RoadService, travel_times
from alerts.eta.street_factor import StreetFactor
from core.errors import ConfigurationError, PermanentError, TemporaryError
from core.ports import Origin, TravelTimes

HOME = (37.5665, 126.9780)
ORIGINS = [
    Origin(37.58, 126.98, "drive"),
    Origin(37.57, 126.99, "walk"),
    Origin(37.60, 127.02, "drive"),
]


class Roads:
    """Answers as OSRM's table and Valhalla's matrix service document it.

    A second for each 10 m of latitude, and twice that on foot; `answer` replaces the answer.
    """

    def __init__(self) -> None:
        self.answer: tuple[int, bytes] | None = None
        self.wait_s = 0.0
        self.asked: list[str] = []
        roads = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                self._say(roads.osrm(self.path))

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                self._say(roads.valhalla(self.path, json.loads(body)))

            def _say(self, document: dict[str, Any]) -> None:
                time.sleep(roads.wait_s)
                status, body = roads.answer or (200, json.dumps(document).encode())
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                try:
                    self.wfile.write(body)
                except ConnectionError:
                    return

            def log_message(self, *_args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True)
        self.thread.start()

    def osrm(self, path: str) -> dict[str, Any]:
        self.asked.append(path)
        parts = urlsplit(path)
        _, table, version, profile, coordinates = parts.path.split("/")
        assert (table, version) == ("table", "v1")
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        assert query["annotations"] == "duration"
        points = [tuple(map(float, one.split(","))) for one in coordinates.split(";")]
        to = points[int(query["destinations"])]
        rows = [
            [_seconds(points[int(n)][1], to[1], foot=profile == "foot")]
            for n in query["sources"].split(";")
        ]
        place = {"hint": "", "distance": 1.0, "name": "", "location": [0.0, 0.0]}
        return {"code": "Ok", "durations": rows, "sources": [place], "destinations": [place]}

    def valhalla(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        self.asked.append(path)
        assert path == "/sources_to_targets"
        (to,) = body["targets"]
        foot = {"pedestrian": True, "auto": False}[body["costing"]]
        return {
            "algorithm": "timedistancematrix",
            "units": "kilometers",
            "sources_to_targets": [
                [
                    {
                        "distance": 1.0,
                        "time": round(_seconds(one["lat"], to["lat"], foot=foot)),
                        "to_index": 0,
                        "from_index": n,
                    }
                ]
                for n, one in enumerate(body["sources"])
            ],
        }

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


def _seconds(lat: float, to: float, *, foot: bool) -> float:
    return abs(lat - to) * 11_119.5 * (2 if foot else 1)


@pytest.fixture
def roads() -> Iterator[Roads]:
    with closing(Roads()) as made:
        yield made


@pytest.fixture(params=["street factor", "osrm", "valhalla"])
def source(request: pytest.FixtureRequest, roads: Roads) -> Iterator[TravelTimes]:
    if request.param == "street factor":
        yield StreetFactor()
        return
    with closing(_service(request.param, roads)) as made:
        yield made


@pytest.fixture(params=["osrm", "valhalla"])
def service(request: pytest.FixtureRequest, roads: Roads) -> Iterator[RoadService]:
    with closing(_service(request.param, roads)) as made:
        yield made


def _service(name: str, roads: Roads) -> RoadService:
    made = travel_times(f"{name}+http://127.0.0.1:{roads.port}/")
    assert isinstance(made, RoadService)
    return made


def test_a_time_for_each_in_the_order_asked(source: TravelTimes) -> None:
    together = source.seconds(ORIGINS, *HOME)
    assert together == [source.seconds([one], *HOME)[0] for one in ORIGINS]
    assert all(time_s is not None and 0 < time_s < 7200 for time_s in together)
    assert together[0] is not None
    assert together[2] is not None
    assert together[0] < together[2]


def test_nobody_to_ask_about(source: TravelTimes) -> None:
    assert source.seconds([], *HOME) == []


def test_on_foot_it_takes_longer(source: TravelTimes) -> None:
    ways = [Origin(37.58, 126.98, mode) for mode in ("walk", "drive")]
    on_foot, riding = source.seconds(ways, *HOME)
    assert on_foot is not None
    assert riding is not None
    assert on_foot > riding


def test_it_bears_its_name(source: TravelTimes) -> None:
    assert source.name in {"street factor", "osrm", "valhalla"}


@pytest.mark.parametrize("status", [500, 502, 503, 429])
def test_a_service_that_may_recover(status: int, service: RoadService, roads: Roads) -> None:
    roads.answer = (status, b"{}")
    with pytest.raises(TemporaryError, match=str(status)):
        service.seconds(ORIGINS, *HOME)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (400, b'{"code":"InvalidQuery"}'),
        (200, b'{"code":"NoTable"}'),
        (200, b"<html>"),
        (200, b"[]"),
        (200, b'{"code":"Ok","durations":[[1.0]],"sources_to_targets":[[{"time":1}]]}'),
        (200, b'{"code":"Ok","durations":[[-1],[2]],"sources_to_targets":[[{"time":-1}],[{}]]}'),
    ],
)
def test_an_answer_that_is_none(
    status: int, body: bytes, service: RoadService, roads: Roads
) -> None:
    roads.answer = (status, body)
    with pytest.raises(PermanentError, match=service.name):
        service.seconds(ORIGINS, *HOME)


def test_where_no_road_leads(service: RoadService, roads: Roads) -> None:
    nowhere = {
        "code": "Ok",
        "durations": [[None]],
        "sources_to_targets": [[{"time": None, "distance": None}]],
    }
    roads.answer = (200, json.dumps(nowhere).encode())
    assert service.seconds(ORIGINS[:1], *HOME) == [None]


@pytest.mark.parametrize("name", ["osrm", "valhalla"])
def test_a_service_that_hangs_is_given_up(name: str, roads: Roads) -> None:
    roads.wait_s = 2.0
    slow = travel_times(f"{name}+http://127.0.0.1:{roads.port}")
    assert isinstance(slow, RoadService)
    slow.close()
    impatient = RoadService(f"http://127.0.0.1:{roads.port}", slow._dialect, deadline_s=0.1)
    with closing(impatient), pytest.raises(TemporaryError):
        impatient.seconds(ORIGINS, *HOME)


@pytest.mark.parametrize("name", ["osrm", "valhalla"])
def test_nobody_listening_is_temporary(name: str) -> None:
    nobody = travel_times(f"{name}+http://127.0.0.1:9/")
    assert isinstance(nobody, RoadService)
    with closing(nobody), pytest.raises(TemporaryError):
        nobody.seconds(ORIGINS, *HOME)


@pytest.mark.parametrize("url", ["http://x", "google+https://x", "osrm+ftp://x", "osrm+http://"])
def test_a_setting_that_names_no_service(url: str) -> None:
    with pytest.raises(ConfigurationError, match="DOORGUARD_ROAD_SERVICE"):
        travel_times(url)
