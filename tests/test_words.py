"""The words of docs/glossary.md and CONTRIBUTING.md, held: what is said, and how."""

import ast
import re
import subprocess
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
MAX_TEST_NAME = 60
MAX_LINE = 100

# Each with what to say instead. Words of the contract that contain one are spelled out below.
BANNED = {
    r"deeds?": "bulk action",
    r"(?:fore)?tell(?:s|ing)?|(?:fore)?told": "say, record, describe, report",
    r"anew": "again",
    r"meanwhile": "in the meantime",
    r"lately": "recently",
    r"whoever": "a noun: the caller, the operator",
    r"nobody|somebody": "nothing, another transaction, no caller",
    r"heeds?": "obey, follow",
    r"lets? go|letting go": "release",
    r"comes? to nothing": "is rolled back",
    r"opens? (?:a|no) door": "authenticates",
    r"wish(?:es)?": "demand: what is asked for",
    r"of which|but for": "two sentences; except",
}
BANNED_WORD = re.compile(r"\b(?:" + "|".join(BANNED) + r")\b", re.IGNORECASE)
ALLOWED = {
    # Python's and PostgreSQL's own words.
    ".tell(",
    # An account of Unix.
    '"nobody"',
    "'nobody'",
    # Stored words: Job.kind, a key of Job.parameters.
    '"deed"',
    # The contract's fourth promise.
    "A released number is nobody's until",
}
# They name the words that others must not use.
NAMES_THE_WORDS = {"test_words.py", "glossary.md"}
VERBS_AT_LEAST = 0.60
LONG_LINES_AT_MOST = 0.01


@cache
def tracked(*patterns: str) -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z", *patterns], cwd=ROOT, capture_output=True, check=True
    )
    return [ROOT / name for name in listed.stdout.decode().split("\0") if name]


def texts() -> list[Path]:
    """Every file in which people read our words: code, templates, guides."""
    found = tracked("*.py", "*.md", "*.html", "*.yaml", "Makefile")
    return [
        path
        for path in found
        if "migrations" not in path.parts and path.name not in NAMES_THE_WORDS
    ]


@pytest.mark.parametrize("path", texts(), ids=lambda path: str(path.relative_to(ROOT)))
def test_file_has_no_banned_word(path):
    found = []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        for allowed in ALLOWED:
            line = line.replace(allowed, "")
        found += [f"{number}: {match[0]}" for match in BANNED_WORD.finditer(line)]
    assert not found


def test_docstrings_start_with_a_verb():
    functions = [
        one for path in tracked("*.py") if _is_ours(path) for one in _documented_functions(path)
    ]
    starts = [docstring.split()[0].rstrip(".,:") for docstring in functions]
    with_verb = [word for word in starts if word in VERBS]
    assert len(with_verb) >= VERBS_AT_LEAST * len(starts), sorted(set(starts) - VERBS)


def test_few_lines_are_long():
    lines = [
        line for path in tracked("*.py") if "migrations" not in path.parts for line in path.open()
    ]
    assert len(
        [line for line in lines if len(line.rstrip("\n")) > MAX_LINE]
    ) <= LONG_LINES_AT_MOST * len(lines)


def test_test_names_say_subject_and_outcome_briefly():
    names = [
        node.name
        for path in tracked("tests/*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    ]
    assert not [name for name in names if len(name) > MAX_TEST_NAME]
    assert not [name for name in names if BANNED_WORD.search(name.replace("_", " "))]


def _is_ours(path: Path) -> bool:
    return (
        path.relative_to(ROOT).parts[0] not in {"tests", "requirements"}
        and "migrations" not in path.parts
    )


def _documented_functions(path: Path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef) and (docstring := ast.get_docstring(node)):
            yield docstring


_VERBS = """
Accept Add Adjust Allow Answer Append Apply Ask Assign Attach Authenticate Begin Bind Build Call
Annotate Cancel Change Charge Check Choose Claim Clear Close Collect Commit Compare Complete Compose
Compute Connect Convert Copy Correct Count Create Cut Decide Decode Decrypt Delete Deliver Describe
Detach Detect Determine Disable Discard Divide Do Drop Empty Enable Encode Encrypt End Ensure
Enter Estimate Exclude Execute Expire Explain Export Extend Fail Fetch Fill Filter Find Finish
Fit Follow Forget Format Free Generate Get Give Group Handle Hash Have Hold Identify Ignore
Import Include Insert Install Iterate Join Judge Keep Label Leave Limit List Listen Load Lock
Log Look Make Mark Match Measure Merge Migrate Move Name Note Notify Number Observe Offer Open
Order Parse Pass Pick Place Prepare Price Print Put Queue Quote Raise Read Rebuild Receive Record
Recover Reduce Refresh Refuse Register Release Reload Remember Remove Rename Render Renew
Reorder Repeat Replace Report Require Rerun Reserve Reset Resolve Respond Restore Resume Retire
Retry Return Reverse Revoke Roll Rotate Round Route Run Save Scan Search Seed Select Send Serve
Set Share Show Shut Sign Skip Sort Split Start State Stop Store Stream Strip Suspend Switch Take
Test Throttle Top Trace Translate Truncate Try Turn Undo Unlock Update Upload Use Validate
Verify Wait Wake Walk Warn Wrap Write Yield
"""
VERBS = frozenset(_VERBS.split())
