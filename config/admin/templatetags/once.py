"""The token of a form that must not be carried out twice."""

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from config.admin.once import FIELD, new_token

register = template.Library()


@register.simple_tag
def form_token() -> SafeString:
    """Return the hidden field; each page that is loaded has a token of its own."""
    return format_html('<input type="hidden" name="{}" value="{}">', FIELD, new_token())
