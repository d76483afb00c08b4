"""The docs for programs: ``/llms.txt``, guides and operations as Markdown."""

import re

import pytest
from django.test import Client

from config.api.openapi.views import schema
from config.docs_site.guides import LOCAL, ORDER, all_guides, error_codes
from config.docs_site.plain_text import operations
from tests.support.openapi_conformance import Published, examples_in

PUBLISHED = Published(schema())
TEXT = "text/markdown; charset=utf-8"


def text_of(path):
    response = Client().get(path)
    assert (response.status_code, response["Content-Type"]) == (200, TEXT), path
    return response.content.decode()


def links_in(text):
    return re.findall(r"\]\((http://testserver[^)]*)\)", text)


def test_llms_text_leads_to_everything():
    text = text_of("/llms.txt")
    assert text.startswith("# Numberdesk\n\n> ")
    paths = [one.removeprefix("http://testserver") for one in links_in(text)]
    assert {f"/docs/{slug}.md" for slug in ORDER} <= set(paths)
    assert {f"/docs/operations/{id}.md" for id in operations(schema())} <= set(paths)
    assert len(paths) == len(set(paths))
    for path in paths:
        assert Client().get(path).status_code == 200, path


@pytest.mark.parametrize("slug", ORDER)
def test_guide_is_there_as_its_own_markdown(slug):
    text = text_of(f"/docs/{slug}.md")
    assert text == all_guides()[slug].text.replace(LOCAL, "http://testserver")
    assert f'href="/docs/{slug}.md"' in Client().get(f"/docs/{slug}").content.decode()


@pytest.mark.parametrize("id", operations(schema()))
def test_operation_is_there_as_markdown(id):
    method, path, operation = operations(schema())[id]
    text = text_of(f"/docs/operations/{id}.md")
    assert text.startswith(f"# {operation['summary']}\n\n`{method} http://testserver{path}`\n")
    for status in operation["responses"]:
        assert f"\n## {status} " in text
    for one in map(PUBLISHED.resolve, operation.get("parameters", [])):
        assert f"| `{one['name']}` |" in text


def test_reference_page_leads_to_each_operations_markdown():
    pages = "".join(Client().get(path).content.decode() for path in ("/docs", "/docs/platform"))
    for id in operations(schema()):
        assert f'href="/docs/operations/{id}.md"' in pages


@pytest.mark.parametrize("path", ["/docs/nowhere.md", "/docs/operations/nothing.md"])
def test_unknown_text_is_404(path):
    response = Client().get(path)
    assert (response.status_code, response.json()["error"]["code"]) == (404, "NOT_FOUND")


def test_changelog_has_its_page_without_links_to_files():
    page = Client().get("/docs/changelog").content.decode()
    assert "The first release" in page
    assert re.findall(r'href="(?!/|https?:|#)[^"]*"', page) == []
    assert text_of("/docs/changelog.md").startswith("# Changelog")


def test_text_is_sent_once():
    first = Client().get("/llms.txt")
    again = Client().get("/llms.txt", headers={"If-None-Match": first["ETag"]})
    assert again.status_code == 304


@pytest.mark.parametrize("code", error_codes())
def test_each_error_code_has_its_anchor(code):
    page = Client().get("/docs/errors").content.decode()
    anchor = code.lower().replace("_", "-")
    assert page.count(f'<td id="{anchor}">') == 1


def test_every_described_status_has_an_example():
    for _, _, operation in PUBLISHED.operations():
        for status, response in operation["responses"].items():
            content = PUBLISHED.resolve(response)["content"]
            assert not content or examples_in(content), (operation["operationId"], status)
