"""S3's errors, with the members that S3 adds to them (API Reference, "Error responses")."""

from __future__ import annotations

from scones.cloud.errors import ServiceError


def internal_error() -> ServiceError:
    """Answer that S3 has failed; the log says why."""
    return ServiceError("InternalError", "We encountered an internal error. Please try again.", 500)


def no_such_bucket(bucket: str) -> ServiceError:
    """The bucket is not there."""
    return ServiceError("NoSuchBucket", "The specified bucket does not exist", 404, BucketName=bucket)


def no_such_key(key: str) -> ServiceError:
    """The object is not there."""
    return ServiceError("NoSuchKey", "The specified key does not exist.", 404, Key=key)


def no_such_upload(upload: str) -> ServiceError:
    """The multipart upload is not there, or no more."""
    return ServiceError(
        "NoSuchUpload",
        "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or "
        "completed.",
        404,
        UploadId=upload,
    )


def invalid_argument(message: str, name: str, value: object) -> ServiceError:
    """An argument that its type admits and S3 does not."""
    return ServiceError("InvalidArgument", message, 400, ArgumentName=name, ArgumentValue=value)


def precondition_failed(condition: str) -> ServiceError:
    """A condition of a conditional request does not hold; `condition` is the header's name."""
    return ServiceError(
        "PreconditionFailed",
        "At least one of the pre-conditions you specified did not hold",
        412,
        Condition=condition,
    )


def malformed_xml() -> ServiceError:
    """A document that is XML, but not what the operation takes."""
    return ServiceError(
        "MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema"
    )


def not_implemented(parameter: str) -> ServiceError:
    """A parameter asks for what S3 has and this cloud has not."""
    return ServiceError(
        "NotImplemented",
        f"A header you provided implies functionality that is not implemented: {parameter}. AWS offers it, the local "
        "cloud does not.",
        501,
    )
