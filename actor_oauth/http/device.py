"""Devices: a user enters the code that a device shows, and answers.

The question has a handle, which is valid for this user in this browser. What is
requested is read from the record of the device's actor, and that actor accepts one
answer (C-14, M-14). A link that contains the code only fills in the form: a user who
follows a stranger's link sees which code and which application it is about before being
able to answer (D-52).
"""

from urllib.parse import urlencode

from actor_oauth.actors.authorization_server import DeviceView, TooManyAttempts
from actor_oauth.http.browser import Next, csrf_token
from actor_oauth.http.display import tone, web_host
from actor_oauth.http.form_sender import form_sender
from actor_oauth.http.login import new_ticket, sign_in_page
from actor_oauth.http.page import (
    Answer,
    Move,
    Page,
    PageKind,
    already_answered,
    message,
)
from actor_oauth.http.site import SignedIn, Site, Visit, signed_in
from actor_oauth.oauth.device import parse_user_code, show_user_code
from actor_oauth.oauth.parameters import Parameters
from actor_oauth.oauth.scopes import OFFLINE_ACCESS, Scope

_ENTER = "device"
_UNKNOWN = "There is no such code, or it has expired. Check it, and try again."
_NOTHING_TICKED = "Choose at least one thing to allow, or deny the request."


async def show_device(site: Site, visit: Visit) -> Answer:
    """`GET /device`: where to type the code."""
    code = parse_user_code(visit.parameters.get("user_code") or "")
    shown = "" if code is None else show_user_code(code)
    who = await signed_in(site, visit)
    if who is None:
        # Only what was understood goes along, not whatever the link held.
        query = urlencode({"user_code": shown}).encode() if shown else b""
        return sign_in_page(
            site, visit, new_ticket(site, then=Next.DEVICE, query=query)
        )
    return _enter_page(who, shown)


async def submit_device(site: Site, visit: Visit) -> Answer:
    """`POST /device`: look up the code, and ask."""
    who = await form_sender(site, visit, _ENTER, otherwise="/device")
    if not isinstance(who, SignedIn):
        return who
    form = visit.parameters
    # By address here, by person there: a code is short, and must not be found by trying.
    typed = form.get("user_code") or ""
    seconds = site.device_codes.take(visit.caller, now=site.clock.now())
    if seconds:
        return _wait(who, typed, seconds)
    view = await site.server.find_device(
        typed, user_id=who.session.user_id, browser=who.cookie
    )
    if isinstance(view, TooManyAttempts):
        return _wait(who, typed, view.retry_after)
    if view is None:
        return _enter_page(who, typed, problem=_UNKNOWN)
    return _question(who, view)


async def submit_answer(site: Site, visit: Visit) -> Answer:
    """`POST /device/answer`: let the device in or turn it away, once."""
    who = await signed_in(site, visit)
    if who is None:
        return Move(location=site.addresses.base + "/device", after_form=True)
    form = visit.parameters
    handle, user_id = form.get("handle") or "", who.session.user_id
    view = await site.server.describe_device(
        handle, user_id=user_id, browser=who.cookie
    )
    if view is None:
        return already_answered()
    match form.get("decision"):
        case "approve":
            return await _approve(site, who, view, form)
        case "deny":
            counts = await site.server.deny_device(
                handle, user_id=user_id, browser=who.cookie
            )
            return _done("Access denied") if counts else already_answered()
        case _:
            return message("Nothing was decided", "The form came without a decision.")


async def _approve(
    site: Site, who: SignedIn, view: DeviceView, form: Parameters
) -> Answer:
    names = tuple(name for name, _ in view.scopes if form.get(f"scope:{name}"))
    if all(name == OFFLINE_ACCESS for name in names):
        return _question(who, view, problem=_NOTHING_TICKED)
    counts = await site.server.approve_device(
        view.handle,
        user_id=who.session.user_id,
        browser=who.cookie,
        scope=Scope(names),
        auth_time=who.session.auth_time,
    )
    return _done("Access allowed", good=True) if counts else already_answered()


def _wait(who: SignedIn, typed: str, seconds: int) -> Page:
    problem = f"Too many attempts. Please wait {seconds} seconds and try again."
    return _enter_page(who, typed, problem=problem, retry_after=seconds)


def _enter_page(
    who: SignedIn,
    user_code: str,
    *,
    problem: str | None = None,
    retry_after: int | None = None,
) -> Page:
    status = 200 if problem is None else 400
    return Page(
        template="device",
        values={
            "user_id": who.session.label,
            "user_code": user_code[:32],
            "csrf": csrf_token(who.cookie, _ENTER),
            "problem": problem,
        },
        kind=PageKind.FORM,
        status=status if retry_after is None else 429,
        retry_after=retry_after,
    )


def _question(who: SignedIn, view: DeviceView, *, problem: str | None = None) -> Page:
    client = view.client
    from_document = client.origin == "metadata-document"
    return Page(
        template="device_question",
        values={
            "user_id": who.session.label,
            "client_name": client.client_name or client.client_id,
            "client_host": web_host(client.client_id) if from_document else None,
            "unverified": client.origin != "pre-registered",
            "tone": tone(client.client_id),
            "user_code": view.user_code,
            "resource": view.resource,
            "resource_name": view.resource_name or web_host(view.resource),
            "scopes": view.scopes,
            "handle": view.handle,
            "problem": problem,
        },
        kind=PageKind.FORM,
        status=200 if problem is None else 400,
    )


def _done(heading: str, *, good: bool = False) -> Page:
    return message(
        heading,
        "You can go back to the device now.",
        status=200,
        symbol="good" if good else "",
        picture="check" if good else "leave",
    )
