"""Formats of dates and times in the admin: ISO 8601, which sorts as text, in UTC."""

DATE_FORMAT = "Y-m-d"
DATETIME_FORMAT = "Y-m-d H:i \\U\\T\\C"
