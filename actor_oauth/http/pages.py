"""The pages as a Quart-Trio application: routes in, values out, one place for headers.

A page's code is a function from `Visit` to `Page` or `Move`. Reading the request and
writing the response, with every header and cookie rule, is done here for all of them.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Protocol

from jinja2 import StrictUndefined
from quart import Response, has_request_context, render_template, request
from quart_trio import QuartTrio
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from actor_oauth.http import (
    account,
    authorize,
    consent,
    device,
    display,
    end_session,
    login,
)
from actor_oauth.http.browser import origin_acceptable
from actor_oauth.http.compiled_templates import COMPILED
from actor_oauth.http.following import follow_application
from actor_oauth.http.own_identity import BrowserRequest
from actor_oauth.http.page import (
    Answer,
    Image,
    Move,
    Page,
    PageKind,
    broken,
    message,
    not_from_here,
    unavailable,
)
from actor_oauth.http.page_route import PageRoute
from actor_oauth.http.peer import caller_address
from actor_oauth.http.site import Site, Visit
from actor_oauth.http.static_files import StaticFiles
from actor_oauth.oauth.parameters import parse_form
from actor_oauth.oauth.wire import Reason, Refused, to_wire

_FORM_TYPE = "application/x-www-form-urlencoded"
_QUERY_CHARACTERS = re.compile(rb"[!-\"$-~]*")
_STRICT_TRANSPORT = "max-age=31536000"


ROUTES: Sequence[PageRoute] = (
    PageRoute("/authorize", "GET", authorize.show_authorize),
    PageRoute("/authorize", "POST", authorize.resend_authorize, foreign_forms=True),
    PageRoute("/login", "GET", login.show_login),
    PageRoute("/login", "POST", login.submit_login),
    PageRoute("/consent", "GET", consent.show_consent),
    PageRoute("/consent", "POST", consent.submit_consent),
    PageRoute("/consent/logo", "GET", consent.show_logo),
    PageRoute("/device", "GET", device.show_device),
    PageRoute("/device", "POST", device.submit_device),
    PageRoute("/device/answer", "POST", device.submit_answer),
    PageRoute("/account", "GET", account.show_account),
    PageRoute("/account/revoke", "POST", account.submit_revoke),
    PageRoute("/account/forget", "POST", account.submit_forget),
    PageRoute("/account/sign-out-everywhere", "POST", account.submit_everywhere),
    PageRoute("/end_session", "GET", end_session.show_end_session),
    PageRoute(
        "/end_session", "POST", end_session.resend_end_session, foreign_forms=True
    ),
    PageRoute("/end_session/confirm", "POST", end_session.submit_end_session),
    PageRoute("/logout", "GET", account.show_logout),
    PageRoute("/logout", "POST", account.submit_logout),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What every template shows or links to."""

    service_name: str
    issuer_host: str
    base: str
    style: str
    script: str
    icon: str


def build_pages(
    site: Site, static: StaticFiles, further: Sequence[PageRoute] = ()
) -> QuartTrio:
    """Build the application that answers for every page and every unknown path.

    Args:
        site: Ours.
        static: What pages link to.
        further: Pages of features that are on.
    """
    app = QuartTrio("actor_oauth.http", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = site.options.body_bytes
    app.config["BODY_TIMEOUT"] = site.options.body_seconds
    # A slash too many is another path: no redirect that repeats a query with secrets.
    app.url_map.merge_slashes = False
    app.url_map.strict_slashes = True
    _set_up_templates(app, site, static)
    policy = site.server.policy
    absent = [
        path
        for path, offered in (
            ("/device", policy.device_authorization_enabled),
            ("/end_session", policy.openid_enabled),
        )
        if not offered
    ]
    for route in (*ROUTES, *further):
        if route.path.startswith(tuple(absent)):
            continue
        app.add_url_rule(
            site.addresses.base + route.path,
            endpoint=f"{route.method} {route.path}",
            view_func=_view_function(site, route),
            methods=[route.method],
            provide_automatic_options=False,
        )
    _set_up_errors(app, site)
    return app


def _set_up_templates(app: QuartTrio, site: Site, static: StaticFiles) -> None:
    environment = app.jinja_env
    environment.bytecode_cache = COMPILED
    environment.undefined = StrictUndefined
    environment.trim_blocks = environment.lstrip_blocks = True
    environment.filters["display"] = display.display_text
    environment.filters["initial"] = display.initial
    environment.filters["day"] = display.day
    environment.filters["since"] = display.since
    environment.globals["look"] = Look(
        service_name=site.options.service_name,
        issuer_host=site.addresses.host,
        base=site.addresses.base,
        style=static.style,
        script=static.script,
        icon=static.mark,
    )


class _ViewFunction(Protocol):
    async def __call__(self, **segments: str) -> Response: ...


def _view_function(site: Site, route: PageRoute) -> _ViewFunction:
    async def view(**segments: str) -> Response:
        own_form = route.method == "POST" and not route.foreign_forms
        origin, ours = request.headers.get("Origin"), site.addresses.origin
        if own_form and not origin_acceptable(origin, ours=ours):
            answer: Answer = not_from_here()
        else:
            visit = await _read_visit(site, segments)
            answer = (
                visit if isinstance(visit, Page) else await _answer(site, route, visit)
            )
        _note(site, answer, route.path.strip("/"))
        return await _respond(site, answer)

    return view


def _note(site: Site, answer: Answer, endpoint: str) -> None:
    if isinstance(answer, Page) and answer.refused is not None:
        site.server.refusals.note(
            Refused(answer.refused),
            endpoint,
            status=answer.status,
            caller=_caller(site),
        )


async def _answer(site: Site, route: PageRoute, visit: Visit) -> Answer:
    """Run a page's code, as the user whom the application names, if it does."""
    if site.own_identity is None:
        return await route.view(site, visit)
    asked = BrowserRequest(
        path=request.path,
        cookies=visit.cookies,
        headers={name.lower(): value for name, value in request.headers.items()},
    )
    visit, cookie = await follow_application(site, site.own_identity, visit, asked)
    answer = await route.view(site, visit)
    if cookie is None or isinstance(answer, Image):
        return answer
    return replace(answer, cookies=(*answer.cookies, cookie))


async def _read_visit(site: Site, segments: Mapping[str, str]) -> Visit | Page:
    """Read the request strictly, or the page that refuses it."""
    query = request.query_string
    if request.method == "POST":
        if request.mimetype != _FORM_TYPE:
            return _malformed(Reason.MEDIA_TYPE_WRONG)
        query = await request.get_data(
            cache=False, as_text=False, parse_form_data=False
        )
    parameters = parse_form(query)
    if isinstance(parameters, Refused):
        return _malformed(parameters.reason)
    if not _QUERY_CHARACTERS.fullmatch(query):
        return _malformed(Reason.FORM_MALFORMED)
    return Visit(
        query=query,
        parameters=parameters,
        cookies=request.cookies,
        segments=segments,
        caller=_caller(site),
    )


def _caller(site: Site) -> str:
    client = request.scope.get("client")
    return caller_address(
        client[0] if client else "",
        [line.encode("latin-1") for line in request.headers.getlist("X-Forwarded-For")],
        hops=site.options.trusted_proxy_hops,
    )


def _malformed(reason: Reason) -> Page:
    error = to_wire(reason)
    return message(
        "This request is malformed",
        error.description,
        status=error.status,
        code=error.error,
        refused=reason,
    )


async def _respond(site: Site, answer: Answer) -> Response:
    """Render an answer with every header that its kind demands."""
    if isinstance(answer, Move):
        response = Response("", status=answer.status)
        response.headers["Location"] = answer.location
        kind = PageKind.NOTICE
    elif isinstance(answer, Image):
        picture = answer.picture
        response = Response(picture.body, mimetype=picture.media_type)
        response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
        kind = PageKind.PICTURE
    else:
        text = await render_template(f"{answer.template}.html", **answer.values)
        response = Response(text, status=answer.status, mimetype="text/html")
        kind = answer.kind
        if answer.retry_after is not None:
            response.headers["Retry-After"] = str(answer.retry_after)
    response.headers.update(kind.headers)
    if site.addresses.secure:
        response.headers["Strict-Transport-Security"] = _STRICT_TRANSPORT
    for cookie in () if isinstance(answer, Image) else answer.cookies:
        response.set_cookie(
            cookie.name,
            cookie.value,
            max_age=cookie.max_age,
            path="/",
            secure=site.addresses.secure,
            httponly=True,
            samesite="Lax",
        )
    return response


def _set_up_errors(app: QuartTrio, site: Site) -> None:
    async def refused(error: HTTPException) -> Response:
        if not has_request_context():
            # A WebSocket, which nothing here speaks: a stranger's try is no fault of ours.
            return Response("", status=error.code)
        page = _http_error(error)
        _note(site, page, _endpoint(site))
        response = await _respond(site, page)
        if isinstance(error, MethodNotAllowed) and error.valid_methods:
            response.headers["Allow"] = ", ".join(sorted(error.valid_methods))
        return response

    async def failed(fault: Exception) -> Response:
        reason = site.faults.log(fault, method=request.method, path=request.path)
        site.server.refusals.fault(reason, _endpoint(site), fault)
        retry_after = to_wire(reason).retry_after
        page = broken() if retry_after is None else unavailable(retry_after)
        return await _respond(site, page)

    app.register_error_handler(HTTPException, refused)
    app.register_error_handler(Exception, failed)


def _http_error(error: HTTPException) -> Page:
    """What the framework refused, in our words."""
    status = error.code or 400
    heading, text, reason = _HTTP_ERRORS.get(status, _MALFORMED)
    return message(heading, text, status=status, symbol="", refused=reason)


# Pages that do not exist are not reported: robots look for thousands.
_HTTP_ERRORS: Final[Mapping[int, tuple[str, str, Reason | None]]] = {
    404: ("Page not found", "There is nothing at this address.", None),
    405: (
        "Not possible here",
        "This page cannot be used in that way.",
        Reason.METHOD_NOT_ALLOWED,
    ),
    408: ("Too slow", "The request did not arrive in time.", Reason.BODY_TOO_SLOW),
    413: (
        "Too large",
        "The request is larger than this server reads.",
        Reason.FORM_TOO_LARGE,
    ),
}
_MALFORMED: Final = (
    "This request is malformed",
    "It was not read.",
    Reason.FORM_MALFORMED,
)


def _endpoint(site: Site) -> str:
    """The page's name; of a page that is not there the visitor's words are not used."""
    rule = request.url_rule
    return (
        "" if rule is None else rule.rule.removeprefix(site.addresses.base).strip("/")
    )
