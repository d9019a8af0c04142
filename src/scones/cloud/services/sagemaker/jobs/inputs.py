"""A training job's input: channels and configuration files below /opt/ml/input."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

from scones.cloud.errors import ServiceError
from scones.cloud.services.sagemaker.errors import duplicate_names, invalid, no_objects, not_supported
from scones.cloud.services.sagemaker.s3_access import S3Access, S3Location, below, relative
from scones.cloud.wire.members import Members


def check_channels(request: Members) -> None:
    """Check a request's channels; raises `ServiceError`, which names the channel that is invalid or not supported."""
    names = [channel["ChannelName"] for channel in request.get("InputDataConfig", [])]
    if len(set(names)) < len(names):
        raise duplicate_names("Channel", names)
    for channel in request.get("InputDataConfig", []):
        name = channel["ChannelName"]
        piped = mode(channel, request) == "Pipe"
        if channel.get("CompressionType", "None") != "None":
            if piped:
                raise not_supported(
                    f"decompression in Pipe input mode (channel {name!r})", "Store the objects uncompressed."
                )
            # AWS: "In File mode, leave this field unset"
            raise invalid(f"CompressionType is supported only in Pipe input mode; omit it for channel {name!r}.")
        source = channel["DataSource"].get("S3DataSource")
        if source is None or source["S3DataType"] not in ("S3Prefix", "ManifestFile", "AugmentedManifestFile"):
            raise not_supported(
                f"the data source of channel {name!r}", "Use S3Prefix, ManifestFile or AugmentedManifestFile."
            )
        if source["S3DataType"] == "AugmentedManifestFile":
            _check_augmented(name, source, piped=piped)


def _check_augmented(name: str, source: Members, *, piped: bool) -> None:
    # The Developer Guide: "Augmented manifests can only support Pipe input mode"; AWS's error message is not known.
    if not piped:
        raise invalid(
            f"AugmentedManifestFile is supported only in Pipe input mode; set that mode for channel {name!r}."
        )
    if not source.get("AttributeNames"):
        raise invalid(f"AttributeNames is required with AugmentedManifestFile; set it for channel {name!r}.")


async def check_objects(objects: S3Access, request: Members, region: str) -> None:
    """Check that every channel's S3Uri has objects; raises `ServiceError` (ValidationException) with AWS's message."""
    for channel in request.get("InputDataConfig", []):
        uri = channel["DataSource"]["S3DataSource"]["S3Uri"]
        location = S3Location.of(uri)
        if not await objects.exists(location):
            raise invalid(
                f"{no_objects(uri, 'input data source')} Please ensure that the bucket exists "
                f"in the selected region ({region}), that objects exist under that S3 prefix, and that the role "
                f'"{request["RoleArn"]}" has "s3:ListBucket" permissions on bucket "{location.bucket}".'
            )


def mode(channel: Members, request: Members) -> str:
    """Return a channel's input mode: File, FastFile or Pipe."""
    found: str = channel.get("InputMode") or request["AlgorithmSpecification"]["TrainingInputMode"]
    return found


def write_configuration(request: Members, folder: Path, host: str, names: list[str]) -> None:
    """Write hyperparameters.json, inputdataconfig.json and resourceconfig.json for one host, in AWS's format."""
    folder.mkdir(parents=True, exist_ok=True)
    resources = request["ResourceConfig"]
    channels = {
        channel["ChannelName"]: {
            **({"ContentType": channel["ContentType"]} if "ContentType" in channel else {}),
            "TrainingInputMode": mode(channel, request),
            "S3DistributionType": channel["DataSource"]["S3DataSource"].get(
                "S3DataDistributionType", "FullyReplicated"
            ),
            "RecordWrapperType": channel.get("RecordWrapperType", "None"),
        }
        for channel in request.get("InputDataConfig", [])
    }
    instance = resources.get("InstanceType", "")
    hosts = {
        "current_host": host,
        "current_instance_type": instance,
        "current_group_name": "homogeneousCluster",
        "hosts": names,
        "instance_groups": [
            {"instance_group_name": "homogeneousCluster", "instance_type": instance, "hosts": names},
        ],
        "network_interface_name": "lo",
    }
    files = {
        "hyperparameters.json": request.get("HyperParameters", {}),
        "inputdataconfig.json": channels,
        "resourceconfig.json": hosts,
    }
    for name, content in files.items():
        (folder / name).write_text(json.dumps(content))


async def download(objects: S3Access, request: Members, folder: Path, share: tuple[int, int]) -> None:
    """Download every channel except Pipe channels into its folder below `folder`, several objects at a time.

    `share` is this instance's index i and the number n of instances: of a ShardedByS3Key channel, the instance gets
    the objects i, i + n, i + 2n and so on. Raises `ServiceError` from S3, `ValueError` for keys that are not valid
    paths, or an `ExceptionGroup` of errors in the downloads.
    """
    files: list[tuple[S3Location, Path]] = []
    for channel in request.get("InputDataConfig", []):
        if mode(channel, request) == "Pipe":
            continue
        target = folder / channel["ChannelName"]
        target.mkdir(parents=True, exist_ok=True)
        source = channel["DataSource"]["S3DataSource"]
        found = [(location, below(target, path)) async for location, path in listed(objects, source) if path]
        index, count = share
        files += found[index::count] if source.get("S3DataDistributionType") == "ShardedByS3Key" else found
    await objects.download_all(files)


def listed(objects: S3Access, source: Members) -> AsyncIterator[tuple[S3Location, str]]:
    """Yield the objects of a prefix or a manifest, each with its path below the prefix."""
    return _manifest(objects, source) if source["S3DataType"] == "ManifestFile" else _prefix(objects, source)


async def _prefix(objects: S3Access, source: Members) -> AsyncIterator[tuple[S3Location, str]]:
    location = S3Location.of(source["S3Uri"])
    async for key in objects.keys(location):
        yield S3Location(location.bucket, key), relative(key, location.key)


async def _manifest(objects: S3Access, source: Members) -> AsyncIterator[tuple[S3Location, str]]:
    try:
        lines = json.loads(await objects.read(S3Location.of(source["S3Uri"])))
        prefix = S3Location.of(lines[0]["prefix"])
        names = [str(name) for name in lines[1:]]
    except (ValueError, KeyError, TypeError, IndexError, RecursionError) as error:
        raise ServiceError(
            "ClientError", f'The manifest "{source["S3Uri"]}" is not a JSON list of a prefix and relative keys.'
        ) from error
    for name in names:
        yield S3Location(prefix.bucket, prefix.key + name), name
