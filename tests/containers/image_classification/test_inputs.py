"""A job's input data: RecordIO, several labels per image, images of any shape, and very unequal class sizes."""

from __future__ import annotations

import json
import os
import re
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import onnxruntime
import pytest
from PIL import Image

from support.image_classification_jobs import CHANNELS, Job, draw_image, make
from support.record_writer import MAGIC, packed, png


def records(base, labelled, *, content_type="application/x-recordio") -> Job:
    """Create a job with .rec files of labelled images in both channels."""
    folder = base / "input" / "config"
    folder.mkdir(parents=True)
    config = {"ContentType": content_type, "TrainingInputMode": "File", "RecordWrapperType": "None"}
    (folder / "inputdataconfig.json").write_text(json.dumps(dict.fromkeys(CHANNELS, config)))
    for channel in CHANNELS:
        data = base / "input" / "data" / channel
        data.mkdir(parents=True)
        found = [packed(content, labels, index) for index, (content, labels) in enumerate(labelled)]
        (data / f"{channel}.rec").write_bytes(b"".join(found))
    return Job(base)


def drawn(count: int = 40) -> list[tuple[bytes, list[float]]]:
    return [(png(draw_image(index % 2, index)), [float(index % 2)]) for index in range(count)]


def accuracy(log: str) -> float:
    return float(re.search(r"the model with validation accuracy: (\S+)", log)[1])


def answers(job: Job, *images: Image.Image) -> np.ndarray:
    session = onnxruntime.InferenceSession(job.model / "model.onnx", providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {"pictures": np.stack([np.asarray(each) for each in images])})
    return found


def both(top: bool, bottom: bool, seed: int) -> Image.Image:
    """Draw noise with a bright square at the top if `top`, and one at the bottom if `bottom`."""
    pixels = np.random.default_rng(seed).integers(0, 120, (32, 32, 3), dtype=np.uint8)
    for there, row in ((top, 3), (bottom, 20)):
        if there:
            pixels[row : row + 10, 10:20] += 130
    return Image.fromarray(pixels)


def test_recordio_is_read(tmp_path):
    job = records(tmp_path / "ml", drawn())
    done = job.train(epochs="10", mini_batch_size="10", num_training_samples="40")
    assert done.returncode == 0, done.stdout + done.stderr
    assert accuracy(done.stdout) >= 0.9
    assert answers(job, draw_image(0, 1000), draw_image(1, 1001)).argmax(1).tolist() == [0, 1]


def test_recordio_is_read_from_pipes(tmp_path):
    job = Job(tmp_path / "ml")
    (job.base / "input" / "config").mkdir(parents=True)
    config = {"ContentType": "application/x-recordio", "TrainingInputMode": "Pipe", "RecordWrapperType": "None"}
    (job.base / "input" / "config" / "inputdataconfig.json").write_text(json.dumps(dict.fromkeys(CHANNELS, config)))
    data = job.base / "input" / "data"
    data.mkdir()
    content = b"".join(packed(*each) for each in drawn())
    with ThreadPoolExecutor(len(CHANNELS)) as threads:
        for channel in CHANNELS:
            os.mkfifo(data / f"{channel}_0")
            threads.submit((data / f"{channel}_0").write_bytes, content)
        done = job.train(epochs="1", mini_batch_size="10", num_training_samples="40", resize="40")
    assert done.returncode == 0, done.stdout + done.stderr
    assert (
        "resize has no effect on channel train: it applies to images, and this channel contains RecordIO records"
        in done.stdout
    )


def test_a_record_that_holds_the_magic_number_is_joined_again(tmp_path):
    pixels = np.frombuffer(MAGIC * (32 * 32 * 3 // 4), np.uint8).reshape(32, 32, 3)
    content = b"P6 32    32 255\n" + pixels.tobytes()
    assert content.index(MAGIC) % 4 == 0, "the writer splits records only at aligned magic numbers"
    job = records(tmp_path / "ml", [*drawn(), (content, [1.0])])
    done = job.train(epochs="1", num_training_samples="41", mini_batch_size="10")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "skipped" not in done.stdout


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "Unable to start training. Empty .rec file in train channel."),
        (b"\0" * 40, "Invalid .rec file in the train channel. Record 1 begins with 00000000 instead of RecordIO's"),
        (packed(b"x", [0.0])[:-4], "Invalid .rec file in the train channel. Record 1 is truncated."),
        (packed(b"x", [2.0]), "Invalid .rec file in the train channel. Record 1 has the label 2; num_classes=2 allows"),
        (
            packed(b"x", [0.0, 1.0]),
            "Invalid .rec file in the train channel. Record 1 has 2 labels; use one label, or set",
        ),
    ],
)
def test_invalid_records_are_reported(tmp_path, content, message):
    job = records(tmp_path / "ml", drawn(2))
    (job.base / "input" / "data" / "train" / "train.rec").write_bytes(content)
    assert job.train().returncode == 2
    assert job.failure.startswith(message)


def test_a_damaged_image_in_a_record_is_named_and_counted(tmp_path):
    labelled = drawn()
    labelled[3] = (b"no image", [1.0])
    done = records(tmp_path / "ml", labelled).train(epochs="1", mini_batch_size="10", num_training_samples="40")
    assert done.returncode == 0, done.stdout
    assert "Image in record 4, id 3, of the train channel is skipped: " in done.stdout
    assert "1 of 40 images of the train channel are skipped." in done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("label_format", ["multi-hot", "class-id"])
def test_images_have_several_labels(tmp_path, label_format):
    kinds = [(True, False), (False, True), (True, True)]
    labelled = []
    for index in range(48):
        shown = kinds[index % 3]
        ids = [float(number) for number in (0, 1) if shown[number]]
        labels = ids if label_format == "class-id" else [float(value) for value in shown]
        labelled.append((png(both(*shown, index)), labels))
    job = records(tmp_path / "ml", labelled, content_type=f"application/x-recordio; label-format={label_format}")
    done = job.train(epochs="14", mini_batch_size="6", num_training_samples="48", multi_label="1")
    assert done.returncode == 0, done.stdout + done.stderr
    assert accuracy(done.stdout) >= 0.9
    found = answers(job, both(True, True, 900), both(True, False, 901), both(False, True, 902))
    assert (found > 0.5).tolist() == [[True, True], [True, False], [False, True]]


def test_a_list_may_have_several_label_columns(job):
    for channel in CHANNELS:
        path = job.base / "input" / "data" / f"{channel}_lst" / f"{channel}.lst"
        path.write_text(
            path.read_text().replace("\t1\t", "\t0\t1\t").replace("\t0\tt", "\t1\t0\tt").replace("\t0\tv", "\t1\t0\tv")
        )
    done = job.train(epochs="1", multi_label="1", use_weighted_loss="1")
    assert done.returncode == 0, done.stdout + done.stderr
    assert not np.allclose(answers(job, draw_image(0, 1)).sum(), 1, atol=1e-3)
    assert job.train(multi_label="1", num_classes="3").returncode == 2
    assert job.failure == (
        "Mismatch between number of labels in the multi-label data (2) and the num_classes parameter (3)"
    )


@pytest.mark.parametrize("shape", [(16, 16), (48, 20), (20, 70)])
def test_images_of_any_shape_are_resized_and_cropped(tmp_path, shape):
    height, width = shape
    labelled = make(tmp_path / "ml", train=20, validation=8, size=40)
    done = labelled.train(
        image_shape=f"3,{height},{width}",
        resize=str(max(shape)),
        num_classes="5",
        epochs="1",
        num_training_samples="20",
    )
    assert done.returncode == 0, done.stdout + done.stderr
    blank = Image.new("RGB", (width, height))
    assert answers(labelled, blank).shape == (1, 5)


def test_resize_scales_images_to_the_shape(job):
    done = job.train(image_shape="3,64,64", epochs="1", resize="64")
    assert done.returncode == 0, done.stdout
    assert job.train(image_shape="3,64,64", epochs="1", resize="63").returncode == 2
    assert job.failure == "train_0000.png has 63 by 63 pixels, which is smaller than image_shape (64 by 64)."


@pytest.mark.slow
def test_a_rare_class_is_found_with_a_weighted_loss(tmp_path):
    job = make(tmp_path / "ml", train=210, validation=20)
    path = job.base / "input" / "data" / "train_lst" / "train.lst"
    lines = path.read_text().splitlines(keepends=True)
    rare = [line for line in lines if "\t1\t" in line][:10]
    path.write_text("".join([line for line in lines if "\t0\t" in line][:100] + rare))
    done = job.train(epochs="12", num_training_samples="110", mini_batch_size="15", use_weighted_loss="1")
    assert done.returncode == 0, done.stdout
    assert accuracy(done.stdout) >= 0.9
