"""Generated clients: the programs that use them, and what runs them."""

# What each program prints of the life of a number, beside the numbers: a dry run, an order, a
# conflict, a release.
LIFE = {
    "total": "2.00",
    "order": 36,
    "label": "life",
    "code": "INSUFFICIENT_INVENTORY",
    "status": "released",
}
