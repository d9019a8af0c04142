"""CORS configurations of buckets, and the response headers that follow from them (S3 User Guide, "Using CORS")."""

from __future__ import annotations

import re
from functools import lru_cache

from scones.cloud.errors import ServiceError
from scones.cloud.service import OperationCall
from scones.cloud.services.s3 import errors
from scones.cloud.services.s3.bucket_records import BucketRecords
from scones.cloud.services.s3.bucket_settings import BucketSettings
from scones.cloud.wire.members import Members
from scones.cloud.wire.request import Request

MOST_RULES = 100
METHODS = frozenset({"GET", "PUT", "HEAD", "POST", "DELETE"})
VARY = "Origin, Access-Control-Request-Headers, Access-Control-Request-Method"


class CorsOperations:
    """PutBucketCors, GetBucketCors and DeleteBucketCors."""

    def __init__(self, buckets: BucketRecords, settings: BucketSettings) -> None:
        self._buckets = buckets
        self._settings = settings

    async def put_bucket_cors(self, call: OperationCall) -> Members:
        """Replace a bucket's CORS rules."""
        bucket, rules = self._buckets.requested(call.params), call.params["CORSConfiguration"]["CORSRules"]
        if not 1 <= len(rules) <= MOST_RULES:
            raise errors.malformed_xml()
        for rule in rules:
            _check_rule(rule)
        await self._settings.put(bucket, "CORS", rules)
        return {}

    async def get_bucket_cors(self, call: OperationCall) -> Members:
        """Return a bucket's CORS rules; raises `NoSuchCORSConfiguration` if it has none."""
        rules = self._settings.get(self._buckets.requested(call.params), "CORS")
        if rules is None:
            raise errors.no_such_setting(
                call.params["Bucket"], "NoSuchCORSConfiguration", "The CORS configuration does not exist"
            )
        return {"CORSRules": rules}

    async def delete_bucket_cors(self, call: OperationCall) -> Members:
        """Remove a bucket's CORS rules."""
        await self._settings.put(self._buckets.requested(call.params), "CORS", None)
        return {}


def _check_rule(rule: Members) -> None:
    for method in rule["AllowedMethods"]:
        if method not in METHODS:
            raise ServiceError(
                "InvalidRequest", f"Found unsupported HTTP method in CORS config. Unsupported method is {method}"
            )
    for member in ("AllowedOrigins", "AllowedHeaders"):
        for value in rule.get(member, ()):
            if value.count("*") > 1:
                name = member.removesuffix("s")
                raise ServiceError("InvalidRequest", f'{name} "{value}" can not have more than one wildcard.')
    for header in rule.get("ExposeHeaders", ()):
        if "*" in header:
            raise ServiceError(
                "InvalidRequest",
                f'ExposeHeader "{header}" contains wildcard. We currently do not support wildcard for ExposeHeader.',
            )


def matching_rule(rules: list[Members], request: Request) -> Members | None:
    """Return the first rule that allows a request's origin, method and headers, or None.

    A request with Access-Control-Request-Method is matched as a preflight request, whatever its own method is.
    """
    origin = request.headers.get("origin", "")
    method = request.headers.get("access-control-request-method", request.method)
    asked = _header_names(request)
    for rule in rules:
        origins = any(_matches(allowed, origin) for allowed in rule["AllowedOrigins"])
        if method in rule["AllowedMethods"] and origins and all(_allows_header(rule, name) for name in asked):
            return rule
    return None


def _allows_header(rule: Members, name: str) -> bool:
    return any(_matches(allowed.lower(), name) for allowed in rule.get("AllowedHeaders", ()))


def response_headers(rule: Members, request: Request) -> dict[str, str]:
    """Return the headers of a response to a request that a rule allows."""
    anyone = "*" in rule["AllowedOrigins"]
    headers = {
        "access-control-allow-origin": "*" if anyone else request.headers.get("origin", ""),
        "access-control-allow-methods": ", ".join(rule["AllowedMethods"]),
        "vary": VARY,
    }
    if not anyone:
        headers["access-control-allow-credentials"] = "true"
    if asked := _header_names(request):
        headers["access-control-allow-headers"] = ", ".join(asked)
    if exposed := rule.get("ExposeHeaders"):
        headers["access-control-expose-headers"] = ", ".join(exposed)
    if rule.get("MaxAgeSeconds"):
        headers["access-control-max-age"] = str(rule["MaxAgeSeconds"])
    return headers


def _header_names(request: Request) -> list[str]:
    given = request.headers.get("access-control-request-headers", "")
    return [name.strip().lower() for name in given.split(",") if name.strip()]


def _matches(pattern: str, text: str) -> bool:
    return _expression(pattern).fullmatch(text) is not None


@lru_cache(256)
def _expression(pattern: str) -> re.Pattern[str]:
    return re.compile(".*".join(re.escape(piece) for piece in pattern.split("*")))
