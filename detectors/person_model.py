"""An ONNX detector that says whether a person is in a part of a picture; optional, never needed.

Declared layouts of the output, all with one image in a batch:

- `yolo`: (1, 4 + classes, boxes), as YOLOv8 and later export: centre x, centre y,
  width, height in pixels of the input, then a score a class.
- `yolo-objectness`: (1, boxes, 5 + classes), as YOLOv5 and v7: the same with an objectness before
  the classes; the score is the product.
- `ssd`: (1, 1, boxes, 7): image, class, score, left, top, right, bottom in fractions of the input.

Input: one picture, (1, 3, h, w) or (1, h, w, 3) float32, RGB; 0 to 1 for the YOLO layouts, -1 to 1
for `ssd`. The picture is scaled evenly and padded with grey 114 (letterbox). onnxruntime runs it
where it is installed, else OpenCV's own reader, which must be told the size.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal, Protocol

import cv2
import numpy as np
import numpy.typing as npt

from core.errors import ConfigurationError

Image = npt.NDArray[np.uint8]
Tensor = npt.NDArray[np.float32]
Layout = Literal["yolo", "yolo-objectness", "ssd"]

PAD = 114  # grey of the letterbox, as the models were trained with
_SSD_COLUMNS = 7


@dataclass(frozen=True, slots=True)
class Seen:
    """One person: score 0 to 1, box in pixels of the picture given."""

    score: float
    x: float
    y: float
    w: float
    h: float


class Runner(Protocol):
    """Runs a model file; `shape` is its input's, (1, 3, h, w) or (1, h, w, 3)."""

    shape: tuple[int, int, int, int]

    def run(self, tensor: Tensor) -> Tensor: ...


class PersonModel:
    """A model file with its layout. Not thread-safe: one worker's thread uses it."""

    def __init__(self, runner: Runner, layout: Layout, *, person: int, least: float) -> None:
        self._runner = runner
        self._layout = layout
        self._person = person
        self._least = least
        _, a, b, c = runner.shape
        self._first = a == 3  # channels
        self._size = (c, b) if self._first else (b, a)  # width, height

    def find(self, image: Image) -> list[Seen]:
        """Return the people in a picture, (h, w, 3) uint8 BGR, best first; no suppression of
        boxes that overlap. Raises `ConfigurationError` for an output of another form.
        """
        padded, scale, left, top = letterbox(image, self._size)
        rgb = padded[:, :, ::-1].astype(np.float32)
        values = rgb / 127.5 - 1.0 if self._layout == "ssd" else rgb / 255.0
        tensor = values.transpose(2, 0, 1)[None] if self._first else values[None]
        rows = self._rows(self._runner.run(np.ascontiguousarray(tensor, np.float32)))
        found = [
            Seen(
                float(score),
                (float(x) - left) / scale,
                (float(y) - top) / scale,
                float(w) / scale,
                float(h) / scale,
            )
            for score, x, y, w, h in rows
        ]
        return sorted(found, key=lambda one: -one.score)

    def _rows(self, output: Tensor) -> Tensor:
        """Return (n, 5): score, left, top, width, height in input pixels, people alone."""
        wide, high = self._size
        if self._layout == "ssd":
            if output.ndim != 4 or output.shape[-1] != _SSD_COLUMNS:
                raise self._not(output)
            flat = output.reshape(-1, _SSD_COLUMNS)
            flat = flat[(flat[:, 1] == self._person) & (flat[:, 2] >= self._least)]
            x0, y0, x1, y1 = (flat[:, 3:] * np.array((wide, high, wide, high), np.float32)).T
            return np.stack([flat[:, 2], x0, y0, x1 - x0, y1 - y0], axis=1)
        if output.ndim != 3 or output.shape[0] != 1:
            raise self._not(output)
        boxes, before = (output[0].T, 4) if self._layout == "yolo" else (output[0], 5)
        if boxes.shape[1] <= before + self._person:
            raise self._not(output)
        score = boxes[:, before + self._person]
        if before == 5:
            score = score * boxes[:, 4]
        keep = score >= self._least
        x, y, w, h = boxes[keep, :4].T
        return np.stack([score[keep], x - w / 2, y - h / 2, w, h], axis=1)

    def _not(self, output: Tensor) -> ConfigurationError:
        return ConfigurationError(
            f"the person model's output has the form {output.shape}, which is not {self._layout} "
            f"with a class {self._person}"
        )


def letterbox(image: Image, size: tuple[int, int]) -> tuple[Image, float, int, int]:
    """Return the picture scaled evenly into (width, height), the scale, and where it begins."""
    rows, columns = image.shape[:2]
    scale = min(size[0] / columns, size[1] / rows)
    wide, high = max(1, round(columns * scale)), max(1, round(rows * scale))
    padded = np.full((size[1], size[0], 3), PAD, np.uint8)
    left, top = (size[0] - wide) // 2, (size[1] - high) // 2
    padded[top : top + high, left : left + wide] = cv2.resize(
        image, (wide, high), interpolation=cv2.INTER_AREA
    )
    return padded, scale, left, top


def load(
    path: Path, layout: Layout, *, person: int, least: float, side_px: int, engine: str = ""
) -> PersonModel:
    """Read a model file and try it once. Raises `ConfigurationError` that says what is wrong:
    no file, no ONNX, an input or an output of another form.

    `side_px` is the input's side where the file leaves it open, or OpenCV reads it. `engine` is
    `onnxruntime` or `opencv`; the first that is installed when empty.
    """
    if not path.is_file():
        raise ConfigurationError(f"DOORGUARD_PERSON_MODEL: no such file: {path}")
    if not engine:
        engine = "onnxruntime" if find_spec("onnxruntime") else "opencv"
    reader = _OnnxRuntime if engine == "onnxruntime" else _OpenCV
    runner: Runner = reader(path, side_px)
    model = PersonModel(runner, layout, person=person, least=least)
    try:
        model.find(np.full((90, 160, 3), PAD, np.uint8))
    except ConfigurationError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever a stranger's model makes of it
        raise ConfigurationError(f"{path}: the person model does not run: {error}") from None
    return model


class _OnnxRuntime:
    def __init__(self, path: Path, side_px: int) -> None:
        import onnxruntime  # noqa: PLC0415 - an extra

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(
                str(path), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # noqa: BLE001 - its errors share no base of their own
            raise ConfigurationError(f"{path}: no ONNX model: {str(error)[:300]}") from None
        given = self._session.get_inputs()
        if len(given) != 1:
            raise ConfigurationError(f"{path}: {len(given)} inputs, one picture is expected")
        self._name = given[0].name
        self.shape = _checked(path, given[0].shape, side_px)

    def run(self, tensor: Tensor) -> Tensor:
        try:
            return np.asarray(self._session.run(None, {self._name: tensor})[0], np.float32)
        except Exception as error:  # its errors share no base of their own
            raise RuntimeError(f"onnxruntime: {str(error)[:300]}") from error


class _OpenCV:
    def __init__(self, path: Path, side_px: int) -> None:
        try:
            self._net: Any = cv2.dnn.readNetFromONNX(str(path))
        except cv2.error as error:
            raise ConfigurationError(f"{path}: no ONNX model: {str(error)[:300]}") from None
        self.shape = (1, 3, side_px, side_px)  # it does not tell what stands in the file

    def run(self, tensor: Tensor) -> Tensor:
        self._net.setInput(tensor)
        return np.asarray(self._net.forward(), np.float32)


def _checked(path: Path, shape: list[Any], side_px: int) -> tuple[int, int, int, int]:
    """Return the input's shape, sides that the file leaves open set."""
    if len(shape) == 4:
        sides = [n if isinstance(n, int) and n > 0 else None for n in shape]
        for channel, rest in ((1, (2, 3)), (3, (1, 2))):
            if sides[channel] == 3 and sides[0] in {1, None}:
                whole = [1, 3, 3, 3]
                for at in rest:
                    whole[at] = sides[at] or side_px
                return whole[0], whole[1], whole[2], whole[3]
    raise ConfigurationError(f"{path}: input {shape}, (1, 3, h, w) or (1, h, w, 3) is expected")
