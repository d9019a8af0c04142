"""Export of the artifact: the labels, and one ONNX file that maps pixel bytes to probabilities.

The graph (opset 18) takes `pictures`, uint8, shape (n, height, width, 3), and returns `probabilities`, float32, shape
(n, classes). Resizing, normalisation, temperature and softmax (sigmoids for images with several labels) are inside. It
is built node by node: the networks are simple, and PyTorch's exporter takes longer than some trainings. Metadata:
`labels`, a JSON list.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from scones.containers.contract import AlgorithmError
from scones.containers.image_classification.efficientnet import Block, Convolution, EfficientNetLite0
from scones.containers.image_classification.evaluation import fastest_batch_size, probabilities
from scones.containers.image_classification.images import Pixels
from scones.containers.image_classification.network import Network, Stage
from scones.containers.image_classification.objective import Objective
from scones.containers.image_classification.recipes import Classifier

OPSET = 18
TOLERANCE = 1e-4
"""Largest allowed difference between the probabilities of ONNX and PyTorch."""
MAX_COMPARED_IMAGES = 256
"""Maximum number of images whose probabilities are compared."""


class _OnnxGraph:
    """Nodes and weights of the graph; weights keep the names of the network's state, so that training can continue."""

    def __init__(self, network: Classifier) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []
        self._names = {value.data_ptr(): name for name, value in network.state_dict().items()}

    def add(self, kind: str, *inputs: str, output: str | None = None, **attributes: Any) -> str:
        """Add a node and return the name of its output."""
        name = output or f"{kind.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [name], **attributes))
        return name

    def weight(self, value: Tensor | NDArray[Any]) -> str:
        """Add a constant and return its name."""
        name = f"constant_{len(self.weights)}"
        if isinstance(value, Tensor):
            name = self._names.get(value.data_ptr(), name)
        array = value.detach().contiguous().numpy() if isinstance(value, Tensor) else value
        self.weights.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def convolution(self, x: str, layer: nn.Conv2d, before: int = 0, after: int = 0) -> str:
        """Add a convolution; `before` and `after` add rows and columns of zeros at the top left and bottom right."""
        bias = [self.weight(layer.bias)] if layer.bias is not None else []
        pads = [int(layer.padding[0]) + zeros for zeros in (before, before, after, after)]
        return self.add(
            "Conv", x, self.weight(layer.weight), *bias, pads=pads, strides=list(layer.stride), group=layer.groups
        )

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

    def network_from_scratch(self, x: str, network: Network) -> str:
        """Add the network that is trained from scratch; it maps images in [0, 255] to logits."""
        x = self.add("Mul", x, self.weight((1 / (255 * network.deviation)).float()))
        x = self.add("Sub", x, self.weight((network.mean / network.deviation).float()))
        x = self.add("Relu", self.convolution(x, network.whiten))
        for stage in network.stages:
            assert isinstance(stage, Stage)
            x = self.stage(x, stage)
        pooled = [self.add(f"Global{kind}Pool", x) for kind in ("Average", "Max")]
        return self.linear(self.add("Concat", *pooled, axis=1), network.head)

    def convolution_block(self, x: str, block: Convolution) -> str:
        """Add a convolution of EfficientNet with its normalisation and activation."""
        x = self.normalisation(self.convolution(x, block.layer, block.before, block.after), block.norm)
        return self.add("Clip", x, self.number(0), self.number(6)) if block.relu else x

    def efficientnet(self, x: str, network: EfficientNetLite0, shape: tuple[int, int, int]) -> str:
        """Add EfficientNet-Lite0; it maps images of the given shape in [0, 255] to logits."""
        if network.size != shape[1:]:
            sizes = self.weight(np.array(network.size, np.int64))
            x = self.add("Resize", x, "", "", sizes, mode="linear", axes=[2, 3])
        x = self.add("Div", self.add("Sub", x, self.number(127)), self.number(128))
        x = self.convolution_block(x, network.stem)
        for block in network.blocks:
            assert isinstance(block, Block)
            y = x
            for layer in block.layers:
                assert isinstance(layer, Convolution)
                y = self.convolution_block(y, layer)
            x = self.add("Add", x, y) if block.residual else y
        return self.linear(self.add("GlobalAveragePool", self.convolution_block(x, network.last)), network.head)

    def linear(self, x: str, layer: nn.Linear) -> str:
        """Add a linear layer on features that were pooled to one pixel."""
        return self.add("Gemm", self.add("Flatten", x), self.weight(layer.weight), self.weight(layer.bias), transB=1)

    def number(self, value: float) -> str:
        """Add a single number."""
        return self.weight(np.array(value, np.float32))


def to_onnx(
    network: Classifier, objective: Objective, shape: tuple[int, int, int], labels: Sequence[str]
) -> onnx.ModelProto:
    """Return the network as one self-contained ONNX model."""
    graph = _OnnxGraph(network)
    _, height, width = shape
    x = graph.add("Cast", "pictures", to=TensorProto.FLOAT)
    x = graph.add("Transpose", x, perm=[0, 3, 1, 2])
    if isinstance(network, EfficientNetLite0):
        x = graph.efficientnet(x, network, shape)
    else:
        x = graph.network_from_scratch(x, network)
    x = graph.add("Div", x, graph.number(objective.temperature))
    graph.add(objective.activation, x, output="probabilities")
    pictures = helper.make_tensor_value_info("pictures", TensorProto.UINT8, ["n", height, width, 3])
    answers = helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["n", len(labels)])
    whole = helper.make_graph(graph.nodes, "image-classification", [pictures], [answers], graph.weights)
    model = helper.make_model(whole, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=9)
    helper.set_model_props(model, {"labels": json.dumps(list(labels))})
    onnx.checker.check_model(model)
    return model


def store(
    network: Classifier,
    objective: Objective,
    shape: tuple[int, int, int],
    labels: Sequence[str],
    pixels: Pixels,
    folder: Path,
) -> float:
    """Write model.onnx and labels.json; return the largest difference between ONNX and PyTorch on up to 256 images.

    Raises `AlgorithmError` and writes nothing if the difference is more than 1e-4.
    """
    content = to_onnx(network, objective, shape, labels).SerializeToString()
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    compared = pixels[:MAX_COMPARED_IMAGES]
    pieces = np.array_split(compared, math.ceil(len(compared) / fastest_batch_size(network, compared)))
    answers = np.concatenate([session.run(None, {"pictures": piece})[0] for piece in pieces])
    difference = float(np.abs(answers - probabilities(network, compared, objective)).max())
    if difference > TOLERANCE:
        raise AlgorithmError(f"The exported model differs from the trained one by {difference:.2g}.")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.onnx").write_bytes(content)
    (folder / "labels.json").write_text(json.dumps(list(labels)) + "\n")
    return difference
