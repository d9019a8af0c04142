"""The reasons that `scones classify` prints."""

from __future__ import annotations

import json

from scones.cli.classify import reason

MODEL_ERROR = (
    "An error occurred (ModelError) when calling the InvokeEndpoint operation: Received client error (400) from "
    'primary with message "no image". See https://us-east-1.console.aws.amazon.com/cloudwatch/home?region=us-east-1'
    "#logEventViewer:group=/aws/sagemaker/Endpoints/e in account 111122223333 for more information."
)


def test_a_model_error_of_the_local_cloud_does_not_lead_to_the_console_of_aws() -> None:
    cause = json.dumps({"errorMessage": MODEL_ERROR, "errorType": "ModelError"})
    assert reason(cause, "").endswith("in account 111122223333 for more information.")
    assert reason(cause, "`scones logs --endpoint e`").endswith(
        'from primary with message "no image". See `scones logs --endpoint e`.'
    )


def test_other_causes_are_shown_unchanged() -> None:
    assert reason("The task timed out.", "log") == "The task timed out."
    assert reason('{"other": 1}', "log") == '{"other": 1}'
    assert reason(None, "log") == "no cause given"
