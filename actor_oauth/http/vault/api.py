"""The vault for programs: JSON for the bearer of a token of the vault's own user.

The guard in front has checked the token; each caller gets the routes of its own user and
no others (I-39).
"""

import re
from typing import Final, TypeAlias

from hypercorn.typing import (
    ASGIFramework,
    ASGIReceiveCallable,
    ASGISendCallable,
    Scope,
)

from actor_oauth.http.asgi import BodyLimits, Route, RoutedApp
from actor_oauth.http.messages import Request, Response
from actor_oauth.http.options import HttpOptions
from actor_oauth.http.render import private_json, refusal
from actor_oauth.oauth.json_values import Json, get_text, get_texts, parse_json_object
from actor_oauth.oauth.parameters import Parameters, parse_form
from actor_oauth.oauth.upstream.failures import UpstreamFailed, UpstreamFault
from actor_oauth.oauth.wire import Reason
from actor_oauth.upstream.vault import Authorization, ProviderInfo, Vault
from actor_oauth.upstream.vault.reporting import status_of
from actor_oauth.upstream.vault.vault import MAX_URLS

_JSON: Final = b"application/json"
# As `Authorization.version` is written here.
_VERSION: Final = re.compile(r"([0-9]{1,9})\.([0-9]{1,9})")
_NO_CONTENT: Final = 204
_FOR_THE_USER: Final = (
    UpstreamFault.NOT_CONNECTED,
    UpstreamFault.REAUTHORIZATION_NEEDED,
)
_NOT_FOUND: Final = private_json({"error": "not_found"}, status=404)

Members: TypeAlias = dict[str, Json]


def build_vault_api(
    vault: Vault, user_id: str, *, path: str, options: HttpOptions
) -> ASGIFramework:
    """Build the API of one user.

    Args:
        vault: Of all users.
        user_id: Whose token the caller brought.
        path: Where it is mounted, from the server's root.
        options: Limits.
    """
    api = _Api(vault, user_id)
    routes = {
        "/authorization": Route(endpoint=api.authorization, method="GET", cors=False),
        "/providers": Route(
            endpoint=api.providers,
            method="GET",
            further_methods=("DELETE",),
            cors=False,
        ),
        "/refresh": Route(
            endpoint=api.refresh, method="POST", media_type=_JSON, cors=False
        ),
        "/rejected": Route(
            endpoint=api.rejected, method="POST", media_type=_JSON, cors=False
        ),
    }
    return RoutedApp(
        {path + name: route for name, route in routes.items()},
        _nothing_behind,
        unknown_document=Route(endpoint=_not_found, method="GET", cors=False),
        limits=BodyLimits(size=options.body_bytes, seconds=options.body_seconds),
    )


class _Api:
    def __init__(self, vault: Vault, user_id: str) -> None:
        self._vault = vault
        self._user_id = user_id

    async def authorization(self, request: Request) -> Response:
        """`GET /authorization?url=…`: the header to send there."""
        url = _parameter(request, "url")
        if url is None:
            return refusal(Reason.PARAMETER_MISSING)
        found = await self._vault.get_authorization(self._user_id, url)
        return self._given(found, url)

    async def rejected(self, request: Request) -> Response:
        """`POST /rejected` with `{"url": …, "version": …}`: a better header, if any."""
        members = parse_json_object(request.body) or {}
        url, named = get_text(members, "url"), get_text(members, "version")
        version = _VERSION.fullmatch(named or "")
        if url is None or version is None:
            return refusal(Reason.PARAMETER_MISSING)
        found = await self._vault.report_rejection(
            self._user_id, url, (int(version[1]), int(version[2]))
        )
        return self._given(found, url)

    async def providers(self, request: Request) -> Response:
        """`GET /providers` lists, all or those of `url=…`; `DELETE` removes one."""
        if request.method != "DELETE":
            url = _parameter(request, "url")
            urls = None if url is None else [url]
            found = await self._vault.list_providers(self._user_id, urls)
            return private_json(
                {"providers": [_listed(provider) for provider in found]}
            )
        resource = _parameter(request, "resource")
        if resource is None:
            return refusal(Reason.PARAMETER_MISSING)
        if not await self._vault.remove(self._user_id, resource):
            failed = UpstreamFailed(fault=UpstreamFault.NOT_CONNECTED)
            return self._failed(failed, resource)
        return Response(status=_NO_CONTENT)

    async def refresh(self, request: Request) -> Response:
        """`POST /refresh` with `{"urls": […], "force": false}`: what each came to."""
        members = parse_json_object(request.body) or {}
        urls = get_texts(members, "urls")
        if not urls or len(urls) > MAX_URLS:
            return refusal(Reason.PARAMETER_MISSING)
        force = members.get("force") is True
        answers = await self._vault.refresh(self._user_id, urls, force=force)
        return private_json(
            {
                "results": {
                    url: self._error(answer, url)
                    if isinstance(answer, UpstreamFailed)
                    else _described(answer)
                    for url, answer in answers.items()
                }
            }
        )

    def _given(self, found: Authorization | UpstreamFailed, url: str) -> Response:
        if isinstance(found, UpstreamFailed):
            return self._failed(found, url)
        return private_json(
            {
                **_described(found),
                "authorization": found.header,
                "version": ".".join(map(str, found.version)),
            }
        )

    def _failed(self, failed: UpstreamFailed, url: str) -> Response:
        response = private_json(self._error(failed, url), status=status_of(failed))
        if failed.retry_after is None:
            return response
        wait = (b"retry-after", b"%d" % failed.retry_after)
        return Response(
            status=response.status,
            headers=(*response.headers, wait),
            body=response.body,
        )

    def _error(self, failed: UpstreamFailed, url: str) -> Members:
        members: Members = {
            "error": str(failed.fault),
            "error_description": failed.fault.text,
        }
        if failed.fault in _FOR_THE_USER:
            members["login_url"] = self._vault.login_url(url)
        return members


def _described(found: Authorization) -> Members:
    return {"resource": found.resource, "expires_at": found.expires_at}


def _listed(provider: ProviderInfo) -> Members:
    return {
        "resource": provider.resource,
        "name": provider.name,
        "public": provider.is_public,
        "needs_authorization": provider.needs_authorization,
        "issuer": provider.issuer,
        "scope": str(provider.scope),
        "created_at": provider.created_at,
        "expires_at": provider.expires_at,
        "metadata": provider.metadata,
        "reauthorize_url": provider.reauthorize_url,
    }


def _parameter(request: Request, name: str) -> str | None:
    query = parse_form(request.query_string)
    return query.get(name) if isinstance(query, Parameters) else None


async def _not_found(_request: Request) -> Response:
    return _NOT_FOUND


async def _nothing_behind(
    _scope: Scope, _receive: ASGIReceiveCallable, send: ASGISendCallable
) -> None:
    await send(
        {
            "type": "http.response.start",
            "status": _NOT_FOUND.status,
            "headers": list(_NOT_FOUND.headers),
            "trailers": False,
        }
    )
    await send(
        {"type": "http.response.body", "body": _NOT_FOUND.body, "more_body": False}
    )
