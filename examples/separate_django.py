"""The same as `separate_api.py`, as a Django project of one file.

    ISSUER=http://127.0.0.1:8000 CLIENT_ID=… CLIENT_SECRET=… \
        uvicorn --port 8001 separate_django:app

In a project of your own only the last line changes `asgi.py`. Any ASGI server will do.
"""

import os

from django.conf import settings
from django.core.asgi import get_asgi_application
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpResponse, JsonResponse
from django.urls import path

from actor_oauth.resource import (
    BearerMiddleware,
    IntrospectedTokens,
    IntrospectionEndpoint,
    ResourcePolicy,
    ResourceServer,
    verified_token,
)

settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["127.0.0.1"])
store: dict[str, list[str]] = {}


async def notes(request: ASGIRequest) -> HttpResponse:
    """The caller's own notes, and adding to them."""
    own = store.setdefault(verified_token(request.scope).user_id, [])
    if request.method == "POST":
        own.append(request.body.decode())
        return HttpResponse(status=201)
    return JsonResponse(own, safe=False)


async def health(_: ASGIRequest) -> HttpResponse:
    """Whether it runs; nobody needs a token for that."""
    return JsonResponse("ok", safe=False)


urlpatterns = [path("notes", notes), path("health", health)]

issuer = os.environ["ISSUER"]
resource = ResourcePolicy(
    identifier=os.environ.get("RESOURCE", "http://127.0.0.1:8001/notes"),
    scopes=("notes",),
    default_scopes=("notes",),
)
endpoint = IntrospectionEndpoint(
    f"{issuer}/introspect",
    client_id=os.environ["CLIENT_ID"],
    client_secret=os.environ["CLIENT_SECRET"],
)
tokens = IntrospectedTokens(endpoint, issuer=issuer)
server = ResourceServer(resource, issuer=issuer, validate_token=tokens.validate_token)

app = BearerMiddleware(
    get_asgi_application(), resource_server=server, public=("/health",)
)
