"""Train on two instances, and serve with a custom inference.py: SDK v2's PyTorch and PyTorchModel."""

import time
from pathlib import Path

import sagemaker
from results import report
from sagemaker.pytorch import PyTorch, PyTorchModel

TRAIN = """
import argparse
import json
import os

import torch
import torch.distributed as dist

parser = argparse.ArgumentParser()
parser.add_argument("--epochs", type=int, default=1)
parser.add_argument("--backend", type=str, default=None)
parser.add_argument("--hosts", type=list, default=json.loads(os.environ["SM_HOSTS"]))
parser.add_argument("--current-host", type=str, default=os.environ["SM_CURRENT_HOST"])
parser.add_argument("--model-dir", type=str, default=os.environ["SM_MODEL_DIR"])
parser.add_argument("--num-gpus", type=int, default=os.environ["SM_NUM_GPUS"])
args = parser.parse_args()

world_size = len(args.hosts)
os.environ["WORLD_SIZE"] = str(world_size)
rank = args.hosts.index(args.current_host)
os.environ["RANK"] = str(rank)
dist.init_process_group(backend=args.backend, rank=rank, world_size=world_size)
torch.manual_seed(1)
model = torch.nn.parallel.DistributedDataParallel(torch.nn.Linear(2, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
rows = torch.rand(64, 2)
for epoch in range(args.epochs):
    optimizer.zero_grad()
    loss = ((model(rows) - rows.sum(1, keepdim=True)) ** 2).mean()
    loss.backward()
    optimizer.step()
print(f"rank {rank} of {world_size}: loss={loss.item():.6f}")
torch.save(model.module.state_dict(), os.path.join(args.model_dir, "model.pth"))
"""
INFERENCE = """
import json
import os

import torch
from sagemaker_inference import content_types


def model_fn(model_dir):
    model = torch.nn.Linear(2, 1)
    model.load_state_dict(torch.load(os.path.join(model_dir, "model.pth")))
    return model.eval()


def input_fn(request_body, request_content_type):
    assert request_content_type == content_types.JSON
    return torch.tensor(json.loads(request_body)["rows"])


def predict_fn(input_data, model):
    with torch.no_grad():
        return model(input_data)


def output_fn(prediction, content_type):
    return json.dumps({"sums": prediction.flatten().tolist()})
"""

for name, text in (("train.py", TRAIN), ("inference.py", INFERENCE)):
    Path("source").mkdir(exist_ok=True)
    (Path("source") / name).write_text(text)

session = sagemaker.Session()
role = sagemaker.get_execution_role()
estimator = PyTorch(
    entry_point="train.py",
    source_dir="source",
    role=role,
    framework_version="2.3",
    py_version="py311",
    instance_count=2,
    instance_type="ml.c5.2xlarge",
    hyperparameters={"epochs": 500, "backend": "gloo"},
    use_spot_instances=True,
    max_run=600,
    max_wait=1200,
)
estimator.fit()

model = PyTorchModel(
    model_data=estimator.model_data,
    role=role,
    entry_point="inference.py",
    source_dir="source",
    framework_version="2.3",
    py_version="py311",
)
predictor = model.deploy(
    initial_instance_count=1,
    instance_type="ml.m5.large",
    serializer=sagemaker.serializers.JSONSerializer(),
    deserializer=sagemaker.deserializers.JSONDeserializer(),
    wait=False,  # wait=True polls every 30 seconds
)
while session.describe_endpoint(predictor.endpoint_name)["EndpointStatus"] == "Creating":
    time.sleep(0.1)
report("prediction", predictor.predict({"rows": [[0.5, 0.25]]})["sums"])
predictor.delete_endpoint()
