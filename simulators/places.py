"""The empty places a rendered door camera looks at: a corridor and a porch, no two alike.

Pictures are `WIDTH_PX` x `HEIGHT_PX`: the size at which detectors work on a 1080p frame, so that
an hour is rendered in minutes. A place is painted with `MARGIN_PX` more on every side, for a
camera that is moved. Pinhole camera as in `corridor`: x right, y up, z away, in metres.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from simulators import corridor
from simulators.source import Image

WIDTH_PX, HEIGHT_PX = 480, 270
MARGIN_PX = 48
_SCALE = WIDTH_PX / corridor.WIDTH_PX
_FULL = (WIDTH_PX + 2 * MARGIN_PX, HEIGHT_PX + 2 * MARGIN_PX)

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Place:
    """An empty place: `picture` with its margin, and the lens it was painted through.

    `depth_m` is how far away a person can be; `plant` is the box (x, y, w, h in px) of what
    sways; `lamp` is where a lamp hangs, in px.
    """

    picture: Image
    focal_px: float
    centre_px: tuple[float, float]
    camera_m: float
    depth_m: float
    plant: tuple[int, int, int, int]
    lamp: tuple[float, float]

    def project(self, x_m: float, y_m: float, z_m: float) -> tuple[float, float]:
        """Return where a point stands in the picture without its margin, in px."""
        return (
            self.centre_px[0] + self.focal_px * x_m / z_m,
            self.centre_px[1] + self.focal_px * (self.camera_m - y_m) / z_m,
        )

    def edge_m(self, z_m: float, margin_m: float) -> float:
        """Return the x at which something `2 margin_m` wide is just out of view on either side."""
        half_px = max(self.centre_px[0], WIDTH_PX - self.centre_px[0])
        return half_px * z_m / self.focal_px + margin_m


def corridor_place(rng: np.random.Generator) -> Place:
    """Paint a corridor: its furniture, side, tone and zoom by chance."""
    painted = corridor.paint(rng)
    mirror = bool(rng.random() < 0.5)
    zoom = float(rng.uniform(1.0, 1.12))
    tone = rng.uniform(0.82, 1.12, 3)
    grey = np.clip(painted.astype(np.float32) * tone.astype(np.float32), 0, 255)
    painted = np.asarray(grey[:, ::-1] if mirror else grey, np.float32)
    scale = _SCALE * zoom
    size = (round(corridor.WIDTH_PX * scale), round(corridor.HEIGHT_PX * scale))
    small = np.asarray(cv2.resize(painted, size, interpolation=cv2.INTER_AREA), np.float32)
    left, top = (size[0] - WIDTH_PX) / 2, (size[1] - HEIGHT_PX) * 0.4
    picture = _with_margin(small, round(left), round(top))
    centre = (
        corridor.CENTRE_PX[0] * scale - round(left),
        corridor.CENTRE_PX[1] * scale - round(top),
    )

    def seen(x_m: float, y_m: float, z_m: float) -> tuple[float, float]:
        x, y = corridor.project(-x_m if mirror else x_m, y_m, z_m)
        return x * scale - round(left), y * scale - round(top)

    plant_x, plant_y = seen(2.62, 0.0, 3.75)
    plant = _plant_box(plant_x - 60 * zoom, plant_y - 90 * zoom, 120 * zoom, 66 * zoom)
    return Place(
        picture,
        corridor.FOCAL_PX * scale,
        centre,
        corridor.CAMERA_HEIGHT_M,
        corridor.WALL_M - 0.6,
        plant,
        seen(0.35, 1.86, corridor.WALL_M),
    )


def porch_place(rng: np.random.Generator) -> Place:
    """Paint a porch: paving, a wall, a hedge, a house across the street, the sky."""
    focal = float(rng.uniform(205, 255))
    camera_m = float(rng.uniform(1.35, 1.6))
    centre = (WIDTH_PX / 2 + float(rng.uniform(-15, 15)), float(rng.uniform(88, 112)))
    picture = np.zeros((_FULL[1], _FULL[0], 3), np.float32)
    rows, columns = np.mgrid[0 : _FULL[1], 0 : _FULL[0]].astype(np.float32) - MARGIN_PX
    horizon = centre[1]
    _sky_and_street(picture, rng, rows, horizon)
    _paving(picture, rng, (rows, columns), (focal, camera_m, centre))
    side = 1 if rng.random() < 0.5 else -1
    _brick_wall(picture, rng, columns, rows, side)
    plant_x = 40.0 if side > 0 else WIDTH_PX - 150.0
    plant = _plant_box(plant_x, horizon + 5, float(rng.uniform(90, 110)), 90.0)
    _leaves(picture, rng, plant)
    picture *= _grain(rng, 0.035)[:, :, None]
    lamp_x = WIDTH_PX - 55.0 if side > 0 else 55.0
    smooth = cv2.GaussianBlur(np.clip(picture, 0, 255), (3, 3), 0)
    return Place(
        np.asarray(smooth, np.uint8),
        focal,
        centre,
        camera_m,
        float(rng.uniform(5.0, 6.5)),
        plant,
        (lamp_x, 40.0),
    )


def _with_margin(picture: npt.NDArray[np.float32], left: int, top: int) -> Image:
    """Cut the view out at (left, top) with a margin; beyond the painting it is mirrored."""
    wide = cv2.copyMakeBorder(
        picture, MARGIN_PX, MARGIN_PX, MARGIN_PX, MARGIN_PX, cv2.BORDER_REFLECT_101
    )
    view = wide[top : top + _FULL[1], left : left + _FULL[0]]
    return np.asarray(np.clip(view, 0, 255), np.uint8)


def _plant_box(x: float, y: float, w: float, h: float) -> tuple[int, int, int, int]:
    """Cut to the picture with room to sway."""
    left = min(max(round(x), 6), WIDTH_PX - 40)
    top = min(max(round(y), 6), HEIGHT_PX - 40)
    return left, top, min(round(w), WIDTH_PX - 6 - left), min(round(h), HEIGHT_PX - 6 - top)


def _grain(rng: np.random.Generator, depth: float) -> Floats:
    """Return factors about 1: fine grain and blotches."""
    fine = rng.normal(0, depth, (_FULL[1] // 2, _FULL[0] // 2)).astype(np.float32)
    broad = rng.normal(0, depth, (_FULL[1] // 24, _FULL[0] // 24)).astype(np.float32)
    both = [cv2.resize(part, _FULL, interpolation=cv2.INTER_CUBIC) for part in (fine, broad)]
    return np.asarray(1.0 + both[0] + both[1], np.float32)


def _sky_and_street(
    picture: Floats, rng: np.random.Generator, rows: Floats, horizon: float
) -> None:
    sky = np.array((218, 206, 190), np.float32) * float(rng.uniform(0.7, 1.05))
    fall = np.clip(1.0 - 0.25 * (rows / horizon), 0.6, 1.2)
    picture[:] = sky * fall[:, :, None]
    ridge = round(horizon + MARGIN_PX)
    x = 0
    while x < _FULL[0]:  # the houses across the street, with windows
        wide, high = int(rng.integers(50, 120)), int(rng.integers(25, 80))
        tone = np.array((120, 130, 142), np.float32) * float(rng.uniform(0.6, 1.15))
        picture[ridge - high : ridge, x : x + wide] = tone
        for down in range(ridge - high + 6, ridge - 8, 16):
            for right in range(x + 6, min(x + wide, _FULL[0]) - 9, 18):
                picture[down : down + 9, right : right + 7] = tone * float(rng.uniform(0.4, 1.4))
        x += wide + int(rng.integers(0, 20))


def _paving(
    picture: Floats,
    rng: np.random.Generator,
    at: tuple[Floats, Floats],
    lens: tuple[float, float, tuple[float, float]],
) -> None:
    rows, columns = at
    focal, camera_m, centre = lens
    below = rows > centre[1]
    depth_m = focal * camera_m / np.maximum(rows - centre[1], 1.0)
    slab_m = float(rng.uniform(0.35, 0.7))
    across, along = (columns - centre[0]) * depth_m / focal / slab_m, depth_m / slab_m
    tile = np.floor(across).astype(int) * 7 + np.floor(along).astype(int) * 13
    shade = rng.normal(1.0, 0.07, 512).astype(np.float32)[tile % 512]
    joint = (np.abs(across - np.round(across)) < 0.035) | (np.abs(along - np.round(along)) < 0.05)
    near = depth_m < 6.0
    stone = np.array((116, 122, 128), np.float32) * float(rng.uniform(0.75, 1.2))
    laid = stone * np.where(joint & near, 0.6, np.where(near, shade, 0.9))[:, :, None]
    picture[below] = laid[below]
    kerb = below & (depth_m > 6.0) & (depth_m < 6.6)
    picture[kerb] *= 0.7


def _brick_wall(
    picture: Floats, rng: np.random.Generator, columns: Floats, rows: Floats, side: int
) -> None:
    """A wall that runs away from the door at one side of the picture."""
    x = columns if side < 0 else WIDTH_PX - columns
    ends = float(rng.uniform(70, 110))
    wall = x < ends - 0.12 * (HEIGHT_PX - rows).clip(0) * 0.5
    course = np.floor(rows / 7.0)
    brick = np.floor((x + (course % 2) * 8) / 16.0)
    shade = rng.normal(1.0, 0.08, 997).astype(np.float32)[
        (course * 31 + brick * 17).astype(int) % 997
    ]
    joint = (rows % 7.0 < 1.0) | ((x + (course % 2) * 8) % 16.0 < 1.0)
    clay = (
        np.array((74, 92, 138), np.float32)
        if rng.random() < 0.6
        else np.array((150, 158, 160), np.float32)
    )
    laid = clay * np.where(joint, 1.25, shade)[:, :, None]
    picture[wall] = laid[wall]


def _leaves(picture: Floats, rng: np.random.Generator, box: tuple[int, int, int, int]) -> None:
    left, top, wide, high = (box[0] + MARGIN_PX, box[1] + MARGIN_PX, box[2], box[3])
    foot = (left + wide // 2, top + high)
    pot = np.array([(-22, -26), (22, -26), (16, 14), (-16, 14)], np.int32) + foot
    cv2.fillConvexPoly(picture, pot, (62, 84, 132), cv2.LINE_AA)
    cv2.line(picture, foot, (foot[0], top + high // 2), (46, 62, 80), 5, cv2.LINE_AA)
    for _ in range(220):
        x = left + wide * float(np.clip(rng.normal(0.5, 0.2), 0.05, 0.95))
        y = top + high * float(np.clip(rng.normal(0.5, 0.22), 0.05, 0.95))
        tone = float(rng.uniform(0.5, 1.35))
        axes = (round(rng.uniform(4, 9)), round(rng.uniform(1.5, 3)))
        colour = (48 * tone, 96 * tone, 62 * tone)
        turn = float(rng.uniform(0, 180))
        cv2.ellipse(picture, (round(x), round(y)), axes, turn, 0, 360, colour, -1, cv2.LINE_AA)
