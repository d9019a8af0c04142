"""The workflow's three functions in a state machine with a confidence gate, before an endpoint of your own container.

    python examples/confidence_gate/main.py

prints, after about ten seconds:

    bright.png: passed, bicycle with 0.98
    dark.png: passed, motorcycle with 0.98
    grey.png: needs human review: grey.png has confidence 0.5020, below the threshold 0.9.
"""

import io
import json
import os
import zipfile
from importlib import resources
from pathlib import Path
from typing import Any

from PIL import Image

from scones.testing import LocalCloud

ROLE = "arn:aws:iam::111122223333:role/example"
IMAGE = "111122223333.dkr.ecr.us-east-1.amazonaws.com/brightness:1"
LABELS = ("bicycle", "motorcycle")
FUNCTIONS = {  # module in scones.workflow.functions: its environment
    "serialize_image": {},
    "classify_image": {"ENDPOINT_NAME": "vehicles"},
    "filter_inferences": {"THRESHOLD": "0.9"},
}


def deploy_endpoint(sagemaker: Any) -> None:
    """Create the endpoint `vehicles`, whose container is container.py."""
    sagemaker.create_model(ModelName="vehicles", PrimaryContainer={"Image": IMAGE}, ExecutionRoleArn=ROLE)
    variant = {
        "VariantName": "all",
        "ModelName": "vehicles",
        "InstanceType": "ml.m5.large",
        "InitialInstanceCount": 1,
    }
    sagemaker.create_endpoint_config(EndpointConfigName="vehicles", ProductionVariants=[variant])
    sagemaker.create_endpoint(EndpointName="vehicles", EndpointConfigName="vehicles")
    wait = sagemaker.get_waiter("endpoint_in_service").wait
    wait(EndpointName="vehicles", WaiterConfig={"Delay": 1, "MaxAttempts": 120})


def create_function(functions: Any, module: str) -> str:
    """Create a function from one of the workflow's modules; return its ARN."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as files:
        files.writestr(
            f"{module}.py", resources.files("scones.workflow.functions").joinpath(f"{module}.py").read_text()
        )
    arn: str = functions.create_function(
        FunctionName=module,
        Runtime="python3.12",
        Handler=f"{module}.lambda_handler",
        Role=ROLE,
        Timeout=30,
        Code={"ZipFile": archive.getvalue()},
        Environment={"Variables": FUNCTIONS[module]},
    )["FunctionArn"]
    functions.get_waiter("function_active_v2").wait(FunctionName=module)
    return arn


def definition(serialize: str, classify: str, gate: str) -> str:
    """Return a state machine that calls the functions in order; a Catch sends uncertain images to a person."""
    caught = [{"ErrorEquals": ["ThresholdConfidenceNotMet"], "Next": "Human review"}]
    states = {
        "Serialize": {"Type": "Task", "Resource": serialize, "Next": "Classify"},
        "Classify": {"Type": "Task", "Resource": classify, "Next": "Gate"},
        "Gate": {"Type": "Task", "Resource": gate, "Catch": caught, "End": True},
        "Human review": {"Type": "Pass", "End": True},
    }
    return json.dumps({"StartAt": "Serialize", "States": states})


def verdict(output: dict[str, Any]) -> str:
    """Return the output of an execution as a sentence."""
    if "Cause" in output:
        return f"needs human review: {json.loads(output['Cause'])['errorMessage']}"
    confidence, label = max(zip(output["body"]["inferences"], LABELS, strict=True))
    return f"passed, {label} with {confidence:.2f}"


def main() -> None:
    """Deploy everything, and send three images through the state machine."""
    os.environ["SCONES_IMAGES"] = f"brightness={Path(__file__).with_name('container.py')}"
    with LocalCloud() as cloud:
        s3, states = cloud.client("s3"), cloud.client("stepfunctions")
        deploy_endpoint(cloud.client("sagemaker"))
        arns = [create_function(cloud.client("lambda"), module) for module in FUNCTIONS]
        machine = states.create_state_machine(
            name="classify", definition=definition(*arns), roleArn=ROLE, type="EXPRESS"
        )
        s3.create_bucket(Bucket="images")
        for name, brightness in {"bright.png": 250, "dark.png": 5, "grey.png": 127}.items():
            image = io.BytesIO()
            Image.new("L", (32, 32), brightness).save(image, "png")
            s3.put_object(Bucket="images", Key=name, Body=image.getvalue())
            execution = states.start_sync_execution(
                stateMachineArn=machine["stateMachineArn"],
                input=json.dumps({"s3_bucket": "images", "s3_key": name}),
            )
            print(f"{name}: {verdict(json.loads(execution['output']))}")


if __name__ == "__main__":
    main()
