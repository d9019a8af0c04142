"""Other ways to run custom code with SDK v2: a plain Estimator, no network, torchrun, and manually built models."""

import tarfile
import time
from pathlib import Path

import sagemaker
from results import report
from sagemaker.estimator import Estimator
from sagemaker.huggingface import HuggingFace
from sagemaker.pytorch import PyTorch
from sagemaker.sklearn import SKLearnModel

session = sagemaker.Session()
role = sagemaker.get_execution_role()
PYTORCH = sagemaker.image_uris.retrieve(
    "pytorch", session.boto_region_name, "2.3", "py311", instance_type="ml.m5.large", image_scope="training"
)


def deployed(model, **options):
    predictor = model.deploy(1, "ml.m5.large", wait=False, **options)
    while session.describe_endpoint(predictor.endpoint_name)["EndpointStatus"] == "Creating":
        time.sleep(0.1)
    return predictor


Path("shared").mkdir()
Path("shared/words.py").write_text("HELLO = 'from a dependency'\n")
Path("job.sh").write_text('echo "shell $*"\npython -c "import words; print(words.HELLO)"\n')
shell = Estimator(
    image_uri=PYTORCH,
    role=role,
    instance_count=1,
    instance_type="ml.m5.large",
    entry_point="job.sh",
    dependencies=["shared/words.py"],
    hyperparameters={"rate": 0.5, "name": "a b"},
)

Path("isolated.py").write_text("print('isolated script ran')\n")
isolated = PyTorch(
    entry_point="isolated.py",
    role=role,
    framework_version="2.3",
    py_version="py311",
    instance_count=1,
    instance_type="ml.m5.large",
    enable_network_isolation=True,
)

Path("ranks.py").write_text(
    "import torch.distributed as dist\ndist.init_process_group('gloo')\nprint(f'rank {dist.get_rank()} by torchrun')\n"
)
ranks = PyTorch(
    entry_point="ranks.py",
    role=role,
    framework_version="2.3.0",
    py_version="py311",
    instance_count=2,
    instance_type="ml.g4dn.12xlarge",
    distribution={"torch_distributed": {"enabled": True}},
)

Path("fails.py").write_text("import a_package_that_is_nowhere\n")
fails = HuggingFace(
    entry_point="fails.py",
    role=role,
    transformers_version="4.36.0",
    pytorch_version="2.1.0",
    py_version="py310",
    instance_count=1,
    instance_type="ml.p3.2xlarge",
)

estimators = [shell, isolated, ranks, fails]
for estimator in estimators:
    estimator.fit(wait=False)
for estimator in estimators:
    while estimator.latest_training_job.describe()["TrainingJobStatus"] == "InProgress":
        time.sleep(0.1)  # wait() polls every 30 seconds
    try:
        estimator.latest_training_job.wait(logs="All")
    except sagemaker.exceptions.UnexpectedStatusException as error:
        report(f"{estimator.entry_point} failed", str(error))

Path("answer.txt").write_text("42")
with tarfile.open("model.tar.gz", "w:gz") as archive:
    archive.add("answer.txt")
Path("serve.py").write_text("""
import json, os
def model_fn(model_dir):
    return open(os.path.join(model_dir, "answer.txt")).read()
def transform_fn(model, body, content_type, accept):
    return json.dumps({"answer": model, "to": json.loads(body)}), accept
""")
model = SKLearnModel(
    model_data=session.upload_data("model.tar.gz", key_prefix="by-hand"),
    role=role,
    entry_point="serve.py",
    framework_version="1.2-1",
)
predictor = deployed(
    model,
    serializer=sagemaker.serializers.JSONSerializer(),
    deserializer=sagemaker.deserializers.JSONDeserializer(),
)
report("answer", predictor.predict("what"))
predictor.delete_endpoint()
