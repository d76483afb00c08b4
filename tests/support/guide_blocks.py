"""The blocks of the README and of the guides, and a runner for them."""

import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from config.docs_site.guides import FOLDER, LOCAL
from tests.support.embedded_postgres import ROOT

DOCUMENTS = ["README.md", *(f"docs/guides/{path.name}" for path in sorted(FOLDER.glob("*.md")))]
SHELLS = ("console", "bash")
PROGRAMS = ("python", "typescript")

# Blocks that are not run as they stand, by their first line, and what is done instead.
NOT_RUN = {
    (
        "README.md",
        "$ make run",
    ): "installs, serves and does not end: tests/config/dev/test_run.py runs what it starts",
    ("README.md", "config/ "): "a list of folders",
    ("docs/guides/agents.md", '{\n  "mcpServers"'): "a file of the agent's client",
    ("docs/guides/money.md", "PATCH /v1/phone-numbers/{id}/billing"): "tests/numbers/rent runs it",
    ("docs/guides/quickstart.md", "export NUMBERDESK_API_KEY="): "the key is that of the demo",
    (
        "docs/guides/quickstart.md",
        "npm install",
    ): "without its first line: the packages are pinned by the tests",
    (
        "docs/guides/errors.md",
        "RateLimit-Policy:",
    ): "the headers of an answer, compared with a real one below",
}
# Commands that go on until they are stopped.
ENDLESS = ("manage.py worker",)


@dataclass(frozen=True)
class Block:
    document: str
    language: str
    text: str

    @property
    def reason_not_to_run(self) -> str | None:
        for (document, beginning), reason in NOT_RUN.items():
            if document == self.document and self.text.startswith(beginning):
                return reason
        return None

    @property
    def commands(self) -> str:
        """The block as a shell reads it: without prompts, and without the answers that stand below them."""
        if self.language != "console":
            return self.text
        kept, in_command = [], False
        for line in self.text.splitlines():
            in_command = in_command or line.startswith("$ ")
            if in_command:
                kept.append(line.removeprefix("$ "))
                in_command = line.endswith("\\")
        return "\n".join(kept) + "\n"


def blocks_of(document: str, *languages: str) -> list[Block]:
    found = re.findall(
        r"^```(\w*)\n(.*?)^```$", (ROOT / document).read_text(), re.MULTILINE | re.DOTALL
    )
    blocks = [Block(document, language, text) for language, text in found]
    return [one for one in blocks if not languages or one.language in languages]


@dataclass
class Reader:
    """A reader of the documents, in a folder of their own, who pastes what they say."""

    folder: Path
    environment: dict[str, str]
    url: str

    def adapted(self, text: str) -> str:
        return text.replace(LOCAL, self.url).replace("localhost:8000", self.url)

    def run(self, command: list[str]) -> str:
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.returncode == 0, f"{command[-1]}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def paste(self, blocks: list[Block]) -> list[str]:
        """Run the blocks in one shell; give what each of them prints."""
        script = "set -euo pipefail\n"
        for block in blocks:
            lines = [
                f"timeout --preserve-status 20 {line} || test $? = 143"
                if line.endswith(ENDLESS)
                else line
                for line in self.adapted(block.commands).splitlines()
            ]
            script += "\n".join(lines) + "\nprintf '\\0'\n"
        return self.run(["bash", "-c", script]).split("\0")[:-1]

    def python(self, block: Block) -> str:
        (self.folder / "program.py").write_text(self.adapted(block.text))
        return self.run([sys.executable, "program.py"])

    def typescript(self, block: Block) -> str:
        """Compile and run it as the quickstart says."""
        (self.folder / "order.mts").write_text(self.adapted(block.text))
        (commands,) = blocks_of("docs/guides/quickstart.md", "sh")
        install, rest = commands.text.split("\n", 1)
        assert install == "npm install typescript @types/node"
        return self.run(["bash", "-euo", "pipefail", "-c", rest])
