"""Buckets."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Collection

from botocore.model import StringShape

from scones.cloud.context import CloudContext
from scones.cloud.core.arns import Arn
from scones.cloud.core.clock import now_ms
from scones.cloud.core.pages import query_page, read_key
from scones.cloud.errors import ServiceError
from scones.cloud.service import OperationCall, OperationOutput
from scones.cloud.services.s3 import errors, ownership_controls
from scones.cloud.services.s3.access_control_lists import are_public, owners_grants, requested_grants
from scones.cloud.services.s3.body_files import BodyFiles
from scones.cloud.services.s3.bucket_records import BucketRecord, BucketRecords
from scones.cloud.services.s3.lifecycle_configurations import LifecycleRules
from scones.cloud.services.s3.notifications import Notifier, check_configuration, check_targets, rules_of
from scones.cloud.services.s3.parts import discard_parts
from scones.cloud.services.s3.tags import BUCKET_TAGS, check_tags
from scones.cloud.wire.members import Members
from scones.cloud.wire.model import service_model

NAME = re.compile(r"(?!xn--|sthree-|amzn-s3-demo-)(?!\d+\.\d+\.\d+\.\d+$)[a-z0-9]([a-z0-9-]|\.(?!\.)){1,61}[a-z0-9]")
RESERVED_SUFFIXES = ("-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3")


class BucketOperations:
    """The operations on buckets."""

    def __init__(
        self,
        cloud: CloudContext,
        *,
        buckets: BucketRecords,
        files: BodyFiles,
        notifier: Notifier,
        rules: LifecycleRules,
    ) -> None:
        self._cloud = cloud
        self._store = cloud.store
        self._buckets = buckets
        self._files = files
        self._notifier = notifier
        self._rules = rules

    async def create_bucket(self, call: OperationCall) -> Members:
        """Create a bucket in this cloud's region."""
        params = call.params
        name, region = params["Bucket"], self._cloud.settings.region
        if not NAME.fullmatch(name) or name.endswith(RESERVED_SUFFIXES):
            raise ServiceError("InvalidBucketName", "The specified bucket is not valid.", BucketName=name)
        configuration = params.get("CreateBucketConfiguration", {})
        _check_location(configuration.get("LocationConstraint"), region)
        settings = _initial_settings(params, self._buckets.owner)
        tags = check_tags(configuration.get("Tags", []), BUCKET_TAGS, new_bucket=True)

        def create(connection: sqlite3.Connection) -> None:
            if connection.execute("SELECT 1 FROM s3_buckets WHERE name = ?", (name,)).fetchone() is None:
                connection.execute(
                    "INSERT INTO s3_buckets (name, created, tags) VALUES (?, ?, ?)", (name, now_ms(), tags)
                )
                for setting, value in settings.items():
                    connection.execute(
                        "INSERT INTO s3_bucket_settings VALUES (?, ?, ?)", (name, setting, json.dumps(value))
                    )
            elif region != "us-east-1" or tags != "[]":  # us-east-1 answers 200 to a second creation without tags
                raise ServiceError(
                    "BucketAlreadyOwnedByYou",
                    "Your previous request to create the named bucket succeeded and you already own it.",
                    409,
                    BucketName=name,
                )

        await self._store.write(create)
        location = f"/{name}" if region == "us-east-1" else f"{self._cloud.url}/{name}/"
        return {"Location": location, "BucketArn": _arn(name)}

    async def head_bucket(self, call: OperationCall) -> Members:
        """Return a bucket's region; raises `NoSuchBucket` if it does not exist."""
        name = self._buckets.requested(call.params)
        return {"BucketRegion": self._cloud.settings.region, "BucketArn": _arn(name), "AccessPointAlias": False}

    async def delete_bucket(self, call: OperationCall) -> Members:
        """Delete an empty bucket with its unfinished uploads; raises `BucketNotEmpty` if it has objects."""
        bucket = self._buckets.find(call.params)
        name = bucket.name

        def delete(connection: sqlite3.Connection) -> list[str]:
            for table in ("s3_objects", "s3_versions"):
                if connection.execute(f"SELECT 1 FROM {table} WHERE bucket = ? LIMIT 1", (name,)).fetchone():  # noqa: S608
                    raise _not_empty(bucket)
            uploads = connection.execute("DELETE FROM s3_uploads WHERE bucket = ? RETURNING id", (name,)).fetchall()
            connection.execute("DELETE FROM s3_bucket_settings WHERE bucket = ?", (name,))
            connection.execute("DELETE FROM s3_buckets WHERE name = ?", (name,))
            return [file for row in uploads for file in discard_parts(connection, row[0])]

        await self._files.remove(await self._store.write(delete))
        self._notifier.remove_rules(name)
        self._rules.replace(name, None)
        return {}

    async def list_buckets(self, call: OperationCall) -> Members:
        """List buckets by name, all at once or in pages of MaxBuckets."""
        params = call.params
        prefix, limit = params.get("Prefix", ""), params.get("MaxBuckets")
        given_token, after = params.get("ContinuationToken"), ""
        if given_token:
            (after,) = read_key(given_token, [str], errors.invalid_continuation_token(given_token))
        region = self._cloud.settings.region
        _check_region(params.get("BucketRegion", region))
        rows = [
            row
            for row in self._store.rows("SELECT name, created FROM s3_buckets WHERE name > ? ORDER BY name", after)
            if row["name"].startswith(prefix) and params.get("BucketRegion", region) == region
        ]
        page, token = query_page(rows, len(rows) if limit is None else limit, lambda row: [row["name"]])
        detailed = any(name in params for name in ("MaxBuckets", "Prefix", "BucketRegion", "ContinuationToken"))
        buckets = [
            {
                "Name": row["name"],
                "CreationDate": row["created"] // 1000,
                "BucketArn": _arn(row["name"]),
                "BucketRegion": region if detailed else None,
            }
            for row in page
        ]
        return {
            "Owner": self._buckets.owner,
            "Buckets": buckets,
            "Prefix": params.get("Prefix"),
            "ContinuationToken": token,
        }

    async def get_bucket_location(self, call: OperationCall) -> Members:
        """Return a bucket's region as LocationConstraint, which us-east-1 omits."""
        self._buckets.requested(call.params)
        region = self._cloud.settings.region
        return {} if region == "us-east-1" else {"LocationConstraint": region}

    async def put_bucket_notification_configuration(self, call: OperationCall) -> Members:
        """Replace a bucket's notification configuration."""
        name = self._buckets.requested(call.params)
        document = check_configuration(call.params.get("NotificationConfiguration", {}))
        if not call.params.get("SkipDestinationValidation"):
            await check_targets(self._cloud, rules_of(document))
        await self._notifier.configure(name, document)
        return {}

    async def get_bucket_notification_configuration(self, call: OperationCall) -> Members:
        """Return a bucket's notification configuration."""
        return self._notifier.configuration(self._buckets.requested(call.params))

    async def put_bucket_tagging(self, call: OperationCall) -> OperationOutput:
        """Replace a bucket's tags."""
        name = self._buckets.requested(call.params)
        tags = check_tags(call.params["Tagging"].get("TagSet", []), BUCKET_TAGS)
        await self._store.execute("UPDATE s3_buckets SET tags = ? WHERE name = ?", tags, name)
        return OperationOutput({}, 204)

    async def get_bucket_tagging(self, call: OperationCall) -> Members:
        """Return a bucket's tags; raises `NoSuchTagSet` if it has none."""
        name = self._buckets.requested(call.params)
        row = self._store.row("SELECT tags FROM s3_buckets WHERE name = ?", name)
        tags = json.loads(row["tags"]) if row else []
        if not tags:
            raise ServiceError("NoSuchTagSet", "The TagSet does not exist", 404, BucketName=name)
        return {"TagSet": tags}

    async def delete_bucket_tagging(self, call: OperationCall) -> Members:
        """Remove a bucket's tags."""
        await self._store.execute(
            "UPDATE s3_buckets SET tags = '[]' WHERE name = ?", self._buckets.requested(call.params)
        )
        return {}


def _arn(bucket: str) -> str:
    return str(Arn(service="s3", resource=bucket))


def _check_region(region: str) -> None:
    """Raise `InvalidArgument` for a name that is not a region of AWS."""
    if region != "us-east-1" and region not in _location_constraints():
        message = f"Argument value {region} is not a valid AWS Region"
        raise ServiceError("InvalidArgument", message, ArgumentName="bucket-region")


def _location_constraints() -> Collection[str]:
    shape = service_model("s3").shape_for("BucketLocationConstraint")
    return shape.enum if isinstance(shape, StringShape) else ()


def _initial_settings(params: Members, owner: Members) -> Members:
    """Return the settings that a request gives a new bucket, whose public access is blocked."""
    ownership = params.get("ObjectOwnership", ownership_controls.ENFORCED)
    settings: Members = {ownership_controls.SETTING: ownership} if "ObjectOwnership" in params else {}
    grants = requested_grants(params, owner)
    if grants is None or grants == owners_grants(owner):
        return settings
    if ownership == ownership_controls.ENFORCED:
        raise ServiceError(
            "InvalidBucketAclWithObjectOwnership",
            "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting",
        )
    if are_public(grants):
        raise ServiceError(
            "InvalidBucketAclWithBlockPublicAccessError",
            "Bucket cannot have public ACLs set with BlockPublicAccess enabled",
        )
    return settings | {"ACL": grants}


def _not_empty(bucket: BucketRecord) -> ServiceError:
    message = "The bucket you tried to delete is not empty"
    if bucket.versioning:
        message += ". You must delete all versions in the bucket."
    return ServiceError("BucketNotEmpty", message, 409, BucketName=bucket.name)


def _check_location(constraint: str | None, region: str) -> None:
    """Raise an error unless a LocationConstraint fits the region.

    It must be absent in us-east-1 and name the region elsewhere (eu-west-1 also as `EU`). us-east-1 has an error of its
    own for a name that is not a LocationConstraint, such as its own name.
    """
    if region == "us-east-1" and constraint is not None and constraint not in _location_constraints():
        raise ServiceError(
            "InvalidLocationConstraint", "The specified location-constraint is not valid", LocationConstraint=constraint
        )
    if constraint == (None if region == "us-east-1" else region) or (constraint == "EU" and region == "eu-west-1"):
        return
    named = "unspecified" if constraint is None else constraint
    raise ServiceError(
        "IllegalLocationConstraintException",
        f"The {named} location constraint is incompatible for the region specific endpoint this request was sent to.",
    )
