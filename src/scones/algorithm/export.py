"""The artifact: one ONNX file from bytes of pixels to probabilities, and its labels.

The graph (opset 17) takes `pictures`, uint8, shape (n, height, width, 3), and gives `probabilities`, float32, shape
(n, classes); normalisation, temperature and softmax are inside. It is written node by node: the network is small, and
PyTorch's exporter takes longer than some trainings. Metadata: `labels`, a JSON list.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from scones.algorithm.failure import AlgorithmError
from scones.algorithm.network import Network, Stage
from scones.algorithm.pictures import Pixels
from scones.algorithm.train import TEMPERATURE, probabilities

OPSET = 17
TOLERANCE = 1e-4
"""How far ONNX's probabilities may be from PyTorch's."""


class _Graph:
    """Nodes and weights, as they are added."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []

    def add(self, kind: str, *inputs: str, output: str | None = None, **attributes: Any) -> str:
        """Add a node and return the name of its output."""
        name = output or f"{kind.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [name], **attributes))
        return name

    def weight(self, value: Tensor | NDArray[np.float32]) -> str:
        """Add a constant and return its name."""
        array = value.detach().contiguous().numpy() if isinstance(value, Tensor) else value
        name = f"weight_{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def convolution(self, x: str, layer: nn.Conv2d) -> str:
        """Add a convolution."""
        bias = [self.weight(layer.bias)] if layer.bias is not None else []
        padding = int(layer.padding[0])
        return self.add("Conv", x, self.weight(layer.weight), *bias, pads=[padding] * 4)

    def normalisation(self, x: str, layer: nn.BatchNorm2d) -> str:
        """Add a batch normalisation."""
        assert layer.running_mean is not None
        assert layer.running_var is not None
        values = (layer.weight, layer.bias, layer.running_mean, layer.running_var)
        return self.add("BatchNormalization", x, *(self.weight(value) for value in values), epsilon=layer.eps)

    def stage(self, x: str, stage: Stage) -> str:
        """Add a stage of the network."""
        x = self.add("MaxPool", self.convolution(x, stage.widen), kernel_shape=[2, 2], strides=[2, 2])
        x = self.add("Relu", self.normalisation(x, stage.norm_1))
        refined = self.add("Relu", self.normalisation(self.convolution(x, stage.refine), stage.norm_2))
        return self.add("Add", x, refined)


def to_onnx(network: Network, shape: tuple[int, int, int], labels: Sequence[str]) -> onnx.ModelProto:
    """Return the network as a model of one self-contained graph."""
    graph = _Graph()
    _, height, width = shape
    x = graph.add("Cast", "pictures", to=TensorProto.FLOAT)
    x = graph.add("Transpose", x, perm=[0, 3, 1, 2])
    x = graph.add("Mul", x, graph.weight((1 / (255 * network.deviation)).float()))
    x = graph.add("Sub", x, graph.weight((network.mean / network.deviation).float()))
    x = graph.add("Relu", graph.convolution(x, network.whiten))
    for stage in network.stages:
        assert isinstance(stage, Stage)
        x = graph.stage(x, stage)
    pooled = [graph.add(kind, x, axes=[2, 3], keepdims=0) for kind in ("ReduceMean", "ReduceMax")]
    x = graph.add("Concat", *pooled, axis=1)
    x = graph.add("Gemm", x, graph.weight(network.head.weight), graph.weight(network.head.bias), transB=1)
    x = graph.add("Div", x, graph.weight(np.array(TEMPERATURE, np.float32)))
    graph.add("Softmax", x, axis=1, output="probabilities")
    pictures = helper.make_tensor_value_info("pictures", TensorProto.UINT8, ["n", height, width, 3])
    answers = helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["n", len(labels)])
    whole = helper.make_graph(graph.nodes, "image-classification", [pictures], [answers], graph.weights)
    model = helper.make_model(whole, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=9)
    helper.set_model_props(model, {"labels": json.dumps(list(labels))})
    onnx.checker.check_model(model)
    return model


def store(network: Network, shape: tuple[int, int, int], labels: Sequence[str], sample: Pixels, folder: Path) -> float:
    """Write model.onnx and labels.json; return how far ONNX's answers are from PyTorch's on the sample.

    Raises `AlgorithmError`, and writes nothing, where that is more than 1e-4.
    """
    content = to_onnx(network, shape, labels).SerializeToString()
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    (answers,) = session.run(None, {"pictures": sample})
    difference = float(np.abs(answers - probabilities(network, sample)).max())
    if difference > TOLERANCE:
        raise AlgorithmError(f"The exported model differs from the trained one by {difference:.2g}.")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.onnx").write_bytes(content)
    (folder / "labels.json").write_text(json.dumps(list(labels)) + "\n")
    return difference
