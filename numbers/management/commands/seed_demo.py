from typing import Any

from config.commands import DeskCommand
from numbers.demo import ensure_demo


class Command(DeskCommand):
    help = "Create demo data: an operator, a customer with credit and a key, stock, a sandbox."

    def handle(self, **options: Any) -> None:
        demo = ensure_demo()
        lines = [
            f"operator      {demo['admin']['username']} / {demo['admin']['password']}",
            f"organization  {demo['organization']} ({demo['organization_id']})",
            f"API key       {demo['api_key']}",
            f"sandbox key   {demo['sandbox_api_key']}",
            f"campaign      {demo['campaign_id']}",
            f"available     {demo['number']}, in the sandbox {demo['sandbox_number']}",
        ]
        self.answer(demo, "\n".join(lines), json_wanted=options["json"])
