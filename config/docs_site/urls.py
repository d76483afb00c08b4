from django.urls import path

from config.docs_site.views import (
    ConsolePage,
    FrontDoor,
    GuideMarkdown,
    GuidePage,
    LlmsText,
    OperationMarkdown,
    PlatformPage,
    ReferencePage,
    SearchIndex,
)

urlpatterns = [
    path("", FrontDoor.as_view()),
    path("docs", ReferencePage.as_view(), name="docs"),
    path("docs/", ReferencePage.as_view()),
    path("v1/docs", ReferencePage.as_view()),
    path("docs/search.json", SearchIndex.as_view(), name="docs-search"),
    path("docs/console", ConsolePage.as_view(), name="docs-console"),
    path("docs/platform", PlatformPage.as_view(), name="docs-platform"),
    path("llms.txt", LlmsText.as_view(), name="llms-txt"),
    path("docs/operations/<slug:operation>.md", OperationMarkdown.as_view()),
    path("docs/<slug:slug>.md", GuideMarkdown.as_view()),
    path("docs/<slug:slug>", GuidePage.as_view(), name="docs-guide"),
]
