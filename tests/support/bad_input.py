"""Malformed input as programs meet it."""

# In a path, where an id is expected.
MALFORMED_IDS = [
    "1",
    "x",
    "null",
    "%00",
    "b5d3c4e2-7f7e-44a1-8c12-2bcd9e3f0a0",
    "b5d3c4e2-7f7e-44a1-8c12-2bcd9e3f0a012",
    "b5d3c4e27f7e44a18c122bcd9e3f0a01",
    "%7Bb5d3c4e2-7f7e-44a1-8c12-2bcd9e3f0a01%7D",
    "urn:uuid:b5d3c4e2-7f7e-44a1-8c12-2bcd9e3f0a01",
    "b5d3c4e2-7f7e-44a1-8c12-2bcd9e3f0a01%0A",
    "b5d3c4e2-7f7e-44a1-8c12-2bcd9e3f0a0%D9%A1",
    "----b5d3c4e27f7e44a18c122bcd9e3f0a01",
    "'%20OR%201=1--",
    "A" * 5000,
]
