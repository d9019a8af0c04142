"""The errors of authentication, and their codes in each protocol."""

from __future__ import annotations

from scones.cloud.errors import ServiceError
from scones.cloud.wire.signatures import validity


def missing_authentication() -> ServiceError:
    """Return the error for an unsigned request."""
    return ServiceError("MissingAuthenticationTokenException", "Missing Authentication Token", 403)


def malformed_credential() -> ServiceError:
    """Return the error for a Credential that lacks a part."""
    return ServiceError(
        "IncompleteSignatureException", "Credential must have the form KEY/DATE/REGION/SERVICE/aws4_request", 403
    )


def malformed_credential_parameter() -> ServiceError:
    """Return the error for a presigned URL whose Credential lacks a part."""
    return ServiceError(
        "AuthorizationQueryParametersError",
        "Error parsing the X-Amz-Credential parameter; the Credential is mal-formed; expecting "
        '"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request".',
    )


def missing_parameters() -> ServiceError:
    """Return the error for a presigned URL that lacks a parameter of its signature."""
    return ServiceError(
        "AuthorizationQueryParametersError",
        "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, "
        "X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.",
    )


def signature_mismatch(
    access_key_id: str, provided: str, string_to_sign: str, canonical_request: str | None = None
) -> ServiceError:
    """Return the error for a wrong signature; S3 shows what it expected to be signed."""
    members = {
        "AWSAccessKeyId": access_key_id,
        "StringToSign": string_to_sign,
        "SignatureProvided": provided,
        "StringToSignBytes": string_to_sign.encode().hex(" "),
    }
    if canonical_request is not None:
        members["CanonicalRequest"] = canonical_request
        members["CanonicalRequestBytes"] = canonical_request.encode().hex(" ")
    return ServiceError(
        "InvalidSignatureException",
        "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access "
        "Key and signing method. Consult the service documentation for details.",
        403,
        **members,
    )


def wrong_region(named: str, expected: str, *, service: str, in_query: bool) -> ServiceError:
    """Return the error for a signature for another region; boto3 repeats a request to S3 with the expected region."""
    if service != "s3":
        message = f"Credential should be scoped to a valid region: this local cloud serves {expected}, not {named}."
        return ServiceError("InvalidSignatureException", message, 403)
    code, subject = "AuthorizationHeaderMalformed", "The authorization header is malformed"
    if in_query:
        code, subject = "AuthorizationQueryParametersError", "Error parsing the X-Amz-Credential parameter"
    return ServiceError(
        code,
        f"{subject}; the region '{named}' is wrong; expecting '{expected}'",
        Region=expected,
        Headers={"x-amz-bucket-region": expected},
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
_S3_STATUSES = {"IncompleteSignatureException": 400}
_S3_MESSAGES = {
    "AuthorizationHeaderMalformed": "The authorization header is malformed; the Credential is mal-formed; expecting "
    '"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request".',
    "SignatureDoesNotMatch": "The request signature we calculated does not match the signature you provided. Check "
    "your key and signing method.",
    "InvalidAccessKeyId": "The AWS Access Key Id you provided does not exist in our records.",
    "ExpiredToken": "The provided token has expired.",
    "MissingAuthenticationTokenException": "Access Denied",
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
        return validity.too_skewed()
    if protocol == "rest-xml" and error.code == "IncompleteSignatureException" and error.message.startswith("Date "):
        return validity.missing_date()
    code = {"rest-xml": _S3_CODES, "query": _QUERY_CODES}.get(protocol, {}).get(error.code, error.code)
    if protocol != "rest-xml":
        members = {} if error.code == "InvalidSignatureException" else error.members
        return ServiceError(code, error.message, error.status, **members)
    if code == error.code:
        return error
    message = _S3_MESSAGES.get(error.code) or _S3_MESSAGES.get(code, error.message)
    return ServiceError(code, message, _S3_STATUSES.get(error.code, error.status), **error.members)
