"""Small ONNX models, made here: each calls a part of a picture a person by how bright it is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from onnx import TensorProto, checker, helper, numpy_helper, save

SIDE = 64


def _constant(name: str, values: list[float], shape: tuple[int, ...]) -> object:
    return numpy_helper.from_array(np.array(values, np.float32).reshape(shape), name)


def _save(path: Path, nodes: list, output: list[int], constants: list, last: bool) -> Path:
    shape = [1, SIDE, SIDE, 3] if last else [1, 3, SIDE, SIDE]
    given = helper.make_tensor_value_info("images", TensorProto.FLOAT, shape)
    answer = helper.make_tensor_value_info("answer", TensorProto.FLOAT, output)
    graph = helper.make_graph(nodes, "bright", [given], [answer], constants)
    opset = [helper.make_opsetid("", 13)]
    model = helper.make_model(graph, opset_imports=opset, ir_version=8)
    checker.check_model(model)
    save(model, path)
    return path


def _bright(one: str, *, last: bool = False) -> list:
    """Nodes that make of the input its mean brightness, shaped (1, 1, 1), times `one`."""
    axes = [1, 2, 3]
    return [
        helper.make_node("ReduceMean", ["images"], ["mean"], axes=axes, keepdims=1),
        helper.make_node("Reshape", ["mean", "shape"], ["flat"]),
        helper.make_node("Mul", ["flat", one], ["bright"]),
    ]


def _shape() -> object:
    return numpy_helper.from_array(np.array([1, 1, 1], np.int64), "shape")


def yolo(path: Path, *, classes: int = 2, person: int = 0, last: bool = False) -> Path:
    """One box in the middle half of the input; the person's score is the brightness."""
    half = SIDE / 2
    columns = ["box"] + ["bright" if n == person else "zero" for n in range(classes)]
    nodes = [
        *_bright("one", last=last),
        helper.make_node("Concat", columns, ["answer"], axis=1),
    ]
    constants = [
        _shape(),
        _constant("one", [1.0], (1, 1, 1)),
        _constant("zero", [0.0], (1, 1, 1)),
        _constant("box", [half, half, half, half], (1, 4, 1)),
    ]
    return _save(path, nodes, [1, 4 + classes, 1], constants, last)


def yolo_objectness(path: Path) -> Path:
    """The same, rows of (box, objectness 0.5, person, other)."""
    half = SIDE / 2
    nodes = [
        *_bright("one"),
        helper.make_node("Concat", ["box", "half", "bright", "zero"], ["answer"], axis=2),
    ]
    constants = [
        _shape(),
        _constant("one", [1.0], (1, 1, 1)),
        _constant("zero", [0.0], (1, 1, 1)),
        _constant("half", [0.5], (1, 1, 1)),
        _constant("box", [half, half, half, half], (1, 1, 4)),
    ]
    return _save(path, nodes, [1, 1, 7], constants, last=False)


def ssd(path: Path) -> Path:
    """One row of (image, class 1, score, left, top, right, bottom); brightness is -1 to 1."""
    nodes = [
        *_bright("one"),
        helper.make_node("Reshape", ["bright", "row"], ["score"]),
        helper.make_node("Concat", ["head", "score", "box"], ["answer"], axis=3),
    ]
    constants = [
        _shape(),
        numpy_helper.from_array(np.array([1, 1, 1, 1], np.int64), "row"),
        _constant("one", [1.0], (1, 1, 1)),
        _constant("head", [0.0, 1.0], (1, 1, 1, 2)),
        _constant("box", [0.25, 0.25, 0.75, 0.75], (1, 1, 1, 4)),
    ]
    return _save(path, nodes, [1, 1, 1, 7], constants, last=False)
