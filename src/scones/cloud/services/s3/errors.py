"""S3's errors, with the additional members that S3 returns (API Reference, "Error responses")."""

from __future__ import annotations

from collections.abc import Mapping

from scones.cloud.errors import ServiceError


def internal_error() -> ServiceError:
    """Return the error for a failure inside S3; the caller logs the reason."""
    return ServiceError("InternalError", "We encountered an internal error. Please try again.", 500)


def no_such_bucket(bucket: str) -> ServiceError:
    """Return the error for a bucket that does not exist."""
    return ServiceError("NoSuchBucket", "The specified bucket does not exist", 404, BucketName=bucket)


def no_such_key(key: str, headers: Mapping[str, str] | None = None) -> ServiceError:
    """Return the error for an object that does not exist; `headers` describe the delete marker that hides it."""
    return ServiceError("NoSuchKey", "The specified key does not exist.", 404, Key=key, Headers=headers or {})


def no_such_version(key: str, version: str) -> ServiceError:
    """Return the error for a version that does not exist."""
    return ServiceError("NoSuchVersion", "The specified version does not exist.", 404, Key=key, VersionId=version)


def invalid_version_id(version: str) -> ServiceError:
    """Return the error for a version ID that S3 never issued."""
    return invalid_argument("Invalid version id specified", "versionId", version)


def delete_marker_not_allowed(method: str, headers: Mapping[str, str]) -> ServiceError:
    """Return the error for a request that needs an object but names a delete marker."""
    return ServiceError(
        "MethodNotAllowed",
        "The specified method is not allowed against this resource.",
        405,
        Method=method,
        ResourceType="DeleteMarker",
        Headers={"allow": "DELETE", **headers},
    )


def not_retrievable(storage_class: str, message: str) -> ServiceError:
    """Return the error for reading an archived object that is not restored."""
    return ServiceError("InvalidObjectState", message, 403, StorageClass=storage_class)


def no_such_upload(upload: str) -> ServiceError:
    """Return the error for a multipart upload that does not exist or has ended."""
    return ServiceError(
        "NoSuchUpload",
        "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or "
        "completed.",
        404,
        UploadId=upload,
    )


def invalid_argument(message: str, name: str, value: object) -> ServiceError:
    """Return the error for an argument whose type is valid but whose value S3 refuses."""
    return ServiceError("InvalidArgument", message, 400, ArgumentName=name, ArgumentValue=value)


def invalid_continuation_token(token: str) -> ServiceError:
    """Return the error for a continuation token that no listing returned."""
    if not token:
        message = "The continuation token provided is incorrect"
        return ServiceError("InvalidArgument", message, ArgumentName="continuation-token")
    return invalid_argument("The continuation token provided is incorrect", "continuation-token", token)


def access_denied() -> ServiceError:
    """Return the error for a request that is not allowed."""
    return ServiceError("AccessDenied", "Access Denied", 403)


def no_such_setting(bucket: str, code: str, message: str) -> ServiceError:
    """Return the error for a setting that a bucket does not have."""
    return ServiceError(code, message, 404, BucketName=bucket)


def no_such_website(bucket: str) -> ServiceError:
    """Return the error for a bucket without a website configuration."""
    message = "The specified bucket does not have a website configuration"
    return no_such_setting(bucket, "NoSuchWebsiteConfiguration", message)


def precondition_failed(condition: str) -> ServiceError:
    """Return the error for a condition that does not hold; `condition` is the header's name."""
    return ServiceError(
        "PreconditionFailed",
        "At least one of the pre-conditions you specified did not hold",
        412,
        Condition=condition,
    )


def malformed_acl() -> ServiceError:
    """Return the error for an access control policy that does not fit the schema."""
    return ServiceError(
        "MalformedACLError", "The XML you provided was not well-formed or did not validate against our published schema"
    )


def malformed_xml() -> ServiceError:
    """Return the error for an XML document that does not fit the operation."""
    return ServiceError(
        "MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema"
    )


def not_implemented(parameter: str) -> ServiceError:
    """Return the error for a parameter that requests a feature of S3 that the local cloud does not support."""
    return ServiceError(
        "NotImplemented",
        f"A header you provided implies functionality that is not implemented: {parameter}. AWS supports it, the local "
        "cloud does not.",
        501,
    )
