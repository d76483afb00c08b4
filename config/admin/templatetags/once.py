"""The token of a form that must not be carried out twice."""

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from config.admin.once import FIELD, new_token

register = template.Library()


@register.simple_tag
def form_token() -> SafeString:
    """Return a hidden field with a token that is new for each loaded page."""
    return format_html('<input type="hidden" name="{}" value="{}">', FIELD, new_token())
