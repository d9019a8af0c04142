"""OpenID Connect and SAML providers, which are stored only: sessions of web identities are not supported."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from scones.cloud.core.arns import Arn
from scones.cloud.service import OperationCall
from scones.cloud.services.iam.errors import already_exists, invalid_input, limit_exceeded, validation_error
from scones.cloud.services.iam.resource_records import ResourceRecords, tag_list
from scones.cloud.services.iam.tags import new_tags
from scones.cloud.wire.members import Members

_MAX_THUMBPRINTS = 5
_MAX_CLIENTS = 100
_VALIDITY = timedelta(days=36500)
"""A SAML provider without a certificate that expires is valid for a hundred years."""


class OpenIdConnectProviderOperations:
    """Operations on OpenID Connect providers."""

    def __init__(self, account: str, providers: ResourceRecords) -> None:
        self._account = account
        self._providers = providers

    async def create_open_id_connect_provider(self, call: OperationCall) -> Members:
        """Create a provider, whose ARN contains its URL."""
        params = call.params
        url, tags = urlsplit(params["Url"]), new_tags(params.get("Tags", []))
        if url.scheme != "https" or not url.netloc:
            raise validation_error("Invalid Open ID Connect Provider URL")
        _check_thumbprints(params.get("ThumbprintList", []))
        if len(params.get("ClientIDList", [])) > _MAX_CLIENTS:
            raise limit_exceeded(f"Cannot exceed quota for ClientIdsPerOpenIdConnectProvider: {_MAX_CLIENTS}")
        address = f"{url.netloc}{url.path}".rstrip("/")
        arn = str(Arn(service="iam", account=self._account, resource=f"oidc-provider/{address}"))
        if self._providers.find(arn) is not None:
            raise already_exists(f"Provider with url {params['Url']} already exists.")
        document: Members = {
            "Arn": arn,
            "Url": address,
            "ClientIDList": params.get("ClientIDList", []),
            "ThumbprintList": params.get("ThumbprintList", []),
            "CreateDate": datetime.now(UTC).timestamp(),
        }
        await self._providers.create(arn, document, tags)
        return {"OpenIDConnectProviderArn": arn, **({"Tags": tag_list(tags)} if tags else {})}

    async def get_open_id_connect_provider(self, call: OperationCall) -> Members:
        """Return a provider with its tags."""
        return {**self._providers.with_tags(call.params["OpenIDConnectProviderArn"]), "Arn": None}

    async def list_open_id_connect_providers(self, call: OperationCall) -> Members:  # noqa: ARG002
        """List the ARNs of all providers."""
        return {"OpenIDConnectProviderList": [{"Arn": each["Arn"]} for each in self._providers.all()]}

    async def add_client_id_to_open_id_connect_provider(self, call: OperationCall) -> Members:
        """Add a client ID to a provider; a second time has no effect."""
        provider, client = self._named(call), call.params["ClientID"]
        if client not in provider["ClientIDList"]:
            provider["ClientIDList"].append(client)
        await self._providers.replace(provider["Arn"], provider)
        return {}

    async def remove_client_id_from_open_id_connect_provider(self, call: OperationCall) -> Members:
        """Remove a client ID from a provider; an unknown one has no effect, as on AWS."""
        provider = self._named(call)
        provider["ClientIDList"] = [each for each in provider["ClientIDList"] if each != call.params["ClientID"]]
        await self._providers.replace(provider["Arn"], provider)
        return {}

    async def update_open_id_connect_provider_thumbprint(self, call: OperationCall) -> Members:
        """Replace the thumbprints of a provider."""
        _check_thumbprints(call.params["ThumbprintList"])
        provider = {**self._named(call), "ThumbprintList": call.params["ThumbprintList"]}
        await self._providers.replace(provider["Arn"], provider)
        return {}

    async def delete_open_id_connect_provider(self, call: OperationCall) -> Members:
        """Delete a provider; an unknown one has no effect, as on AWS."""
        arn = call.params["OpenIDConnectProviderArn"]
        if self._providers.find(arn) is not None:
            await self._providers.delete(arn)
        return {}

    def _named(self, call: OperationCall) -> Members:
        return self._providers.get(call.params["OpenIDConnectProviderArn"])


class SamlProviderOperations:
    """Operations on SAML providers."""

    def __init__(self, account: str, providers: ResourceRecords) -> None:
        self._account = account
        self._providers = providers

    async def create_saml_provider(self, call: OperationCall) -> Members:
        """Create a provider from a metadata document."""
        params = call.params
        tags = new_tags(params.get("Tags", []))
        arn = str(Arn(service="iam", account=self._account, resource=f"saml-provider/{params['Name']}"))
        if self._providers.find(arn) is not None:
            raise already_exists(f"Provider with name {params['Name']} already exists.")
        now = datetime.now(UTC)
        document: Members = {
            "Arn": arn,
            "SAMLMetadataDocument": params["SAMLMetadataDocument"],
            "CreateDate": now.timestamp(),
            "ValidUntil": _valid_until(params["SAMLMetadataDocument"], now),
        }
        await self._providers.create(arn, document, tags)
        return {"SAMLProviderArn": arn, **({"Tags": tag_list(tags)} if tags else {})}

    async def get_saml_provider(self, call: OperationCall) -> Members:
        """Return a provider with its tags."""
        return {**self._providers.with_tags(call.params["SAMLProviderArn"]), "Arn": None}

    async def update_saml_provider(self, call: OperationCall) -> Members:
        """Replace the metadata document of a provider."""
        arn = call.params["SAMLProviderArn"]
        provider = self._providers.get(arn)
        if metadata := call.params.get("SAMLMetadataDocument"):
            provider |= {"SAMLMetadataDocument": metadata, "ValidUntil": _valid_until(metadata, datetime.now(UTC))}
        await self._providers.replace(arn, provider)
        return {"SAMLProviderArn": arn}

    async def list_saml_providers(self, call: OperationCall) -> Members:  # noqa: ARG002
        """List all providers."""
        names = ("Arn", "ValidUntil", "CreateDate")
        return {"SAMLProviderList": [{name: each[name] for name in names} for each in self._providers.all()]}

    async def delete_saml_provider(self, call: OperationCall) -> Members:
        """Delete a provider."""
        await self._providers.delete(call.params["SAMLProviderArn"])
        return {}


def _check_thumbprints(thumbprints: list[str]) -> None:
    if len(thumbprints) > _MAX_THUMBPRINTS:
        raise invalid_input("Thumbprint list must contain fewer than 5 entries.")


def _valid_until(metadata: str, now: datetime) -> float:
    """Return the time in the document's attribute `validUntil`, or that of a document without one."""
    found = re.search(r'validUntil="([^"]+)"', metadata)
    try:
        return datetime.fromisoformat(found[1]).timestamp() if found else (now + _VALIDITY).timestamp()
    except ValueError:
        raise invalid_input("Could not parse metadata") from None
