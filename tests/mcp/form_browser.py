"""A browser without a screen: follows redirects, keeps cookies, fills in forms."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

import httpx2

_REFRESH_URL = re.compile(r"url\s*=\s*'?\"?([^'\"]+)", re.IGNORECASE)


@dataclass
class Form:
    """A form of a page, with what it would send if nobody touched it."""

    action: str
    values: dict[str, str] = field(default_factory=dict)


class PageContent(HTMLParser):
    """The forms of a page, its headline, and where it leads by itself."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.heading = ""
        self.leads_to: str | None = None
        self._in_heading = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note forms, their fields, and a refresh."""
        found = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append(Form(found.get("action", "")))
        elif tag == "input" and self.forms and found.get("name"):
            kind = found.get("type", "text")
            if kind != "checkbox" or "checked" in found:
                self.forms[-1].values[found["name"]] = found.get("value", "")
        elif tag == "meta" and found.get("http-equiv", "").lower() == "refresh":
            match = _REFRESH_URL.search(found.get("content", ""))
            self.leads_to = match[1] if match else None
        self._in_heading = self._in_heading or tag == "h1"

    def handle_endtag(self, tag: str) -> None:
        """A heading may hold elements, such as a name that is isolated."""
        self._in_heading = self._in_heading and tag != "h1"

    def handle_data(self, data: str) -> None:
        """Note the headline."""
        if self._in_heading:
            self.heading += data


class FormBrowser:
    """A person's browser, at the authorization server.

    Args:
        http: Keeps the cookies.
        origin: Of the authorization server; whatever leads elsewhere is not followed.
    """

    def __init__(self, http: httpx2.AsyncClient, origin: str) -> None:
        self._http = http
        self._origin = origin
        self.headings: list[str] = []
        self.left_for: str | None = None
        self._page = PageContent("")
        self._url = origin

    async def open(self, url: str) -> None:
        """Open a page, or leave for the client."""
        await self._arrive(await self._http.get(url))

    async def submit(self, values: Mapping[str, str]) -> None:
        """Send the page's form with these fields filled in or pressed."""
        form = self._page.forms[0]
        answer = await self._http.post(
            urljoin(self._url, form.action),
            data={**form.values, **values},
            headers={"Origin": self._origin},
        )
        await self._arrive(answer)

    async def _arrive(self, answer: httpx2.Response) -> None:
        target: str | None = answer.headers.get("location")
        if target is None:
            assert answer.status_code == 200, (answer.status_code, answer.text)
            self._url = str(answer.url)
            self._page = PageContent(answer.text)
            self.headings.append(" ".join(self._page.heading.split()))
            target = self._page.leads_to
        if target is None:
            return
        target = urljoin(str(answer.url), target)
        if f"{urlsplit(target).scheme}://{urlsplit(target).netloc}" == self._origin:
            await self.open(target)
        else:
            self.left_for = target
