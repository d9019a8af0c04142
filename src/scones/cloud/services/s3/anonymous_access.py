"""Unsigned requests: what ACLs and bucket policies allow to anyone, within a bucket's public access block."""

from __future__ import annotations

from dataclasses import dataclass

from scones.cloud.core.arns import Arn
from scones.cloud.errors import ServiceError
from scones.cloud.service import OperationCall
from scones.cloud.services.s3 import errors
from scones.cloud.services.s3.access_control_lists import grants_to_anyone
from scones.cloud.services.s3.acl_operations import AccessControl
from scones.cloud.services.s3.bucket_policies import SETTING as POLICY
from scones.cloud.services.s3.bucket_policies import BucketPolicy
from scones.cloud.services.s3.bucket_records import BucketRecord, BucketRecords
from scones.cloud.services.s3.bucket_settings import BucketSettings
from scones.cloud.services.s3.public_access_blocks import PublicAccessBlocks
from scones.cloud.services.s3.stored_objects import StoredObjects


@dataclass(frozen=True, slots=True)
class Permission:
    """What a request needs: a policy's action, or a permission in the ACL of the object or of the bucket."""

    action: str
    in_object_acl: str = ""
    in_bucket_acl: str = ""


_LIST = Permission("s3:ListBucket", in_bucket_acl="READ")
PERMISSIONS = {
    "DeleteObject": Permission("s3:DeleteObject", in_bucket_acl="WRITE"),
    "GetBucketAcl": Permission("s3:GetBucketAcl", in_bucket_acl="READ_ACP"),
    "GetBucketLocation": Permission("s3:GetBucketLocation"),
    "GetObject": Permission("s3:GetObject", in_object_acl="READ"),
    "GetObjectAcl": Permission("s3:GetObjectAcl", in_object_acl="READ_ACP"),
    "GetObjectTagging": Permission("s3:GetObjectTagging"),
    "HeadBucket": _LIST,
    "HeadObject": Permission("s3:GetObject", in_object_acl="READ"),
    "ListObjects": _LIST,
    "ListObjectsV2": _LIST,
    "ListObjectVersions": Permission("s3:ListBucketVersions", in_bucket_acl="READ"),
    "PutObject": Permission("s3:PutObject", in_bucket_acl="WRITE"),
}
"""Permissions of the operations that accept unsigned requests."""


class AnonymousAccess:
    """Decides about unsigned requests."""

    def __init__(
        self, buckets: BucketRecords, settings: BucketSettings, objects: StoredObjects, access: AccessControl
    ) -> None:
        self._buckets = buckets
        self._settings = settings
        self._objects = objects
        self._access = access
        self._blocks = PublicAccessBlocks(settings)

    def check(self, call: OperationCall) -> None:
        """Raise `AccessDenied` unless the bucket's policy or an ACL allows the request to anyone."""
        bucket = self._buckets.find({"Bucket": call.params["Bucket"]})
        needed = PERMISSIONS[call.operation]
        key = call.params.get("Key")
        if "VersionId" in call.params and needed.action == "s3:GetObject":
            needed = Permission("s3:GetObjectVersion", needed.in_object_acl)
        if self._policy_allows(bucket, needed.action, key) or self._acl_allows(bucket, needed, call):
            return
        raise errors.access_denied()

    def _policy_allows(self, bucket: BucketRecord, action: str, key: str | None) -> bool:
        text: str | None = self._settings.get(bucket.name, POLICY)
        if text is None or self._blocks.of(bucket.name)["RestrictPublicBuckets"]:
            return False
        resource = bucket.name if key is None else f"{bucket.name}/{key}"
        return BucketPolicy.parse(text).allows_anyone(action, str(Arn(service="s3", resource=resource)))

    def _acl_allows(self, bucket: BucketRecord, needed: Permission, call: OperationCall) -> bool:
        if self._blocks.of(bucket.name)["IgnorePublicAcls"]:
            return False
        if needed.in_bucket_acl:
            return grants_to_anyone(self._access.bucket_grants(bucket.name), needed.in_bucket_acl)
        if not needed.in_object_acl:
            return False
        try:
            record = self._objects.find(bucket, call.params["Key"], call.params.get("VersionId"))
        except ServiceError:  # only those who may list the bucket learn that the object does not exist
            return grants_to_anyone(self._access.bucket_grants(bucket.name), "READ")
        return grants_to_anyone(self._access.object_grants(record), needed.in_object_acl)
