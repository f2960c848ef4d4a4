"""The empty picture: an apartment corridor as the camera on a front door sees it.

Pinhole camera: focal length `FOCAL_PX`, principal point `CENTRE_PX`, 1.45 m above the floor; x to
the right, y up from the floor, z away from the door, all in metres.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from simulators.source import Image

WIDTH_PX, HEIGHT_PX = 1280, 720
FOCAL_PX = 620.0
CENTRE_PX = (640.0, 270.0)
CAMERA_HEIGHT_M = 1.45
WALL_M = 4.2  # the wall opposite
CEILING_M = 2.4

Floats = npt.NDArray[np.float32]
Colour = tuple[float, float, float]  # BGR, 0 to 255


def project(x_m: float, y_m: float, z_m: float) -> tuple[float, float]:
    """Return where a point stands in the picture, in px."""
    return (
        CENTRE_PX[0] + FOCAL_PX * x_m / z_m,
        CENTRE_PX[1] + FOCAL_PX * (CAMERA_HEIGHT_M - y_m) / z_m,
    )


def paint(rng: np.random.Generator) -> Image:
    """Return the lit, empty corridor, 720 x 1280 x 3."""
    picture = np.zeros((HEIGHT_PX, WIDTH_PX, 3), np.float32)
    _surfaces(picture, rng)
    _neighbours_door(picture)
    _window(picture, rng)
    _plant(picture, rng)
    picture *= _light()[:, :, None]
    _lamps(picture)
    return np.clip(cv2.GaussianBlur(picture, (3, 3), 0), 0, 255).astype(np.uint8)


def _mottle(rng: np.random.Generator, cell_px: int, depth: float) -> Floats:
    """Return smooth random factors about 1, blotches of `cell_px`."""
    cells = (HEIGHT_PX // cell_px + 2, WIDTH_PX // cell_px + 2)
    small = rng.normal(1.0, depth, cells).astype(np.float32)
    large = cv2.resize(small, (WIDTH_PX, HEIGHT_PX), interpolation=cv2.INTER_CUBIC)
    return np.asarray(large, np.float32)


def _surfaces(picture: Floats, rng: np.random.Generator) -> None:
    rows, columns = np.mgrid[0:HEIGHT_PX, 0:WIDTH_PX].astype(np.float32)
    floor_px, ceiling_px = project(0, 0, WALL_M)[1], project(0, CEILING_M, WALL_M)[1]
    grain = _mottle(rng, 3, 0.035) * _mottle(rng, 40, 0.02)
    picture[:] = np.array((168, 180, 186), np.float32)  # wall: warm plaster
    wainscot = (rows > project(0, 0.95, WALL_M)[1]) & (rows < floor_px)
    picture[wainscot] = (128, 142, 138)
    picture[rows < ceiling_px] = (176, 184, 186)

    floor = rows > floor_px
    depth_m = FOCAL_PX * CAMERA_HEIGHT_M / np.maximum(rows - CENTRE_PX[1], 1.0)
    across = (columns - CENTRE_PX[0]) * depth_m / FOCAL_PX / 0.45
    along = depth_m / 0.45
    tile = np.floor(across).astype(int) * 7 + np.floor(along).astype(int) * 13
    shade = rng.normal(1.0, 0.05, 512).astype(np.float32)[tile % 512]
    joint = (np.abs(across - np.round(across)) < 0.022) | (np.abs(along - np.round(along)) < 0.03)
    stone = np.array((112, 124, 132), np.float32) * np.where(joint, 0.62, shade)[:, :, None]
    picture[floor] = stone[floor]
    picture *= grain[:, :, None]

    skirting = (rows > project(0, 0.1, WALL_M)[1]) & (rows <= floor_px)
    picture[skirting] *= 0.55
    for height_m in (0.95, 0.99):
        row = round(project(0, height_m, WALL_M)[1])
        picture[row : row + 2] *= 0.72
    cornice = round(ceiling_px)
    picture[cornice : cornice + 4] *= 0.8


def _box(
    picture: Floats, x_m: tuple[float, float], y_m: tuple[float, float], colour: Colour
) -> None:
    left, bottom = project(x_m[0], y_m[0], WALL_M)
    right, top = project(x_m[1], y_m[1], WALL_M)
    area = picture[round(top) : round(bottom), round(left) : round(right)]
    area[:] = np.array(colour, np.float32) * np.linspace(1.06, 0.94, area.shape[0])[:, None, None]


def _neighbours_door(picture: Floats) -> None:
    _box(picture, (-1.86, -0.84), (0.0, 2.16), (92, 98, 98))
    _box(picture, (-1.80, -0.90), (0.0, 2.10), (104, 88, 70))
    for low_m, high_m in ((0.18, 0.95), (1.12, 1.92)):
        _box(picture, (-1.68, -1.02), (low_m, high_m), (82, 69, 54))
        _box(picture, (-1.66, -1.04), (low_m + 0.02, high_m - 0.02), (110, 94, 76))
    _box(picture, (-1.42, -1.28), (1.98, 2.05), (200, 212, 214))
    _box(picture, (-1.00, -0.95), (0.98, 1.16), (70, 70, 70))
    _box(picture, (-1.06, -0.96), (1.04, 1.08), (178, 182, 184))
    centre = project(-1.35, 1.52, WALL_M)
    cv2.circle(picture, (round(centre[0]), round(centre[1])), 3, (30, 30, 30), -1, cv2.LINE_AA)


def _window(picture: Floats, rng: np.random.Generator) -> None:
    _box(picture, (1.02, 2.38), (1.10, 2.06), (196, 204, 206))
    _box(picture, (1.08, 2.32), (1.16, 2.00), (86, 58, 38))
    left, bottom = project(1.08, 1.16, WALL_M)
    right, top = project(2.32, 2.00, WALL_M)
    for _ in range(26):  # the lit windows of the block across the street, at dusk
        x, y = round(rng.uniform(left + 4, right - 9)), round(rng.uniform(top + 40, bottom - 8))
        picture[y : y + 5, x : x + 4] = (110, 186, 224) if rng.random() < 0.6 else (150, 150, 140)
    _box(picture, (1.68, 1.72), (1.16, 2.00), (188, 196, 198))
    _box(picture, (0.96, 2.44), (1.04, 1.10), (206, 214, 216))


def _plant(picture: Floats, rng: np.random.Generator) -> None:
    foot_x, foot_y = project(2.62, 0.0, 3.75)
    for _ in range(70):
        angle, length = rng.uniform(-1.15, 1.15), rng.uniform(50, 165)
        tip = (foot_x + length * np.sin(angle), foot_y - 70 - length * np.cos(angle))
        tone = rng.uniform(0.6, 1.2)
        middle = ((foot_x + tip[0]) / 2, (foot_y - 76 + tip[1]) / 2 - 8)
        axes = (round(length / 2), round(rng.uniform(4, 8)))
        cv2.ellipse(
            picture,
            (round(middle[0]), round(middle[1])),
            axes,
            float(np.degrees(np.arctan2(tip[1] - foot_y + 76, tip[0] - foot_x))),
            0,
            360,
            (52 * tone, 104 * tone, 66 * tone),
            -1,
            cv2.LINE_AA,
        )
    x, y = round(foot_x), round(foot_y)
    pot = np.array([(x - 44, y - 78), (x + 44, y - 78), (x + 32, y), (x - 32, y)], np.int32)
    cv2.fillConvexPoly(picture, pot, (66, 92, 148), cv2.LINE_AA)
    cv2.line(picture, (x - 44, y - 78), (x + 44, y - 78), (80, 112, 172), 9, cv2.LINE_AA)


def _light() -> Floats:
    """Return the factor of light per pixel: two lamps, and the corners darker."""
    rows, columns = np.mgrid[0:HEIGHT_PX, 0:WIDTH_PX].astype(np.float32)
    overhead = np.exp(-(((columns - 640) / 620) ** 2 + ((rows - 60) / 520) ** 2))
    wall_x, wall_y = project(0.35, 1.86, WALL_M)
    wall = np.exp(-(((columns - wall_x) / 190) ** 2 + ((rows - wall_y) / 170) ** 2))
    corners = ((columns - 640) / 900) ** 2 + ((rows - 360) / 620) ** 2
    return np.asarray((0.46 + 0.5 * overhead + 0.28 * wall) * (1.0 - 0.3 * corners), np.float32)


def _lamps(picture: Floats) -> None:
    """The lamp on the wall and the one in the ceiling, with their glow, after the light."""
    x, y = project(0.35, 1.86, WALL_M)
    glow = np.zeros(picture.shape, np.float32)
    cv2.ellipse(glow, (round(x), round(y)), (26, 30), 0, 0, 360, (90, 150, 190), -1, cv2.LINE_AA)
    cv2.ellipse(glow, (640, 30), (150, 16), 0, 0, 360, (150, 170, 180), -1, cv2.LINE_AA)
    picture += cv2.GaussianBlur(glow, (0, 0), 22)
    cv2.ellipse(picture, (640, 30), (120, 11), 0, 0, 360, (236, 246, 250), -1, cv2.LINE_AA)
    body = (round(x - 13), round(y - 22)), (round(x + 13), round(y + 22))
    cv2.rectangle(picture, *body, (206, 236, 250), -1, cv2.LINE_AA)
    cv2.rectangle(picture, *body, (120, 130, 136), 2, cv2.LINE_AA)
