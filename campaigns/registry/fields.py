"""What customers submit: each field with its rule, as its message says it."""

import re
from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import urlsplit
from uuid import UUID

from campaigns.names import LONGEST_NAME, UNSEEN, read_name
from campaigns.registry.tax_ids import is_ein, read_tax_id
from campaigns.registry.terms import (
    DESCRIPTION,
    LONGEST_LEGAL_NAME,
    LONGEST_REFERENCE,
    LONGEST_WEBSITE,
    MESSAGE,
    MESSAGE_FLOW,
    SAMPLE,
    SAMPLES,
    USE_CASES,
    VERTICALS,
)
from config.api.declared import Problem, Reads, RequestBody, doc, expected
from config.api.field_kinds import UUID_SCHEMA, read_uuid
from config.api.openapi.shapes import nullable
from config.api.parse_values import is_text

UNITED_STATES = "US"
# Messages have lines and tabs; other control characters can't be sent, and lone surrogates not stored.
_NOT_A_MESSAGE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
EIN_EXPECTED = "must be an EIN of nine digits such as 12-3456789, or give the country"
BRAND_EXAMPLE = {
    "legal_name": "Customer Incorporated",
    "tax_id": "12-3456789",
    "vertical": "RETAIL",
    "website": "https://customer.example",
    "reference_id": "brand-1",
}
SAMPLE_TEXTS = [
    "Your Customer Inc. code is 123456. It is valid for ten minutes.",
    "Customer Inc.: 654321 is your code. Reply STOP to get no more.",
]
CAMPAIGN_EXAMPLE = {
    "brand_id": "2f1d6a1b-5c0e-4f6e-9b0a-7d2c1e8f4a33",
    "name": "Sign-in codes",
    "use_case": "2FA",
    "description": "One-time codes for customers of Customer Inc. who sign in on our website.",
    "message_flow": "Customers type their number and tick a box for codes at customer.example/join.",
    "samples": SAMPLE_TEXTS,
    "opt_in_message": "Customer Inc.: you will get sign-in codes. Reply HELP or STOP.",
    "help_message": "Customer Inc.: help is at customer.example/help. Reply STOP to end.",
    "reference_id": "campaign-1",
}


def _text(bounds: tuple[int, int], *, required: bool = True) -> Reads:
    """Read text of several lines. Blanks around it do not count."""
    least, most = bounds
    rule = f"must be {least:,} to {most:,} characters of text"

    def read(value: object) -> str | None:
        if value is None and not required:
            return None
        if not isinstance(value, str) or _NOT_A_MESSAGE.search(value):
            raise Problem(rule)
        if not least <= len(value.strip()) <= most or len(value) > 2 * most:
            raise Problem(rule)
        return value.strip()

    schema = {"type": "string", "minLength": least, "maxLength": 2 * most}
    return Reads(read, schema if required else nullable(schema))


def _line(most: int, *, required: bool) -> Reads:
    """Read text of one line, whose characters a name may have, too."""
    rule = f"must be 1 to {most} visible characters in one line, not only blanks"

    def read(value: object) -> str | None:
        if value is None and not required:
            return None
        if is_text(value, longest=most):
            text = str(value).strip()
            if text and not re.search(UNSEEN, text):
                return text
        raise Problem(rule)

    schema = {"type": "string", "minLength": 1, "maxLength": most}
    return Reads(read, schema if required else nullable(schema))


def _choice(values: tuple[str, ...]) -> Reads:
    rule = f"must be one of {', '.join(values)}"

    def read(value: object) -> str:
        if isinstance(value, str) and value in values:
            return value
        raise Problem(rule)

    return Reads(read, {"type": "string", "enum": list(values)})


def _read_tax_id(value: object) -> str:
    if isinstance(value, str) and (tax_id := read_tax_id(value)):
        return tax_id
    raise Problem("must be 5 to 32 letters and digits, such as 12-3456789")


def _read_country(value: object) -> str:
    if value is None:
        return UNITED_STATES
    if isinstance(value, str) and re.fullmatch(r"[A-Z]{2}", value, re.ASCII):
        return value
    raise Problem("must be two capital letters by ISO 3166, such as US")


def _read_website(value: object) -> str:
    rule = "must be an address such as https://customer.example"
    if not is_text(value, longest=LONGEST_WEBSITE) or re.search(r"[\s\\]", str(value)):
        raise Problem(rule)
    try:
        address = urlsplit(str(value))
        host, _ = address.hostname or "", address.port
    except ValueError:
        raise Problem(rule) from None
    if (
        address.scheme not in ("http", "https")
        or "." not in host.strip(".")
        or "@" in address.netloc
    ):
        raise Problem(rule)
    return address._replace(netloc=address.netloc.lower()).geturl()


def _read_name(value: object) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise Problem(f"must be 1 to {LONGEST_NAME} printable characters")
    try:
        return read_name(value)
    except ValueError as problem:
        raise Problem(str(problem)) from None


def _read_samples(value: object) -> list[str]:
    least, most = SAMPLES
    if not isinstance(value, list) or not least <= len(value) <= most:
        raise Problem(f"must be a list of {least} to {most} messages as they will be sent")
    read, problems = _text(SAMPLE).read, {}
    texts: list[str] = []
    for position, one in enumerate(value):
        try:
            text = read(one)
        except Problem as problem:
            problems[f"[{position}]"] = str(problem)
            continue
        if text in texts:
            problems[f"[{position}]"] = "must differ from the samples before it"
        texts.append(text)
    if problems:
        raise Problem(items=problems)
    return texts


def _read_brand_id(value: object) -> UUID:
    if found := read_uuid(value):
        return found
    raise expected(value, "the id of a verified brand")


_NAME_SCHEMA = nullable({"type": "string", "minLength": 1, "maxLength": 4 * LONGEST_NAME})
_REFERENCE = (
    "Your own reference, unique among your brands. The same request again returns what it was first "
    "used for; after a rejection it submits the corrected fields. Without it, the id is the reference."
)


class BrandRequest(RequestBody):
    legal_name: Annotated[
        str,
        _line(LONGEST_LEGAL_NAME, required=True),
        doc("The company's name as its tax authority has it."),
    ]
    tax_id: Annotated[
        str,
        Reads(_read_tax_id, {"type": "string", "minLength": 5, "maxLength": 64}),
        doc("Its tax id: in the US, the EIN. It is stored encrypted, and shown by its end only."),
    ]
    vertical: Annotated[str, _choice(VERTICALS), doc("What it does.")]
    website: Annotated[
        str,
        Reads(_read_website, {"type": "string", "minLength": 1, "maxLength": LONGEST_WEBSITE}),
        doc("Its website, with `https://` or `http://`."),
    ]
    name: Annotated[
        str | None,
        Reads(_read_name, _NAME_SCHEMA),
        doc("What customers call it. Without it, the legal name."),
    ] = None
    country: Annotated[
        str,
        Reads(_read_country, nullable({"type": "string", "pattern": "^[A-Z]{2}$"})),
        doc("Where it is registered, by ISO 3166. Without it, `US`."),
    ] = UNITED_STATES
    reference_id: Annotated[
        str | None, _line(LONGEST_REFERENCE, required=False), doc(_REFERENCE)
    ] = None

    @classmethod
    def check_combinations(cls, given: Mapping[str, Any], problems: dict[str, str]) -> None:
        if given.get("country") not in (None, UNITED_STATES):
            return
        tax_id = given.get("tax_id")
        plain = read_tax_id(tax_id) if isinstance(tax_id, str) else None
        if plain and not is_ein(plain):
            problems["tax_id"] = EIN_EXPECTED

    @classmethod
    def read(cls, given: Mapping[str, Any], problems: dict[str, str]) -> "BrandRequest | None":
        read = super().read(given, problems)
        if read is not None and read.name is None:
            _name_from_legal(read.legal_name, problems)
        return read

    @property
    def display_name(self) -> str:
        return self.name or read_name(self.legal_name[:LONGEST_NAME])


def _name_from_legal(legal_name: str, problems: dict[str, str]) -> None:
    """Add the problem of a legal name that can't be the brand's name too."""
    try:
        read_name(legal_name[:LONGEST_NAME])
    except ValueError as problem:
        problems["legal_name"] = str(problem)


class CampaignRequest(RequestBody):
    brand_id: Annotated[
        UUID, Reads(_read_brand_id, UUID_SCHEMA), doc("The brand that sends; it must be verified.")
    ]
    use_case: Annotated[str, _choice(USE_CASES), doc("What the messages are for.")]
    description: Annotated[str, _text(DESCRIPTION), doc("What is sent, to whom and why.")]
    message_flow: Annotated[
        str,
        _text(MESSAGE_FLOW),
        doc("How recipients consent: where they sign up, and what they read there."),
    ]
    samples: Annotated[
        list[str],
        Reads(
            _read_samples,
            {
                "type": "array",
                "items": {"type": "string", "minLength": SAMPLE[0], "maxLength": 2 * SAMPLE[1]},
                "minItems": SAMPLES[0],
                "maxItems": SAMPLES[1],
            },
        ),
        doc("Two to five messages as they will be sent, all different."),
    ]
    opt_in_message: Annotated[
        str, _text(MESSAGE), doc("What is sent to a recipient who has signed up.")
    ]
    help_message: Annotated[
        str, _text(MESSAGE), doc("What is sent to a recipient who replies HELP.")
    ]
    opt_out_message: Annotated[
        str | None,
        _text(MESSAGE, required=False),
        doc("What is sent to a recipient who replies STOP."),
    ] = None
    name: Annotated[
        str | None,
        Reads(_read_name, _NAME_SCHEMA),
        doc("Your name for it. Without it, the use case."),
    ] = None
    reference_id: Annotated[
        str | None,
        _line(LONGEST_REFERENCE, required=False),
        doc(_REFERENCE.replace("your brands", "the campaigns of the brand")),
    ] = None
