"""A function with the decorator @remote, which runs as a training job."""

import os

from results import report
from sagemaker.core.remote_function import remote

IMAGE = "763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-training:2.3-cpu-py311"


@remote(instance_type="ml.m5.large", image_uri=IMAGE)
def divided(numbers, divisor):
    return [number / divisor for number in numbers], os.environ["TRAINING_JOB_NAME"].partition("-")[0]


report("remote function", divided([3, 4], divisor=2))
