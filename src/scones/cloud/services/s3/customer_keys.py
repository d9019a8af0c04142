"""Encryption with keys that customers provide (SSE-C): who wants to read an object must provide its key again.

The key's MD5 is stored with the object. The bytes are not encrypted, as with the other kinds of encryption.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping

from scones.cloud.core.credentials import constant_time_equal
from scones.cloud.errors import ServiceError
from scones.cloud.wire.members import Members

_ALGORITHM = "AES256"
_KEY_BYTES = 32
_HEADER = "x-amz-server-side-encryption"
_REQUESTS = "Requests specifying Server Side Encryption with Customer provided keys must provide"


def encryption_with_key(params: Members) -> Members | None:
    """Return the encryption of a new object whose key a request provides, or None without a key.

    Raises `InvalidArgument` or `InvalidEncryptionAlgorithmError` if the key or its MD5 is invalid.
    """
    if not _names_key(params, ""):
        return None
    if "ServerSideEncryption" in params:
        raise ServiceError(
            "InvalidArgument",
            "Server Side Encryption with Customer provided key is incompatible with the encryption method specified",
            ArgumentName=_HEADER,
            ArgumentValue=params["ServerSideEncryption"],
        )
    _check_algorithm(params, "")
    if "SSECustomerKey" not in params:
        raise _invalid(f"{_REQUESTS} an appropriate secret key.")
    try:
        key = base64.b64decode(params["SSECustomerKey"], validate=True)
    except ValueError:
        key = b""
    if len(key) != _KEY_BYTES:
        raise _invalid("The secret key was invalid for the specified algorithm.")
    if "SSECustomerKeyMD5" not in params:
        raise _invalid(f"{_REQUESTS} the client calculated MD5 of the secret key.")
    if _md5(key) != params["SSECustomerKeyMD5"]:
        raise _invalid("The calculated MD5 hash of the key did not match the hash that was provided.")
    return {"SSECustomerAlgorithm": _ALGORITHM, "SSECustomerKeyMD5": params["SSECustomerKeyMD5"]}


def check_key(params: Members, headers: Mapping[str, str], prefix: str = "") -> None:
    """Raise S3's error unless a read provides the key of an object with these stored headers, if it has one.

    `prefix` is `CopySource` for the source of a copy.
    """
    stored, provided = headers.get("SSECustomerKeyMD5"), _names_key(params, prefix)
    if provided:
        _check_algorithm(params, prefix)
    if stored is None:
        if provided:
            raise ServiceError("InvalidRequest", "The encryption parameters are not applicable to this object.")
        return
    if not provided:
        raise ServiceError(
            "InvalidRequest",
            "The object was stored using a form of Server Side Encryption. The correct parameters must be provided to "
            "retrieve the object.",
        )
    if not _is_key(params.get(f"{prefix}SSECustomerKey", ""), stored):
        raise ServiceError("AccessDenied", f"{_REQUESTS} the correct secret key.", 403)


def check_key_of_part(params: Members, headers: Mapping[str, str]) -> None:
    """Raise `InvalidRequest` unless a part has the key of its upload, which has these stored headers."""
    stored, provided = headers.get("SSECustomerKeyMD5"), _names_key(params, "")
    if provided != (stored is not None):
        raise ServiceError(
            "InvalidRequest",
            "The multipart upload initiate requested encryption. Subsequent part requests must include the appropriate "
            "encryption parameters.",
        )
    if stored is not None:
        _check_algorithm(params, "")
        if not _is_key(params.get("SSECustomerKey", ""), stored):
            raise ServiceError(
                "InvalidRequest", "The provided encryption parameters did not match the ones used originally."
            )


def _names_key(params: Members, prefix: str) -> bool:
    return any(f"{prefix}SSECustomer{name}" in params for name in ("Algorithm", "Key", "KeyMD5"))


def _check_algorithm(params: Members, prefix: str) -> None:
    algorithm = params.get(f"{prefix}SSECustomerAlgorithm")
    if algorithm is None:
        raise _invalid(f"{_REQUESTS} a valid encryption algorithm.")
    if algorithm != _ALGORITHM:
        raise ServiceError(
            "InvalidEncryptionAlgorithmError",
            f"The Encryption request you specified is not valid. Supported value: {_ALGORITHM}.",
            ArgumentName=_HEADER,
            ArgumentValue=algorithm,
        )


def _is_key(encoded: str, md5: str) -> bool:
    try:
        return constant_time_equal(_md5(base64.b64decode(encoded, validate=True)), md5)
    except ValueError:
        return False


def _md5(key: bytes) -> str:
    return base64.b64encode(hashlib.md5(key, usedforsecurity=False).digest()).decode()


def _invalid(message: str) -> ServiceError:
    return ServiceError("InvalidArgument", message, ArgumentName=_HEADER)
