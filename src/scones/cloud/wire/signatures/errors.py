"""The errors of authentication, and their codes in each protocol."""

from __future__ import annotations

from scones.cloud.errors import ServiceError


def missing_authentication() -> ServiceError:
    """Return the error for an unsigned request."""
    return ServiceError("MissingAuthenticationTokenException", "Missing Authentication Token", 403)


def malformed_credential() -> ServiceError:
    """Return the error for a Credential that lacks a part."""
    return ServiceError(
        "IncompleteSignatureException", "Credential must have the form KEY/DATE/REGION/SERVICE/aws4_request", 403
    )


def signature_mismatch() -> ServiceError:
    """Return the error for a wrong signature."""
    return ServiceError(
        "InvalidSignatureException",
        "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access "
        "Key and signing method. Consult the service documentation for details.",
        403,
    )


def must_be_signed(names: str) -> ServiceError:
    """Return the error for headers that are not among the signed headers."""
    return ServiceError(
        "InvalidSignatureException", f"'{names}' must be a 'SignedHeader' in the AWS Authorization.", 403
    )


_S3_CODES = {
    "InvalidSignatureException": "SignatureDoesNotMatch",
    "UnrecognizedClientException": "InvalidAccessKeyId",
    "ExpiredTokenException": "ExpiredToken",
    "MissingAuthenticationTokenException": "AccessDenied",
    "IncompleteSignatureException": "AuthorizationHeaderMalformed",
}
_S3_MESSAGES = {
    "SignatureDoesNotMatch": "The request signature we calculated does not match the signature you provided. Check "
    "your key and signing method.",
    "InvalidAccessKeyId": "The AWS Access Key Id you provided does not exist in our records.",
    "ExpiredToken": "The provided token has expired.",
}
_QUERY_CODES = {
    "InvalidSignatureException": "SignatureDoesNotMatch",
    "UnrecognizedClientException": "InvalidClientTokenId",
    "ExpiredTokenException": "ExpiredToken",
    "MissingAuthenticationTokenException": "MissingAuthenticationToken",
    "IncompleteSignatureException": "IncompleteSignature",
}


def protocol_error(error: ServiceError, protocol: str) -> ServiceError:
    """Return an authentication error with the code that a protocol uses for it; for S3, also with S3's message."""
    if protocol == "rest-xml" and error.code == "InvalidSignatureException" and error.message.startswith("Signature "):
        return ServiceError(
            "RequestTimeTooSkewed",
            "The difference between the request time and the current time is too large.",
            403,
        )
    code = {"rest-xml": _S3_CODES, "query": _QUERY_CODES}.get(protocol, {}).get(error.code, error.code)
    message = _S3_MESSAGES.get(code, error.message) if protocol == "rest-xml" else error.message
    return ServiceError(code, message, error.status, **error.members)
