"""Train the image classifier as a script of the PyTorch estimator on two instances, then deploy an endpoint."""

import io
import time

import numpy as np
import sagemaker
from PIL import Image
from results import report
from sagemaker.deserializers import JSONDeserializer
from sagemaker.pytorch import PyTorch, PyTorchModel
from sagemaker.serializers import IdentitySerializer


def draw_image(label: int, seed: int) -> bytes:
    """Draw noise with a bright square: at the top for label 0, at the bottom for label 1."""
    pixels = np.random.default_rng(seed).integers(0, 120, (32, 32, 3), dtype=np.uint8)
    pixels[3 + 17 * label : 13 + 17 * label, 10:20] += 130
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


session = sagemaker.Session()
s3, bucket = session.boto_session.client("s3"), session.default_bucket()
for channel, count in (("train", 80), ("validation", 20)):
    lines = []
    for index in range(count):
        s3.put_object(Bucket=bucket, Key=f"{channel}/{index}.png", Body=draw_image(index % 2, index + 1000 * count))
        lines.append(f"{index}\t{index % 2}\t{index}.png\n")
    s3.put_object(Bucket=bucket, Key=f"{channel}_lst/{channel}.lst", Body="".join(lines).encode())

role = sagemaker.get_execution_role()
image = {"framework_version": "2.3", "py_version": "py311", "source_dir": "source", "role": role}
estimator = PyTorch(
    entry_point="train.py",
    instance_count=2,
    instance_type="ml.c5.2xlarge",
    hyperparameters={
        "num_classes": 2,
        "num_training_samples": 80,
        "image_shape": "3,32,32",
        "epochs": 16,
        "mini_batch_size": 5,
    },
    metric_definitions=[{"Name": "validation:accuracy", "Regex": "Validation-accuracy=([0-9.]+)"}],
    **image,
)
channels = ("train", "train_lst", "validation", "validation_lst")
estimator.fit({channel: f"s3://{bucket}/{channel}" for channel in channels})

predictor = PyTorchModel(entry_point="inference.py", model_data=estimator.model_data, **image).deploy(
    initial_instance_count=1,
    instance_type="ml.m5.large",
    serializer=IdentitySerializer("image/png"),
    deserializer=JSONDeserializer(),
    wait=False,  # wait=True polls every 30 seconds
)
while session.describe_endpoint(predictor.endpoint_name)["EndpointStatus"] == "Creating":
    time.sleep(0.1)
report("classes", [int(np.argmax(predictor.predict(draw_image(label, 99 + label)))) for label in (0, 1, 0)])
predictor.delete_endpoint()
