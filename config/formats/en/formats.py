"""As long as it takes, in the order in which it sorts, and the same in every list."""

DATE_FORMAT = "Y-m-d"
DATETIME_FORMAT = "Y-m-d H:i"
