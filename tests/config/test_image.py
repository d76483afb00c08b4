"""Build and run the image where buildah, debootstrap and runc are installed (`make image`)."""

import re
import subprocess
import sys

import pytest

from tests.drills.image.base import CannotBuild, require_programs
from tests.support.embedded_postgres import ROOT


@pytest.mark.slow
@pytest.mark.minutes
def test_image_serves_as_user_10001_on_a_read_only_root() -> None:
    try:
        require_programs()
    except CannotBuild as reason:
        pytest.skip(str(reason))
    done = subprocess.run(
        [sys.executable, "-m", "tests.drills.image"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "user 10001:10001" in done.stdout
    assert re.search("placed order .*\nweb stopped in .*\nworker stopped in ", done.stdout)


def test_dockerfile_takes_its_base_as_an_argument() -> None:
    text = (ROOT / "Dockerfile").read_text()
    assert re.search(r"^ARG BASE=\S+$", text, re.M)
    assert set(re.findall(r"^FROM (\S+)", text, re.M)) == {"${BASE}"}


def test_image_starts_the_existing_server() -> None:
    text = (ROOT / "Dockerfile").read_text()
    configuration = re.search(r'"gunicorn", "config.wsgi", "-c", "([^"]+)"', text)
    assert configuration
    assert (ROOT / configuration[1]).is_file()
