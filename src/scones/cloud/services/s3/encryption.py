"""Server-side encryption: the settings of objects and uploads, which are returned but have no effect.

The encryption of the machine's disk takes its place. SageMaker's SDK requests aws:kms with every upload of source code.
"""

from __future__ import annotations

import json
import uuid

from scones.cloud.context import CloudContext
from scones.cloud.core.arns import Arn
from scones.cloud.errors import ServiceError
from scones.cloud.services.s3 import errors
from scones.cloud.services.s3.customer_keys import encryption_with_key
from scones.cloud.services.s3.object_record import ENCRYPTION
from scones.cloud.wire.members import Members

DEFAULT = {"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}, "BucketKeyEnabled": False}]}
"""Default encryption of a bucket (User Guide, "Setting default server-side encryption")."""
_HEADER = "x-amz-server-side-encryption"
_NONE: Members = dict.fromkeys(ENCRYPTION)


class ObjectEncryption:
    """Determines the encryption of new objects and uploads."""

    def __init__(self, cloud: CloudContext) -> None:
        self._store = cloud.store
        self._account, self._region = cloud.settings.account, cloud.settings.region

    def requested(self, bucket: str, params: Members) -> Members:
        """Return the encryption that a request names, else the bucket's default; settings without a value are None.

        Raises `InvalidArgument` if a request names a key without a method that uses it.
        """
        if customer_key := encryption_with_key(params):
            return _NONE | customer_key
        rule = self._default(bucket)
        by_default = rule.get("ApplyServerSideEncryptionByDefault", {})
        method, key = params.get("ServerSideEncryption"), params.get("SSEKMSKeyId")
        if key is not None and not (method or "").startswith("aws:kms"):
            raise errors.invalid_argument(
                "Server Side Encryption with AWS KMS managed key requires HTTP header x-amz-server-side-encryption : "
                "aws:kms",
                _HEADER,
                method or "null",
            )
        if method is None:
            method, key = by_default.get("SSEAlgorithm", "AES256"), by_default.get("KMSMasterKeyID")
        if not method.startswith("aws:kms"):
            return _NONE | {"ServerSideEncryption": method}
        bucket_key = params.get("BucketKeyEnabled", rule.get("BucketKeyEnabled"))
        return _NONE | {
            "ServerSideEncryption": method,
            "SSEKMSKeyId": self._key_arn(key),
            "BucketKeyEnabled": bucket_key or None,
        }

    def is_configured(self, bucket: str) -> bool:
        """Return True if PutBucketEncryption has set the bucket's default encryption."""
        return self._configuration(bucket) is not None

    def _default(self, bucket: str) -> Members:
        """Return the rule of a bucket's default encryption."""
        configuration = self._configuration(bucket) or DEFAULT
        rule: Members = configuration["Rules"][0]
        return rule

    def _configuration(self, bucket: str) -> Members | None:
        row = self._store.row(
            "SELECT value FROM s3_bucket_settings WHERE bucket = ? AND setting = 'encryption'", bucket
        )
        configuration: Members | None = None if row is None else json.loads(row["value"])
        return configuration

    def _key_arn(self, key: str | None) -> str:
        """Return the ARN of a KMS key. The local cloud has no KMS, so any key is accepted.

        Without a key, S3 uses the key that AWS manages for it in the account.
        """
        if key is None or key == "alias/aws/s3":
            key = str(uuid.uuid5(uuid.NAMESPACE_URL, f"alias/aws/s3 of {self._account} in {self._region}"))
        if key.startswith("arn:"):
            return key
        resource = key if key.startswith("alias/") else f"key/{key}"
        return str(Arn(service="kms", region=self._region, account=self._account, resource=resource))


def checked_configuration(configuration: Members) -> Members:
    """Return the default encryption that a request sets for a bucket; raises S3's error if it is invalid."""
    rules = configuration.get("Rules", [])
    if len(rules) != 1:
        raise errors.malformed_xml()
    by_default = rules[0].get("ApplyServerSideEncryptionByDefault", {})
    if "KMSMasterKeyID" in by_default and not by_default.get("SSEAlgorithm", "").startswith("aws:kms"):
        raise ServiceError(
            "InvalidArgument",
            "a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms or aws:kms:dsse",
            ArgumentName="ApplyServerSideEncryptionByDefault",
        )
    return {"Rules": [{"BucketKeyEnabled": False, **rules[0]}]}
