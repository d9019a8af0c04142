"""The period in which a signature is valid."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache

from scones.cloud.errors import ServiceError
from scones.cloud.wire import numbers

SKEW = timedelta(minutes=15)
"""Maximum difference between a request's time and the cloud's clock, as on AWS."""
EXPIRES_LIMIT = 604_800
"""Maximum validity of a presigned URL in seconds: one week."""


@lru_cache(64)  # many requests are signed in the same second
def _parse_date(date: str) -> datetime:
    try:
        return datetime.strptime(date, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError as error:
        raise ServiceError(
            "IncompleteSignatureException", f"Date must be given as YYYYMMDDTHHMMSSZ, not {date!r}.", 403
        ) from error


def check_skew(date: str) -> None:
    """Reject a request whose time differs too much from the cloud's clock."""
    now, signed = datetime.now(UTC), _parse_date(date)
    if abs(now - signed) > SKEW:
        tense, bound = ("expired", now - SKEW) if signed < now else ("not yet current", now + SKEW)
        sign = "<" if signed < now else ">"
        raise ServiceError(
            "InvalidSignatureException",
            f"Signature {tense}: {date} is now {'earlier' if sign == '<' else 'later'} than {bound:%Y%m%dT%H%M%SZ} "
            f"({now:%Y%m%dT%H%M%SZ} {'-' if sign == '<' else '+'} 15 min.)",
            403,
        )


def check_presigned(date: str, expires: str) -> None:
    """Reject a presigned URL before its date and after its validity of `expires` seconds."""
    begin, seconds = _parse_date(date), _seconds(expires)
    if begin > datetime.now(UTC) + SKEW:
        raise ServiceError("AccessDenied", "Request is not valid yet", 403)
    check_expiry(begin + timedelta(seconds=seconds), seconds)


def _seconds(text: str) -> int:
    """Return the validity of a presigned URL in seconds."""
    try:
        seconds = numbers.integer(text)
    except ValueError as error:
        raise _invalid_expires("should be a number") from error
    if seconds < 0:
        raise _invalid_expires("must be non-negative")
    if seconds > EXPIRES_LIMIT:
        raise _invalid_expires(
            "must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than "
            f"{EXPIRES_LIMIT} seconds"
        )
    return seconds


def _invalid_expires(reason: str) -> ServiceError:
    return ServiceError("AuthorizationQueryParametersError", f"X-Amz-Expires {reason}")


def check_expiry(moment: datetime, seconds: int | None = None) -> None:
    """Reject a request after the moment at which its URL expires; `seconds` is the validity that the URL states."""
    now = datetime.now(UTC)
    if now > moment:
        stated = {"X-Amz-Expires": seconds} if seconds is not None else {}
        raise ServiceError(
            "AccessDenied",
            "Request has expired",
            403,
            **stated,
            Expires=f"{moment:%Y-%m-%dT%H:%M:%SZ}",
            ServerTime=f"{now:%Y-%m-%dT%H:%M:%SZ}",
        )


def missing_date() -> ServiceError:
    """Return S3's error for a request without a date, or with an invalid one."""
    return ServiceError("AccessDenied", "AWS authentication requires a valid Date or x-amz-date header", 403)


def too_skewed() -> ServiceError:
    """Return S3's error for a request whose time differs too much from the cloud's clock."""
    message = "The difference between the request time and the current time is too large."
    return ServiceError("RequestTimeTooSkewed", message, 403)
