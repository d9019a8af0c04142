"""Splitting and building of ARNs."""

from __future__ import annotations

import pytest

from scones.cloud.core.arns import Arn, is_arn, last_part, root_arn, service_of

ALIAS = "arn:aws:lambda:us-east-1:111122223333:function:resize:live"


def test_an_arn_is_split_into_its_parts_and_built_from_them() -> None:
    arn = Arn.parse(ALIAS)
    assert (arn.partition, arn.service, arn.region, arn.account) == ("aws", "lambda", "us-east-1", "111122223333")
    assert (arn.resource_type, arn.resource_id, arn.resource_name) == ("function", "resize:live", "resize")
    assert str(arn) == ALIAS
    assert root_arn("111122223333") == "arn:aws:iam::111122223333:root"


@pytest.mark.parametrize("text", ["", "resize", "arn:aws:sqs", "urn:aws:sqs:us-east-1:111122223333:jobs"])
def test_a_text_that_is_not_an_arn_has_no_service(text: str) -> None:
    assert (is_arn(text), service_of(text)) == (False, "")
    with pytest.raises(ValueError, match="is not an ARN"):
        Arn.parse(text)


def test_the_last_part_of_an_arn_is_a_name() -> None:
    assert last_part("arn:aws:sqs:us-east-1:111122223333:jobs") == last_part("jobs") == "jobs"
