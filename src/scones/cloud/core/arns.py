"""Amazon Resource Names (ARNs), the names of AWS's resources.

botocore has a parser, `ArnParser`; it accepts texts without "arn:", and its import takes a third of a second, which
commands that need no SDK would wait for.
"""

from __future__ import annotations

from dataclasses import dataclass

_PARTS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Arn:
    """The parts of `arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE`; `str` returns the ARN."""

    partition: str = "aws"
    service: str
    region: str = ""
    account: str = ""
    resource: str

    @classmethod
    def parse(cls, text: str) -> Arn:
        """Split an ARN into its parts; raises `ValueError` if the text is not an ARN."""
        if not is_arn(text):
            raise ValueError(f"{text} is not an ARN")
        _, partition, service, region, account, resource = text.split(":", _PARTS - 1)
        return cls(partition=partition, service=service, region=region, account=account, resource=resource)

    @property
    def resource_type(self) -> str:
        """The text before the resource's first colon: `function` in `function:NAME:VERSION`."""
        return self.resource.partition(":")[0]

    @property
    def resource_id(self) -> str:
        """The text after the resource's first colon: `NAME:VERSION` in `function:NAME:VERSION`."""
        return self.resource.partition(":")[2]

    @property
    def resource_name(self) -> str:
        """The text between the resource's first two colons: `NAME` in `function:NAME:VERSION`."""
        return self.resource_id.partition(":")[0]

    def __str__(self) -> str:
        return f"arn:{self.partition}:{self.service}:{self.region}:{self.account}:{self.resource}"


def is_arn(text: str) -> bool:
    """Return True if a text has the form of an ARN."""
    return text.startswith("arn:") and text.count(":") >= _PARTS - 1


def service_of(arn: str) -> str:
    """Return an ARN's service, such as "lambda", "sqs" or "sns"; "" if the text is not an ARN."""
    return Arn.parse(arn).service if is_arn(arn) else ""


def last_part(arn: str) -> str:
    """Return the text after an ARN's last colon, such as a queue's name; a name without colons stays unchanged."""
    return arn.rpartition(":")[2]


def root_arn(account: str) -> str:
    """Return the ARN of an account's root user."""
    return str(Arn(service="iam", account=account, resource="root"))
