"""`train` under the container contract: log, artifact, failures, and SIGTERM."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import zlib

import numpy as np
import onnx
import onnxruntime
import pytest

from support.image_classification_jobs import TRAIN, Job, draw_image, make, needs_weights

PREFIX = re.compile(r"\[\d\d/\d\d/\d{4} \d\d:\d\d:\d\d (INFO|WARNING|ERROR) \d+\] ")


def test_the_log_reads_like_the_built_in_algorithms(trained):
    _, log = trained
    lines = log.splitlines()
    assert lines[0] == "Docker entrypoint called with argument(s): train"
    assert all(PREFIX.match(line) for line in lines[1:])
    for pattern in (
        r"Epoch\[0\] Batch \[20\]\tSpeed: \d+\.\d{3} samples/sec\taccuracy=0\.\d{6}$",
        r"Epoch\[7\] Train-accuracy=\d\.\d{6}$",
        r"Epoch\[7\] Time cost=\d+\.\d{3}$",
        r"Epoch\[7\] Validation-accuracy=\d\.\d{6}$",
        r"Storing the model with validation accuracy: \d\.\d{6}$",
    ):
        assert any(re.search(pattern, line) for line in lines), pattern


def test_the_model_has_learned(trained):
    _, log = trained
    assert float(re.search(r"the model with validation accuracy: (\S+)", log)[1]) >= 0.9


def test_the_artifact_returns_probabilities(trained):
    job, _ = trained
    session = onnxruntime.InferenceSession(job.model / "model.onnx", providers=["CPUExecutionProvider"])
    pixels = np.stack([np.asarray(draw_image(label, 7 + label)) for label in (0, 1, 0)])
    (answers,) = session.run(None, {"pictures": pixels})
    assert answers.shape == (3, 2)
    assert np.allclose(answers.sum(1), 1)
    assert answers.argmax(1).tolist() == [0, 1, 0]


def test_the_artifact_contains_its_labels(trained):
    job, _ = trained
    properties = {entry.key: entry.value for entry in onnx.load(job.model / "model.onnx").metadata_props}
    assert json.loads(properties["labels"]) == json.loads((job.model / "labels.json").read_text()) == ["0", "1"]


def test_the_artifact_excludes_the_head_of_the_second_task(trained):
    job, _ = trained
    weights = onnx.load(job.model / "model.onnx").graph.initializer
    assert {value.name: [*value.dims] for value in weights if "head" in value.name} == {
        "head.weight": [2, 256],
        "head.bias": [2],
    }


def test_the_same_seed_gives_the_same_model(job, tmp_path):
    assert job.train_alone().returncode == 0
    first = (job.model / "model.onnx").read_bytes()
    assert job.train().returncode == 0
    assert (job.model / "model.onnx").read_bytes() == first


@pytest.mark.parametrize("pretrained", ["0", pytest.param("1", marks=needs_weights)])
def test_training_loads_no_compiler(tmp_path, pretrained):
    job = make(tmp_path / "ml", train=20, validation=8)
    job.configure(epochs="1", use_pretrained_model=pretrained)
    package = "scones.containers.image_classification"
    code = f"import sys; from {package} import job; job.main(); print('torch._dynamo' in sys.modules)"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=job.environment(), capture_output=True, text=True, timeout=60)
    assert "Saved the model to" in done.stdout
    assert done.stdout.endswith("\nFalse\n")


def test_larger_images_are_cropped(tmp_path):
    job = make(tmp_path / "ml", train=20, validation=8, size=48)
    done = job.train(num_training_samples="20", epochs="1")
    assert done.returncode == 0, done.stdout


def test_a_tuning_jobs_training_job_names_its_objective(tmp_path):
    job = make(tmp_path / "ml", train=20, validation=8)
    done = job.train(num_training_samples="20", epochs="1", _tuning_objective_metric="validation:accuracy")
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"num_classes": None}, "The hyperparameter num_classes is required."),
        ({"num_training_samples": None}, "The hyperparameter num_training_samples is required."),
        ({"epochs": "0"}, "The hyperparameter epochs must be an integer of at least 1, not '0'."),
        ({"learning_rate": "2"}, "The hyperparameter learning_rate must be a number from 0 to 1, not '2'."),
        ({"optimizer": "lion"}, "The hyperparameter optimizer must be one of sgd, adam, rmsprop, nag, not 'lion'."),
        ({"image_shape": "32,32"}, "The hyperparameter image_shape must be three integers"),
        ({"momentun": ".9"}, "image-classification has no hyperparameter momentun; remove it."),
        (
            {"image_shape": "3,64,64"},
            "train_0000.png has 32 by 32 pixels, which is smaller than image_shape (64 by 64).",
        ),
        ({"mini_batch_size": "61"}, "The number of input images must be bigger or equal to the mini_batch_size."),
    ],
)
def test_errors_that_the_user_can_correct_are_reported(job, parameters, message):
    done = job.train(**parameters)
    assert done.returncode == 2, done.stdout
    assert job.failure.startswith(message)
    assert f"Customer Error: {message}" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "Invalid lst file in the train channel. train.lst is empty."),
        (
            "0 1 a.png\n",
            "Invalid lst file in the train channel. Line 1 must be index, label and path, separated by tabs.",
        ),
        (
            "0\tx\ta.png\n",
            "Invalid lst file in the train channel. Line 1 must be index, label and path, separated by tabs.",
        ),
        (
            "0\t2\ta.png\n",
            "Invalid lst file in the train channel. Line 1 has the label 2; num_classes=2 allows 0 to 1.",
        ),
    ],
)
def test_an_invalid_list_is_reported(job, text, message):
    (job.base / "input" / "data" / "train_lst" / "train.lst").write_text(text)
    assert job.train().returncode == 2
    assert job.failure == message


def test_a_missing_list_is_reported(job):
    (job.base / "input" / "data" / "validation_lst" / "validation.lst").unlink()
    assert job.train_alone().returncode == 2
    assert job.failure == "The validation_lst channel must contain exactly one .lst file; it contains 0."


def test_a_list_may_repeat_the_channels_folder(job):
    path = job.base / "input" / "data" / "train_lst" / "train.lst"
    path.write_text(path.read_text().replace("train_", "train/train_"))
    assert job.train(epochs="1").returncode == 0


def test_a_damaged_image_is_named_and_skipped(job):
    (job.base / "input" / "data" / "train" / "train_0003.png").write_bytes(b"no image")
    done = job.train(epochs="1")
    assert done.returncode == 0
    assert "Image train_0003.png of the train channel is skipped: " in done.stdout


def test_an_image_that_is_truncated_between_chunks_is_skipped(job):
    path = job.base / "input" / "data" / "train" / "train_0003.png"
    content = path.read_bytes()
    start = content.index(b"IDAT") + 4
    part = zlib.crc32(b"IDAT" + content[start : start + 20]).to_bytes(4)
    head = content[: start - 8] + (20).to_bytes(4) + b"IDAT" + content[start : start + 20] + part
    path.write_bytes(head + (20).to_bytes(4) + b"\0\0\0\0" + content[start + 20 :])
    done = job.train(epochs="1")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Image train_0003.png of the train channel is skipped: " in done.stdout
    assert "1 of 60 images of the train channel are skipped." in done.stdout


def test_a_list_that_is_not_text_is_reported(job):
    (job.base / "input" / "data" / "train_lst" / "train.lst").write_bytes(b"0\t1\t\xff.png\n")
    assert job.train().returncode == 2
    assert job.failure == "Invalid lst file in the train channel. train.lst is not UTF-8 text."


def test_each_augmentation_type_trains_a_model_of_its_own(job):
    models = set()
    for kind in (None, "crop", "crop_color", "crop_color_transform"):
        done = job.train(epochs="1", augmentation_type=kind)
        assert done.returncode == 0, done.stdout
        assert "augmentation_type has no effect" not in done.stdout
        models.add((job.model / "model.onnx").read_bytes())
    assert len(models) == 4


def test_images_of_the_default_shape_are_trained(tmp_path):
    job = make(tmp_path / "ml", train=8, validation=6, size=230)
    done = job.train(image_shape=None, epochs="1", num_training_samples="8", mini_batch_size="4")
    assert done.returncode == 0, done.stdout + done.stderr
    properties = onnx.load(job.model / "model.onnx").graph.input[0].type.tensor_type.shape.dim
    assert [size.dim_value for size in properties[1:]] == [224, 224, 3]


def test_too_many_damaged_images_fail_the_job(job):
    for index in range(10):
        (job.base / "input" / "data" / "train" / f"train_{index:04}.png").unlink()
    assert job.train().returncode == 2
    assert job.failure == "10 of 60 images of the train channel cannot be read; the limit is 5 %."


def test_hyperparameters_without_effect_are_reported(job):
    done = job.train(epochs="1", precision_dtype="float16", num_layers="18", lr_scheduler_step="1")
    assert "precision_dtype=float16 has no effect here: training uses float32." in done.stdout
    assert "num_layers has no effect here: Scones uses its own network." in done.stdout
    assert "lr_scheduler_step defined without lr_scheduler_factor, will be ignored..." in done.stdout


def test_early_stopping_settings_without_early_stopping_are_reported(job):
    done = job.train(epochs="1", early_stopping_patience="3")
    assert done.returncode == 0, done.stdout
    assert "early_stopping_patience has no effect without early_stopping=True." in done.stdout


def test_early_stopping_follows_the_built_in_rule(job):
    done = job.train(epochs="40", early_stopping="True", early_stopping_min_epochs="2", early_stopping_patience="3")
    epochs = len(re.findall(r"Validation-accuracy", done.stdout))
    assert done.returncode == 0
    assert "Early stopping minimum epochs: 2" in done.stdout
    assert "Early stopping criteria met." in done.stdout
    assert epochs < 40


def test_sigterm_keeps_the_model_so_far(job):
    job.configure(epochs="10000")
    with job.start() as process:
        for line in process.stdout:
            if "Epoch[1] Validation-accuracy" in line:
                process.send_signal(signal.SIGTERM)
                break
        rest = process.stdout.read()
        assert process.wait(timeout=60) == 0
    assert "Stopping: keeping the current model." in rest
    assert (job.model / "model.onnx").exists()


@needs_weights
@pytest.mark.slow
def test_real_images_are_classified(archive, tmp_path):
    from scones.workflow.dataset import extract, transform

    dataset = transform(extract(tmp_path, [str(archive)]), tmp_path)
    data = tmp_path / "ml" / "input" / "data"
    for channel, split in (("train", "train"), ("validation", "test")):
        (data / f"{channel}_lst").mkdir(parents=True)
        (data / channel).symlink_to(dataset.folder / split)
        (data / f"{channel}_lst" / f"{split}.lst").write_bytes(dataset.list_file(split).read_bytes())
    job = Job(tmp_path / "ml")
    job.configure(num_training_samples="1000", epochs="2", mini_batch_size="32", use_pretrained_model="1")
    environment = {name: value for name, value in job.environment().items() if name != "OMP_NUM_THREADS"}
    done = subprocess.run(TRAIN, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout
    assert float(re.search(r"the model with validation accuracy: (\S+)", done.stdout)[1]) >= 0.9
