"""States and provinces of North America in canonical form: ISO 3166-2, such as US-CA.

For other countries a region is free text.
"""

import re

REGION_NAMES = {
    "US-AL": "Alabama", "US-AK": "Alaska", "US-AZ": "Arizona", "US-AR": "Arkansas", "US-CA": "California",
    "US-CO": "Colorado", "US-CT": "Connecticut", "US-DE": "Delaware", "US-DC": "District of Columbia",
    "US-FL": "Florida", "US-GA": "Georgia", "US-HI": "Hawaii", "US-ID": "Idaho", "US-IL": "Illinois",
    "US-IN": "Indiana", "US-IA": "Iowa", "US-KS": "Kansas", "US-KY": "Kentucky", "US-LA": "Louisiana",
    "US-ME": "Maine", "US-MD": "Maryland", "US-MA": "Massachusetts", "US-MI": "Michigan", "US-MN": "Minnesota",
    "US-MS": "Mississippi", "US-MO": "Missouri", "US-MT": "Montana", "US-NE": "Nebraska", "US-NV": "Nevada",
    "US-NH": "New Hampshire", "US-NJ": "New Jersey", "US-NM": "New Mexico", "US-NY": "New York",
    "US-NC": "North Carolina", "US-ND": "North Dakota", "US-OH": "Ohio", "US-OK": "Oklahoma", "US-OR": "Oregon",
    "US-PA": "Pennsylvania", "US-RI": "Rhode Island", "US-SC": "South Carolina", "US-SD": "South Dakota",
    "US-TN": "Tennessee", "US-TX": "Texas", "US-UT": "Utah", "US-VT": "Vermont", "US-VA": "Virginia",
    "US-WA": "Washington", "US-WV": "West Virginia", "US-WI": "Wisconsin", "US-WY": "Wyoming",
    "US-AS": "American Samoa", "US-GU": "Guam", "US-MP": "Northern Mariana Islands", "US-PR": "Puerto Rico",
    "US-VI": "Virgin Islands",
    "CA-AB": "Alberta", "CA-BC": "British Columbia", "CA-MB": "Manitoba", "CA-NB": "New Brunswick",
    "CA-NL": "Newfoundland and Labrador", "CA-NS": "Nova Scotia", "CA-NT": "Northwest Territories",
    "CA-NU": "Nunavut", "CA-ON": "Ontario", "CA-PE": "Prince Edward Island", "CA-QC": "Quebec",
    "CA-SK": "Saskatchewan", "CA-YT": "Yukon",
}  # fmt: skip
_OTHER_NAMES = {
    "washingtondc": "US-DC", "dc": "US-DC", "québec": "CA-QC", "newfoundland": "CA-NL", "labrador": "CA-NL",
    "pei": "CA-PE", "yukonterritory": "CA-YT", "nwt": "CA-NT", "usvirginislands": "US-VI",
}  # fmt: skip
# Any code of this form is accepted: +1 also has other countries.
REGION_CODE = r"^[A-Z]{2}-[A-Z0-9]{1,3}$"


def _key(text: str) -> str:
    return re.sub(r"[\W_]+", "", text.casefold())


_CODES = {
    **{_key(name): code for code, name in REGION_NAMES.items()},
    **{_key(code[3:]): code for code in REGION_NAMES},
    **{_key(code): code for code in REGION_NAMES},
    **{_key(code.replace("US", "USA")): code for code in REGION_NAMES if code[:2] == "US"},
    **_OTHER_NAMES,
}


def read_region(text: str, *, number: str, place: str) -> str:
    """Return the canonical form of a region. `place` is the region of the number's area code.

    Raise ValueError with the reason if a North American region is unknown or ambiguous.
    """
    if not number.startswith("+1"):
        code = text.upper()
        return code if re.fullmatch(REGION_CODE, code, re.ASCII) else text
    if _key(text) == "ca" and place[:2] != "US":
        raise ValueError(
            "may be California or Canada: write it as US-CA, or as a province such as CA-ON"
        )
    code = _CODES.get(_key(text), text.upper())
    if re.fullmatch(REGION_CODE, code, re.ASCII):
        return code
    raise ValueError("is not a state or province such as US-CA")
