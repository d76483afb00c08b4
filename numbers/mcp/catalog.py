"""Every tool, in the order in which an agent needs them."""

from numbers.mcp.account_tools import ACCOUNT_TOOLS
from numbers.mcp.backorder_tools import BACKORDER_TOOLS
from numbers.mcp.number_tools import NUMBER_TOOLS
from numbers.mcp.order_tools import ORDER_TOOLS
from numbers.mcp.tool import Tool

_ALL = (*ORDER_TOOLS, *BACKORDER_TOOLS, *NUMBER_TOOLS, *ACCOUNT_TOOLS)
TOOLS: dict[str, Tool] = {one.name: one for one in _ALL}
