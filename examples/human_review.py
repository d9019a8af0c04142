"""A state machine that waits for a person: an order above 100 is approved through a queue, with a task token.

    python examples/human_review.py

prints, after a few seconds:

    order of 20: SUCCEEDED {"status":"accepted"}
    order of 500: waits for a reviewer
    order of 500: SUCCEEDED {"status":"accepted","reviewer":"Ana"}
"""

import json
import time
from typing import Any

from scones.testing import LocalCloud

ROLE = "arn:aws:iam::111122223333:role/example"


def definition(queue_url: str) -> str:
    """Return the state machine, which sends large orders to a queue and waits until the token comes back."""
    review = {
        "Type": "Task",
        "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
        "Arguments": {
            "QueueUrl": queue_url,
            "MessageBody": {"amount": "{% $states.input.amount %}", "token": "{% $states.context.Task.Token %}"},
        },
        "TimeoutSeconds": 300,
        "End": True,
    }
    states = {
        "IsLarge": {
            "Type": "Choice",
            "Choices": [{"Condition": "{% $states.input.amount > 100 %}", "Next": "Review"}],
            "Default": "Accept",
        },
        "Review": review,
        "Accept": {"Type": "Pass", "Output": {"status": "accepted"}, "End": True},
    }
    return json.dumps({"QueryLanguage": "JSONata", "StartAt": "IsLarge", "States": states})


def result(states: Any, execution_arn: str) -> str:
    """Wait until an execution has ended; return its status and output."""
    while (found := states.describe_execution(executionArn=execution_arn))["status"] == "RUNNING":
        time.sleep(0.1)
    return f"{found['status']} {found.get('output', found.get('cause'))}"


def main() -> None:
    """Place two orders, and review the large one."""
    with LocalCloud() as cloud:
        sqs, states = cloud.client("sqs"), cloud.client("stepfunctions")
        queue_url = sqs.create_queue(QueueName="reviews")["QueueUrl"]
        machine = states.create_state_machine(name="orders", definition=definition(queue_url), roleArn=ROLE)
        small, large = (
            states.start_execution(stateMachineArn=machine["stateMachineArn"], input=json.dumps({"amount": amount}))
            for amount in (20, 500)
        )
        print("order of 20:", result(states, small["executionArn"]))

        message = sqs.receive_message(QueueUrl=queue_url, WaitTimeSeconds=20)["Messages"][0]
        request = json.loads(message["Body"])
        print(f"order of {request['amount']}: waits for a reviewer")
        decision = {"status": "accepted", "reviewer": "Ana"}
        states.send_task_success(taskToken=request["token"], output=json.dumps(decision))
        sqs.delete_message(QueueUrl=queue_url, ReceiptHandle=message["ReceiptHandle"])
        print("order of 500:", result(states, large["executionArn"]))


if __name__ == "__main__":
    main()
