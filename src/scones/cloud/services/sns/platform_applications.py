"""Operations on platform applications and platform endpoints.

They are stored and returned. The local cloud sends no push notifications.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from scones.cloud.context import CloudContext
from scones.cloud.core.text_size import utf8_size
from scones.cloud.service import OperationCall
from scones.cloud.services.sns.errors import check_arn, invalid
from scones.cloud.services.sns.platform_records import PlatformRecord, PlatformRecords
from scones.cloud.services.sns.topic_records import page
from scones.cloud.wire.members import Members

_PLATFORMS = {
    *("ADM", "BAIDU", "GCM", "MPNS", "WNS"),
    *("APNS", "APNS_SANDBOX", "APNS_VOIP", "APNS_VOIP_SANDBOX", "MACOS", "MACOS_SANDBOX"),
}
_NAME_LIMIT = 256
_NOT_IN_NAME = re.compile(r"[^A-Za-z0-9_.-]")
_SECRETS = {"PlatformCredential", "PlatformPrincipal"}
"""Attributes that AWS does not return."""
_ENDPOINT_ATTRIBUTES = {"CustomUserData", "Enabled", "Token"}
_USER_DATA_LIMIT = 2048


class PlatformApplicationOperations:
    """Operations on platform applications. Their credentials are not checked with the platform."""

    def __init__(self, cloud: CloudContext, records: PlatformRecords) -> None:
        self._cloud = cloud
        self._records = records

    async def create_platform_application(self, call: OperationCall) -> Members:
        """Store a platform application; an existing one gets the new attributes."""
        name, platform, given = call.params["Name"], call.params["Platform"], call.params["Attributes"]
        _check_name(name)
        if platform not in _PLATFORMS:
            raise invalid(f"Platform Reason: {platform} is not supported")
        _check_credentials(platform, given)
        arn = self._cloud.arn("sns", f"app/{platform}/{name}")
        await self._records.put_application(arn, {"Enabled": "true", **given})
        return {"PlatformApplicationArn": arn}

    async def delete_platform_application(self, call: OperationCall) -> Members:
        """Delete a platform application with its endpoints; do nothing if it does not exist."""
        await self._records.delete_application(call.params["PlatformApplicationArn"])
        return {}

    async def list_platform_applications(self, call: OperationCall) -> Members:
        """List the platform applications, 100 per page."""
        found, token = page(self._records.applications(), call.params.get("NextToken"))
        members = [{"PlatformApplicationArn": each.arn, "Attributes": _shown(each)} for each in found]
        return {"PlatformApplications": members, "NextToken": token}

    async def get_platform_application_attributes(self, call: OperationCall) -> Members:
        """Return the attributes of a platform application, without its credentials."""
        return {"Attributes": _shown(self._records.application(call.params["PlatformApplicationArn"]))}

    async def set_platform_application_attributes(self, call: OperationCall) -> Members:
        """Change attributes of a platform application."""
        found = self._records.application(call.params["PlatformApplicationArn"])
        await self._records.put_application(found.arn, found.attributes | call.params["Attributes"])
        return {}


class PlatformEndpointOperations:
    """Operations on platform endpoints, which are devices with an app."""

    def __init__(self, records: PlatformRecords) -> None:
        self._records = records

    async def create_platform_endpoint(self, call: OperationCall) -> Members:
        """Store an endpoint; if its token is known with the same attributes, return that endpoint."""
        params = call.params
        given, token = params.get("Attributes") or {}, params["Token"]
        application = self._records.application(params["PlatformApplicationArn"])
        own = {"CustomUserData": params["CustomUserData"]} if "CustomUserData" in params else {}
        attributes = {"Enabled": "true", "Token": token, **own, **given}
        _check_endpoint_attributes(attributes)
        found = await self._records.add_endpoint(application.arn, attributes)
        if found.attributes != attributes:
            raise invalid(
                f"Token Reason: Endpoint {found.arn} already exists with the same Token, but different attributes."
            )
        return {"EndpointArn": found.arn}

    async def delete_endpoint(self, call: OperationCall) -> Members:
        """Delete an endpoint; do nothing if it does not exist."""
        check_arn(call.params["EndpointArn"], "EndpointArn")
        await self._records.delete_endpoint(call.params["EndpointArn"])
        return {}

    async def get_endpoint_attributes(self, call: OperationCall) -> Members:
        """Return the attributes of an endpoint."""
        return {"Attributes": self._records.endpoint(call.params["EndpointArn"]).attributes}

    async def set_endpoint_attributes(self, call: OperationCall) -> Members:
        """Change attributes of an endpoint."""
        found = self._records.endpoint(call.params["EndpointArn"])
        _check_endpoint_attributes(call.params["Attributes"])
        await self._records.change_endpoint(found, found.attributes | call.params["Attributes"])
        return {}

    async def list_endpoints_by_platform_application(self, call: OperationCall) -> Members:
        """List the endpoints of a platform application, 100 per page."""
        application = self._records.application(call.params["PlatformApplicationArn"])
        found, token = page(self._records.endpoints(application.arn), call.params.get("NextToken"))
        members = [{"EndpointArn": each.arn, "Attributes": each.attributes} for each in found]
        return {"Endpoints": members, "NextToken": token}


def _shown(application: PlatformRecord) -> dict[str, str]:
    return {name: value for name, value in application.attributes.items() if name not in _SECRETS}


def _check_name(name: str) -> None:
    if not name:
        raise invalid(" Reason: cannot be empty")
    if len(name) > _NAME_LIMIT:
        raise invalid(f"{name} Reason: must be at most {_NAME_LIMIT} characters long")
    if _NOT_IN_NAME.search(name):
        raise invalid(f"{name} Reason: must contain only characters 'a'-'z', 'A'-'Z', '0'-'9', '_', '-', and '.'")


def _check_credentials(platform: str, given: Mapping[str, str]) -> None:
    if "PlatformCredential" not in given:
        principal = "PlatformPrincipal" in given
        reason = "PlatformPrincipal attribute provided without PlatformCredential"
        raise invalid(f"Attributes Reason: {reason if principal else 'PlatformCredential is missing'}")
    if "PlatformPrincipal" not in given and platform != "GCM":  # whose credential is one key
        raise invalid("Attributes Reason: PlatformCredential attribute provided without PlatformPrincipal")


def _check_endpoint_attributes(given: Mapping[str, str]) -> None:
    for name, value in given.items():
        if name not in _ENDPOINT_ATTRIBUTES:
            raise invalid(f"Attributes Reason: Invalid attribute name: {name}")
        if name == "CustomUserData" and utf8_size(value) > _USER_DATA_LIMIT:
            raise invalid(
                "Attributes Reason: Invalid value for attribute: CustomUserData: must be at most "
                f"{_USER_DATA_LIMIT} bytes long in UTF-8 encoding"
            )
        if name == "Enabled" and value.lower() not in ("true", "false"):
            raise invalid("Attributes Reason: Invalid value for attribute: Enabled: must be true or false")
