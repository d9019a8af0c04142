"""The S3 service."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from botocore.model import StructureShape

from scones.cloud.context import CloudContext
from scones.cloud.http_route import HttpRoute
from scones.cloud.service import Service
from scones.cloud.services.s3 import (
    bucket_records,
    bucket_settings,
    notifications,
    object_record,
    parts,
    upload_records,
)
from scones.cloud.services.s3.arguments import check_arguments
from scones.cloud.services.s3.attributes import ObjectAttributeOperations
from scones.cloud.services.s3.body_files import BodyFiles
from scones.cloud.services.s3.browser_uploads.route import BrowserUploadRoute
from scones.cloud.services.s3.bucket_records import BucketRecords
from scones.cloud.services.s3.bucket_settings import BucketSettingOperations
from scones.cloud.services.s3.buckets import BucketOperations
from scones.cloud.services.s3.copies import CopyOperations
from scones.cloud.services.s3.copy_sources import CopySources
from scones.cloud.services.s3.encryption import ObjectEncryption
from scones.cloud.services.s3.file_transfers import FileTransfers
from scones.cloud.services.s3.incoming_bodies import IncomingBodies
from scones.cloud.services.s3.listings import ListingOperations
from scones.cloud.services.s3.notifications import Notifier
from scones.cloud.services.s3.objects import ObjectOperations
from scones.cloud.services.s3.stored_objects import StoredObjects
from scones.cloud.services.s3.upload_listings import UploadListingOperations
from scones.cloud.services.s3.upload_records import UploadRecords
from scones.cloud.services.s3.uploads import UploadOperations
from scones.cloud.wire.members import Members


class S3(Service):
    """The S3 API for general purpose buckets without versioning.

    Small bodies are rows of the database; larger ones are files in `DATA_DIR/s3`. Both are on disk before S3 answers a
    request. `transfers` is for other services of the same cloud.
    """

    name: ClassVar[str] = "s3"
    groups = (
        BucketOperations,
        BucketSettingOperations,
        ListingOperations,
        ObjectOperations,
        ObjectAttributeOperations,
        CopyOperations,
        UploadOperations,
        UploadListingOperations,
    )
    schema: ClassVar[str] = ";".join(
        module.SCHEMA
        for module in (bucket_records, bucket_settings, object_record, upload_records, parts, notifications)
    )

    def __init__(self, cloud: CloudContext) -> None:
        store = cloud.store
        self._files = BodyFiles(cloud.settings.data_dir / "s3")
        self._notifier = Notifier(cloud)
        buckets = BucketRecords(store, cloud.settings.account)
        self._objects = objects = StoredObjects(store, self._files, self._notifier)
        uploads = UploadRecords(store, buckets, self._files)
        sources, bodies = CopySources(buckets, objects), IncomingBodies(self._files)
        encryption = ObjectEncryption(cloud)
        self.transfers = FileTransfers(cloud, buckets, objects)
        operations_on_objects = ObjectOperations(
            store, buckets=buckets, objects=objects, bodies=bodies, encryption=encryption
        )
        self._uploads_by_forms = BrowserUploadRoute(cloud, operations_on_objects)
        super().__init__(
            cloud,
            BucketOperations(cloud, buckets, self._files, self._notifier),
            BucketSettingOperations(store, buckets),
            ListingOperations(store, buckets),
            operations_on_objects,
            ObjectAttributeOperations(store, buckets, objects),
            CopyOperations(buckets=buckets, objects=objects, sources=sources, bodies=bodies, encryption=encryption),
            UploadOperations(
                cloud,
                buckets=buckets,
                objects=objects,
                uploads=uploads,
                sources=sources,
                bodies=bodies,
                encryption=encryption,
            ),
            UploadListingOperations(store, buckets, uploads),
        )

    def validate(self, params: Members, shape: StructureShape) -> None:
        """Raise S3's error for parameters that violate an operation's model."""
        check_arguments(params, shape)

    def http_routes(self) -> Sequence[HttpRoute]:
        """Return the route of uploads by HTML forms."""
        return (self._uploads_by_forms,)

    async def start(self) -> None:
        """Create the folder of bodies and start to sweep files left by requests that a crash interrupted."""
        await self._files.make_folder()
        self._notifier.start()
        if self.cloud.may_sweep:
            self.cloud.spawn(self._objects.sweep(), name="sweep of the folder of bodies")
