"""openapi-generator's clients for Python, Ruby and Go live the whole life of a number.

They need Java, and Ruby with its package typhoeus or Go with validator.v2, as Debian has them:
``apt-get install default-jre-headless ruby-typhoeus golang-go golang-gopkg-validator.v2-dev``.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from config import json_text
from config.api.openapi.views import served_schema
from tests.contract.clients import LIFE, assert_pinned, node
from tests.support import factories

PROGRAMS = Path(__file__).parent / "clients" / "openapi_generator"
GENERATOR = Path(sys.executable).with_name("openapi-generator-cli")
GO_PACKAGES = Path("/usr/share/gocode")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not shutil.which("java"), reason="openapi-generator needs Java"),
]


def generate(language: str, url: str, folder: Path) -> None:
    (folder / "openapi.json").write_bytes(json_text.dump(served_schema(url)))
    command = [GENERATOR, "generate", "-i", "openapi.json", "-g", language, "-o", "client"]
    node.run([*command, "--skip-validate-spec"], cwd=folder)  # it knows no OpenAPI 3.1 there


def python(folder: Path) -> tuple[list, dict[str, str]]:
    needed = (folder / "client" / "requirements.txt").read_text()
    assert_pinned(re.findall(r"^[\w-]+", needed, re.MULTILINE))
    return [sys.executable, PROGRAMS / "life.py"], {"PYTHONPATH": str(folder / "client")}


def ruby(folder: Path) -> tuple[list, dict[str, str]]:
    if not shutil.which("ruby") or subprocess.run(["ruby", "-e", "require 'typhoeus'"]).returncode:
        pytest.skip("Ruby with typhoeus is not installed: apt-get install ruby-typhoeus")
    return ["ruby", "-I", folder / "client" / "lib", PROGRAMS / "life.rb"], {}


def go(folder: Path) -> tuple[list, dict[str, str]]:
    if not shutil.which("go") or not (GO_PACKAGES / "src/gopkg.in/validator.v2").exists():
        pytest.skip(
            "Go with validator.v2 is not installed: apt-get install golang-go "
            "golang-gopkg-validator.v2-dev"
        )
    (folder / "go" / "src").mkdir(parents=True)
    (folder / "client").rename(folder / "go" / "src" / "openapi")
    shutil.rmtree(folder / "go" / "src" / "openapi" / "test", ignore_errors=True)
    environment = {
        "GOPATH": f"{folder / 'go'}:{GO_PACKAGES}",
        "GO111MODULE": "off",
        "GOCACHE": str(folder / "cache"),
    }
    return ["go", "run", PROGRAMS / "life.go"], environment


LANGUAGES = {"python": python, "ruby": ruby, "go": go}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("language", LANGUAGES)
def test_generated_client_lives_the_life_of_a_number(cast, live_server, tmp_path, language):
    numbers = factories.stock(*factories.line(0, 2))
    generate(language, live_server.url, tmp_path)
    command, environment = LANGUAGES[language](tmp_path)
    environment |= {"NUMBERDESK_URL": live_server.url, "NUMBERDESK_API_KEY": cast.owner_key}
    printed = json.loads(node.run(command, cwd=tmp_path, env={**os.environ, **environment}))
    assert sorted(printed.pop("ordered")) == sorted(numbers)
    assert sorted(printed.pop("yours")) == sorted(numbers)
    assert printed == LIFE
