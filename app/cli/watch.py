"""`doorguard watch`: the detector at work on any video, drawn into an MP4 or in the browser."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any, Self

import cv2
import numpy as np
import typer

from app.bench.detect_run import START_US, Nowhere
from app.cli.command import Result, command, say
from app.cli.watch_drawing import News, draw
from app.cli.watch_page import Page
from app.site import Site
from core.errors import ConfigurationError, DecodeError
from core.frames import Frame
from detectors.camera import Camera
from detectors.config import CameraConfig, decode_config
from detectors.decode import decode_grey
from simulators.replay import is_live, pictures
from simulators.source import Image, encode_jpeg

SEEN_HIGH_PX, DRAWN_HIGH_PX = 1080, 720
_WIDEST = 4  # times its height
_KEEP_NEWS = 20
_LONGEST_GAP_S = 10.0  # that is shown at its length
_Show = Callable[[Image, float], None]


def watch(
    site: Site,  # noqa: ARG001 - every command has one
    source: Annotated[
        str, typer.Argument(help="A video file, an address (RTSP, HTTP), or a device.")
    ],
    *,
    out: Annotated[
        Path | None, typer.Option(help="The MP4 to write; not given: NAME-watched.mp4 here.")
    ] = None,
    browser: Annotated[
        bool, typer.Option("--browser", help="Show it on a page of this machine instead.")
    ] = False,
    port: Annotated[int, typer.Option(help="Of that page; 0: any free one.", min=0)] = 0,
    fps: Annotated[float, typer.Option(help="Frames a second given to the detector.")] = 5.0,
    after_s: Annotated[
        float, typer.Option("--loiter-after", help="T, in seconds.", min=10, max=300)
    ] = 30.0,
    zone: Annotated[
        str | None, typer.Option(help='Door zone in fractions: "[[0.2,0.4],[0.8,0.4],[0.8,1]]".')
    ] = None,
    min_height: Annotated[
        float, typer.Option(help="Least height of a person, of the picture.", min=0.05, max=1)
    ] = 0.2,
    duration_s: Annotated[
        float | None, typer.Option(help="Stop after so many seconds of video.", min=1)
    ] = None,
) -> Result:
    """Show the detector at work on a video: boxes by state, zone, dwell, findings.

    The video is given to it as a door camera would: 1080p JPEG. Grey boxes are candidates, blue
    ones people, red ones loiterers, dashed ones unseen just now.
    """
    if not 0.5 <= fps <= 30:
        raise ConfigurationError(f"{fps:g} frames a second: 0.5 to 30 are possible")
    config = _config(after_s, zone, min_height)
    live = is_live(source)
    until_s = float("inf") if duration_s is None else duration_s
    with ExitStack() as stack:
        if browser:
            page = stack.enter_context(Page(port))
            say(f"watch at {page.address} (Ctrl-C ends)")
            show, target = _paced(page, live=live), page.address
        else:
            # an address may hold a password
            path = out or Path(f"{'camera' if live else Path(source).stem}-watched.mp4")
            show, target = stack.enter_context(_Film(path, fps)).add, str(path)
        result: dict[str, Any] = {"out": target, "frames": 0, "findings": []}
        try:
            for drawn, at_s, news in detect(_sampled(source, fps, until_s), config):
                show(drawn, at_s)
                result["frames"] += 1
                result["findings"] += [
                    {"at_s": round(item.at_s, 2), "type": item.finding.type} for item in news
                ]
        except KeyboardInterrupt:
            say("stopped")
        except ConfigurationError:
            if result["frames"]:
                say(_as_text(result))
            raise
    return result, _as_text(result)


def _as_text(result: dict[str, Any]) -> str:
    lines = [f"{found['at_s']:8.1f} s  {found['type']}" for found in result["findings"]]
    return "\n".join([*lines, f"{result['frames']} frames in {result['out']}"])


def detect(
    shown: Iterator[tuple[float, Image]], config: CameraConfig
) -> Iterator[tuple[Image, float, list[News]]]:
    """Yield (drawn picture, seconds, what was said of it) for each picture."""
    camera = Camera("watched", config, Nowhere())
    recent: list[News] = []
    fault: str | None = None
    for number, (at_s, image) in enumerate(shown, 1):
        jpeg = encode_jpeg(_high(image, SEEN_HIGH_PX))
        at_us = START_US + round(at_s * 1e6)
        found = camera.feed(Frame(number, at_us, infrared=False, motion=False, jpeg=jpeg))
        news = [News(at_s, finding) for finding in found]
        recent = [*recent, *news][-_KEEP_NEWS:]
        for finding in found:
            room, _, what = finding.type.partition(".")
            if room == "camera":
                fault = None if what == "restored" else what
        working = decode_grey(jpeg).shape
        yield (
            draw(_high(image, DRAWN_HIGH_PX), camera, working, (at_us, at_s), recent, fault),
            at_s,
            news,
        )


class _Film:
    """An MP4 that is written picture by picture."""

    def __init__(self, path: Path, fps: float) -> None:
        if not path.resolve().parent.is_dir():
            raise ConfigurationError(f"no such folder: {path.parent}")
        self._path = path
        self._fps = fps
        self._writer: cv2.VideoWriter | None = None
        self._written = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._writer is not None:
            self._writer.release()

    def add(self, drawn: Image, at_s: float) -> None:
        """Write the picture of that second, again where none came before it."""
        if self._writer is None:
            size = (drawn.shape[1], drawn.shape[0])
            code = cv2.VideoWriter.fourcc(*"mp4v")
            self._writer = cv2.VideoWriter(str(self._path), code, self._fps, size)
            if not self._writer.isOpened():
                raise ConfigurationError(f"cannot write {self._path} as an MP4 video")
        due = round(at_s * self._fps) + 1 - self._written
        for _ in range(min(max(due, 1), round(_LONGEST_GAP_S * self._fps))):
            self._writer.write(drawn)
            self._written += 1


def _high(image: Image, high: int) -> Image:
    """Return the picture scaled to a height, its width even as video wants it."""
    rows, columns = image.shape[:2]
    wide = min(columns * high // rows, _WIDEST * high) // 2 * 2
    return np.asarray(
        cv2.resize(image, (max(wide, 2), high), interpolation=cv2.INTER_AREA), np.uint8
    )


def _paced(page: Page, *, live: bool) -> _Show:
    """Show on the page at the video's own pace; a live source has its pace already."""
    begun_s = time.monotonic()

    def show(drawn: Image, at_s: float) -> None:
        wait_s = begun_s + at_s - time.monotonic()
        if not live and wait_s > 0:
            time.sleep(wait_s)
        page.show(encode_jpeg(drawn))

    return show


def _sampled(source: str, fps: float, until_s: float) -> Iterator[tuple[float, Image]]:
    """Yield pictures at most `fps` a second."""
    next_s = 0.0
    for at_s, image in pictures(source):
        if at_s >= until_s:
            return
        if at_s + 1e-6 >= next_s:
            next_s = max(next_s + 1.0 / fps, at_s)
            yield at_s, np.ascontiguousarray(image)


def _config(after_s: float, zone: str | None, min_height: float) -> CameraConfig:
    """Read the settings by the same rules as a camera's configuration message."""
    loiter: dict[str, Any] = {"after_s": after_s, "min_height": min_height}
    try:
        if zone is not None:
            loiter["zone"] = json.loads(zone)
        return decode_config(json.dumps({"version": 1, "loiter": loiter}).encode())
    except (ValueError, DecodeError) as error:
        raise ConfigurationError(f"zone: {error}") from None


def register(to: typer.Typer) -> None:
    """Add this command."""
    command(to, "watch")(watch)
