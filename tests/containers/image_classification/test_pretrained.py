"""Training that starts from weights learned on ImageNet."""

from __future__ import annotations

import json

import numpy as np
import onnxruntime
import pytest

from support.image_classification_jobs import draw_image, make, needs_weights

pytestmark = needs_weights


@pytest.mark.parametrize("size", [(32, 32), (40, 33)])
def test_a_pretrained_network_learns_from_a_few_images(tmp_path, size):
    job = make(tmp_path / "ml", size=max(size))
    shape = f"3,{size[0]},{size[1]}"
    done = job.train(use_pretrained_model="1", epochs="4", mini_batch_size="10", image_shape=shape)
    assert done.returncode == 0, done.stdout + done.stderr
    session = onnxruntime.InferenceSession(job.model / "model.onnx", providers=["CPUExecutionProvider"])
    assert session.get_inputs()[0].shape == ["n", *size, 3]
    top, left = (max(size) - size[0]) // 2, (max(size) - size[1]) // 2
    pixels = np.stack([np.asarray(draw_image(label, 5000 + label, max(size))) for label in (0, 1)])
    (answers,) = session.run(None, {"pictures": pixels[:, top : top + size[0], left : left + size[1]]})
    assert answers.argmax(1).tolist() == [0, 1]
    assert json.loads((job.model / "labels.json").read_text()) == ["0", "1"]
