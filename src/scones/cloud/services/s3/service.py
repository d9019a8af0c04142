"""The S3 service."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from types import MappingProxyType
from typing import ClassVar
from urllib.parse import unquote

from botocore.model import StructureShape

from scones.cloud.context import CloudContext
from scones.cloud.errors import ServiceError
from scones.cloud.http_route import HttpRoute
from scones.cloud.service import OperationCall, Service
from scones.cloud.services.s3 import (
    bucket_records,
    bucket_settings,
    notifications,
    object_record,
    parts,
    upload_records,
    versions,
)
from scones.cloud.services.s3.access_logging import LoggingOperations
from scones.cloud.services.s3.acl_operations import AccessControl, AclOperations
from scones.cloud.services.s3.anonymous_access import PERMISSIONS, AnonymousAccess
from scones.cloud.services.s3.archives import ArchiveOperations
from scones.cloud.services.s3.arguments import check_arguments
from scones.cloud.services.s3.attributes import ObjectAttributeOperations
from scones.cloud.services.s3.body_files import BodyFiles
from scones.cloud.services.s3.browser_uploads.route import BrowserUploadRoute
from scones.cloud.services.s3.bucket_policies import PolicyOperations
from scones.cloud.services.s3.bucket_records import BucketRecords
from scones.cloud.services.s3.bucket_settings import BucketSettings
from scones.cloud.services.s3.buckets import BucketOperations
from scones.cloud.services.s3.copies import CopyOperations
from scones.cloud.services.s3.copy_sources import CopySources
from scones.cloud.services.s3.cors_configurations import CorsOperations, matching_rule, response_headers
from scones.cloud.services.s3.default_encryption import DefaultEncryptionOperations
from scones.cloud.services.s3.deletions import ObjectDeletions
from scones.cloud.services.s3.encryption import ObjectEncryption
from scones.cloud.services.s3.expiry import ExpiryRuns
from scones.cloud.services.s3.file_transfers import FileTransfers
from scones.cloud.services.s3.incoming_bodies import IncomingBodies
from scones.cloud.services.s3.lifecycle_configurations import LifecycleOperations, LifecycleRules
from scones.cloud.services.s3.listings import ListingOperations
from scones.cloud.services.s3.notifications import Notifier
from scones.cloud.services.s3.objects import ObjectOperations
from scones.cloud.services.s3.ownership_controls import OwnershipOperations
from scones.cloud.services.s3.preflight_route import PreflightRoute
from scones.cloud.services.s3.public_access_blocks import PublicAccessBlockOperations, PublicAccessBlocks
from scones.cloud.services.s3.stored_objects import StoredObjects
from scones.cloud.services.s3.upload_listings import UploadListingOperations
from scones.cloud.services.s3.upload_records import UploadRecords
from scones.cloud.services.s3.uploads import UploadOperations
from scones.cloud.services.s3.version_listings import VersionListingOperations
from scones.cloud.services.s3.versioning import BucketVersioningOperations
from scones.cloud.services.s3.website_route import WebsiteRoute
from scones.cloud.services.s3.websites import WebsiteOperations
from scones.cloud.wire.members import Members
from scones.cloud.wire.request import Request

_OBJECT_LOCK = {
    "ObjectLockMode": "",
    "ObjectLockRetainUntilDate": "",
    "ObjectLockLegalHoldStatus": "",
    "ObjectLockEventHold": "",
    "ObjectLockEventHoldDurationDays": "",
    "ObjectLockEventHoldDurationYears": "",
}


class S3(Service):
    """The S3 API for general purpose buckets.

    Small bodies are rows of the database; larger ones are files in `DATA_DIR/s3`. Both are on disk before S3 answers a
    request. `transfers` is for other services of the same cloud.
    """

    name: ClassVar[str] = "s3"
    groups = (
        BucketOperations,
        BucketVersioningOperations,
        DefaultEncryptionOperations,
        PublicAccessBlockOperations,
        PolicyOperations,
        OwnershipOperations,
        CorsOperations,
        WebsiteOperations,
        LoggingOperations,
        LifecycleOperations,
        AclOperations,
        ListingOperations,
        VersionListingOperations,
        ObjectOperations,
        ObjectAttributeOperations,
        CopyOperations,
        ArchiveOperations,
        UploadOperations,
        UploadListingOperations,
    )
    accepts_foreign_origins: ClassVar[bool] = True
    unsigned_operations: ClassVar[Set[str]] = PERMISSIONS.keys()
    schema: ClassVar[str] = ";".join(
        module.SCHEMA
        for module in (bucket_records, bucket_settings, object_record, versions, upload_records, parts, notifications)
    )
    refused_parameters: ClassVar[Mapping[str, Mapping[str, str]]] = MappingProxyType(
        {
            "CreateBucket": {"ObjectLockEnabledForBucket": "", "BucketNamespace": "global"},
            "PutObject": {**_OBJECT_LOCK, "WriteOffsetBytes": ""},
            "CopyObject": _OBJECT_LOCK,
            "CreateMultipartUpload": _OBJECT_LOCK,
            "AbortMultipartUpload": {"IfMatchInitiatedTime": ""},
        }
    )

    def __init__(self, cloud: CloudContext) -> None:
        store = cloud.store
        self._files = BodyFiles(cloud.settings.data_dir / "s3")
        self._notifier = Notifier(cloud)
        self._buckets = buckets = BucketRecords(store, cloud.settings.account)
        self._settings = settings = BucketSettings(store)
        self._rules = rules = LifecycleRules(settings)
        self._objects = objects = StoredObjects(store, self._files, self._notifier, rules)
        uploads = UploadRecords(store, buckets, self._files)
        sources, bodies = CopySources(buckets, objects), IncomingBodies(self._files)
        encryption, access = ObjectEncryption(cloud), AccessControl(buckets, settings)
        deletions = ObjectDeletions(store, objects, self._notifier)
        self._expiry = ExpiryRuns(store, buckets=buckets, rules=rules, deletions=deletions, uploads=uploads)
        self._anonymous = AnonymousAccess(buckets, settings, objects, access)
        self.transfers = FileTransfers(cloud, buckets, objects)
        operations_on_objects = ObjectOperations(
            store,
            buckets=buckets,
            objects=objects,
            deletions=deletions,
            bodies=bodies,
            encryption=encryption,
            access=access,
        )
        self._websites = WebsiteRoute(buckets, settings, operations_on_objects, self._anonymous)
        self._uploads_by_forms = BrowserUploadRoute(
            cloud, operations_on_objects, self._anonymous, self.cross_origin_headers
        )
        super().__init__(
            cloud,
            BucketOperations(cloud, buckets=buckets, files=self._files, notifier=self._notifier, rules=rules),
            BucketVersioningOperations(store, buckets),
            DefaultEncryptionOperations(buckets, settings),
            PublicAccessBlockOperations(buckets, settings),
            PolicyOperations(buckets, settings, PublicAccessBlocks(settings)),
            OwnershipOperations(buckets, settings),
            CorsOperations(buckets, settings),
            WebsiteOperations(buckets, settings),
            LoggingOperations(buckets, settings),
            LifecycleOperations(buckets, settings, rules),
            AclOperations(
                store,
                buckets=buckets,
                settings=settings,
                objects=objects,
                access=access,
                notifier=self._notifier,
            ),
            ListingOperations(store, buckets),
            VersionListingOperations(store, buckets),
            operations_on_objects,
            ObjectAttributeOperations(store, buckets=buckets, objects=objects, notifier=self._notifier),
            CopyOperations(
                buckets=buckets, objects=objects, sources=sources, bodies=bodies, encryption=encryption, access=access
            ),
            ArchiveOperations(store, buckets=buckets, objects=objects, notifier=self._notifier),
            UploadOperations(
                cloud,
                buckets=buckets,
                objects=objects,
                uploads=uploads,
                sources=sources,
                bodies=bodies,
                encryption=encryption,
                access=access,
            ),
            UploadListingOperations(store, buckets, uploads),
        )

    def validate(self, params: Members, shape: StructureShape) -> None:
        """Raise S3's error for parameters that violate an operation's model; a missing bucket comes first."""
        try:
            check_arguments(params, shape)
        except ServiceError as error:
            if error.code == "MalformedXML" and shape.name != "CreateBucketRequest":
                self._buckets.requested(params)
            raise

    def http_routes(self) -> Sequence[HttpRoute]:
        """Return the routes of websites, of uploads by HTML forms and of preflight requests."""
        return (self._websites, self._uploads_by_forms, PreflightRoute(self._buckets, self._settings))

    def check_unsigned(self, call: OperationCall) -> None:
        """Raise `AccessDenied` unless the bucket allows the request to anyone."""
        self._anonymous.check(call)

    def cross_origin_headers(self, request: Request) -> Mapping[str, str]:
        """Return the headers of the bucket's CORS rule that allows a request."""
        bucket = unquote(request.resource).removeprefix("/").partition("/")[0]
        rules: list[Members] | None = self._settings.get(bucket, "CORS")
        rule = matching_rule(rules, request) if rules else None
        return response_headers(rule, request) if rule else {}

    async def start(self) -> None:
        """Create the folder of bodies and start to sweep files left by requests that a crash interrupted."""
        await self._files.make_folder()
        self._notifier.start()
        self._rules.load()
        if self.cloud.may_sweep:
            self.cloud.spawn(self._expiry.run(), name="lifecycle rules of S3")
            self.cloud.spawn(self._objects.sweep(), name="sweep of the folder of bodies")
