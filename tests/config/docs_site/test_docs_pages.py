"""``/docs``: complete operations, truthful guides, and links without a dead end."""

import gzip
import re
from html.parser import HTMLParser

import pytest
from django.test import Client

from config.api.openapi.views import schema
from config.docs_site.guides import FOLDER, LOCAL, ORDER, all_guides
from numbers.mcp.confirmation import ConfirmationExpired, PriceChanged
from numbers.orders import sandbox
from tests.support.api_client import ORDERS, Api
from tests.support.openapi_conformance import Published

PUBLISHED = Published(schema())
OPERATIONS = {
    one["operationId"]: (path, method, one) for path, method, one in PUBLISHED.operations()
}
REFERENCES = ("/docs", "/docs/platform")
PAGES = [*REFERENCES, "/docs/console", "/docs/changelog", *(f"/docs/{slug}" for slug in ORDER)]


class Page(HTMLParser):
    """The tags, links and anchors of a page; unclosed elements are a mistake."""

    VOID = frozenset({"meta", "link", "img", "input", "br", "hr"})

    def __init__(self, path: str) -> None:
        super().__init__()
        answer = Client().get(path)
        assert answer.status_code == 200
        assert answer["Content-Type"] == "text/html; charset=utf-8"
        self.html = answer.content.decode()
        self.anchors: list[str] = []
        self.links: list[str] = []
        self.tags: list[tuple[str, dict]] = []
        self.open: list[str] = []
        self.feed(self.html)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        self.tags.append((tag, attributes))
        if tag not in self.VOID:
            self.open.append(tag)
        if "id" in attributes:
            self.anchors.append(attributes["id"])
        if "href" in attributes and tag == "a":
            self.links.append(attributes["href"])

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, (tag, self.getpos())

    def section(self, id: str) -> str:
        """The text of one operation, tags and all."""
        return re.search(rf'<article id="{id}".*?</article>', self.html, re.DOTALL)[0]


def page_of_path(path: str) -> str:
    return "/docs/platform" if path.startswith("/v1/platform/") else "/docs"


@pytest.fixture(scope="module")
def references() -> dict[str, Page]:
    return {path: Page(path) for path in REFERENCES}


@pytest.fixture(scope="module")
def reference(references) -> Page:
    return references["/docs"]


@pytest.mark.parametrize("path", PAGES)
def test_page_obeys_the_strict_policy_and_loads_nothing_foreign(path):
    page = Page(path)
    assert "default-src 'none'" in Client().get(path)["Content-Security-Policy"]
    assert len(page.anchors) == len(set(page.anchors))
    for tag, attributes in page.tags:
        assert tag != "style"
        assert not [name for name in attributes if name == "style" or name.startswith("on")]
        assert tag != "script" or attributes["src"].startswith("/static/")
        loaded = attributes.get("src") or (attributes.get("href") if tag == "link" else None)
        assert loaded is None or (loaded.startswith("/static/") and not loaded.startswith("//"))


def test_every_asset_of_the_pages_exists(reference):
    from django.contrib.staticfiles import finders

    for path in PAGES:
        for tag, attributes in Page(path).tags:
            for name in ("src", "href"):
                if tag != "a" and attributes.get(name, "").startswith("/static/"):
                    assert finders.find(attributes[name].removeprefix("/static/")), attributes[name]


def test_root_redirects_to_the_docs():
    assert Client().get("/")["Location"] == "/docs"
    assert Client().post("/").json()["error"]["code"] == "METHOD_NOT_ALLOWED"


@pytest.mark.parametrize("path", ["/docs/", "/v1/docs"])
def test_usual_reference_addresses_redirect(path, reference):
    assert Client().get(path).content.decode() == reference.html


@pytest.mark.parametrize("id", OPERATIONS)
def test_each_endpoint_has_its_section(references, id):
    path, method, operation = OPERATIONS[id]
    section = references[page_of_path(path)].section(id)
    assert f"<code>{path}</code>" in section
    assert f">{method}</span>" in section
    for scope in [scope for one in operation["security"] for scope in one["apiKey"]]:
        assert f"Requires the <code>{scope}</code> scope" in section
    for parameter in map(PUBLISHED.resolve, operation.get("parameters", [])):
        assert f"<code>{parameter['name']}</code>" in section
    for status in operation["responses"]:
        assert re.search(rf'<span class="status \w+">{status}</span>', section)
    for language in ("curl", "typescript", "python"):
        assert f'class="code sample {language}"' in section
    assert "TypeScript definition" in section
    assert f"/docs/console#/{operation['tags'][0].replace(' ', '%20')}/{id}" in section


def test_each_reference_lists_its_own_endpoints(references):
    for page, shown in references.items():
        listed = {link for link in shown.links if link.startswith(f"{page}#")}
        own = {id for id, (path, _, _) in OPERATIONS.items() if page_of_path(path) == page}
        assert {f"{page}#{id}" for id in own} <= listed
        others = {link for link in shown.links if link.startswith("/docs") and "#" in link} - listed
        assert not {link.partition("#")[2] for link in others} & OPERATIONS.keys()


def test_each_response_names_its_error_codes(reference):
    summaries = re.findall(r"<summary>.*?</summary>", reference.section("orderNumbers"))
    (conflict,) = [one for one in summaries if ">409</span>" in one]
    for code in (
        "CAMPAIGN_NOT_ACTIVE",
        "BRAND_NOT_VERIFIED",
        "INSUFFICIENT_INVENTORY",
        "IDEMPOTENCY_IN_PROGRESS",
    ):
        assert f"<code>{code}</code>" in conflict


def test_sample_calls_use_the_requested_host(settings):
    settings.ALLOWED_HOSTS = ["desk.example"]
    page = Client().get("/docs", headers={"Host": "desk.example"}).content.decode()
    assert "http://desk.example/v1/phone-numbers/orders" in page
    assert "testserver" not in page


@pytest.mark.parametrize("path", REFERENCES)
def test_page_is_sent_compressed_and_only_once(references, path):
    answer = Client().get(path, headers={"Accept-Encoding": "gzip"})
    assert gzip.decompress(answer.content).decode() == references[path].html
    assert len(answer.content) < len(references[path].html) / 8
    assert Client().get(path, headers={"If-None-Match": answer["ETag"]}).status_code == 304


def test_every_link_has_a_target():
    pages = {path: Page(path) for path in PAGES}
    for page in pages.values():
        for link in page.links:
            path, _, anchor = link.partition("#")
            target = pages.get(path) if path else page
            if link.startswith("https://"):
                continue  # another site
            if target is None:
                assert Client().get(path).status_code == 200, link
            elif anchor and not anchor.startswith("/"):
                assert anchor in target.anchors, link


def test_every_search_target_exists():
    pages = {path: Page(path) for path in PAGES}
    entries = Client().get("/docs/search.json").json()
    for entry in entries:
        path, _, anchor = entry["href"].partition("#")
        assert not anchor or anchor in pages[path].anchors, entry
    found = {entry["href"] for entry in entries}
    assert {f"{page_of_path(path)}#{id}" for id, (path, _, _) in OPERATIONS.items()} <= found
    order = next(entry for entry in entries if entry["href"] == "/docs#orderNumbers")
    assert {"insufficient_inventory", "post", "409", "dry_run"} <= set(order["words"].split())


def test_unknown_guide_is_404_in_the_envelope():
    answer = Client().get("/docs/nowhere")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "NOT_FOUND")


# --- what the guides say -------------------------------------------------------------------------


def test_every_guide_in_the_folder_has_its_page():
    assert {path.stem for path in FOLDER.glob("*.md")} == set(all_guides())
    assert all(LOCAL not in Page(f"/docs/{slug}").html for slug in ORDER)


def codes_in(schema_of_code: dict) -> list[str]:
    return schema_of_code.get("enum") or [schema_of_code["const"]]


def codes_of_the_document() -> set[tuple[str, str]]:
    components = schema()["components"]
    names = {
        name: codes_in(PUBLISHED.resolve(one["properties"]["error"])["properties"]["code"])
        for name, one in components["schemas"].items()
        if "success" in one.get("properties", {}) and "error" in one["properties"]
    }
    found = set()
    for _, _, operation in OPERATIONS.values():
        for status, answer in operation["responses"].items():
            found |= {
                (status, code)
                for name, codes in names.items()
                if f"/{name}'" in str(PUBLISHED.resolve(answer))
                for code in codes
            }
    # Those of tools: in the result of a call, not in a response of its own.
    of_tools = {(str(one.status), one.code) for one in (ConfirmationExpired, PriceChanged)}
    return found | of_tools | {("405", "METHOD_NOT_ALLOWED")}


def test_errors_guide_has_every_code_and_no_other():
    rows = re.findall(r"^\| (\d{3}) \| `([A-Z_]+)` \|", all_guides()["errors"].text, re.MULTILINE)
    assert len(rows) == len(set(rows))
    assert set(rows) == codes_of_the_document()


def test_sandbox_guide_describes_each_magic_number(cast):
    rows = re.findall(
        r"^\| `(\+\d+)` \| (\d{3})(?: `([A-Z_]+)`)? \|", all_guides()["sandbox"].text, re.MULTILINE
    )
    assert {number for number, _, _ in rows} == {*sandbox.REFUSALS, sandbox.GOES_WELL}
    for number, status, code in rows:
        answer = Api(cast.sandbox_key).order([number])
        assert (str(answer.status_code), answer.json().get("error", {}).get("code", "")) == (
            status,
            code,
        )
        assert PUBLISHED.problems("POST", ORDERS, answer) == []
    known_to_holds = re.findall(r"`(\d{4})`", all_guides()["sandbox"].text)
    assert {f"+1500555{number}" for number in known_to_holds} == {
        *sandbox.REFUSALS_OF_HOLDS,
        sandbox.GOES_WELL,
    }
