"""What django_toolkit.py serves."""

from django.http import HttpRequest, HttpResponse
from django.urls import include, path
from oauth2_provider import urls
from oauth2_provider.decorators import protected_resource

from benchmarks.peers.servers.django_minting import mint
from benchmarks.peers.servers.minted import SCOPE


@protected_resource(scopes=[SCOPE])
def protected(_request: HttpRequest) -> HttpResponse:
    return HttpResponse("{}")


def minted(request: HttpRequest, kind: str) -> HttpResponse:
    return HttpResponse(mint(kind, int(request.GET["count"])))


urlpatterns = [
    path("oauth/", include(urls)),
    path("bench/protected", protected),
    path("bench/<str:kind>", minted),
]
