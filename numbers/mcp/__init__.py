"""``/v1/mcp``: tools for agents, over the functions behind the API (docs/adr/0014-mcp.md).

- ``view``: the endpoint.
- ``description``: the endpoint in the OpenAPI document.
- ``messages``: JSON-RPC messages and errors.
- ``versions``: protocol versions, and the headers that repeat a message's fields.
- ``dispatch``: the methods of the protocol.
- ``tool``: what a tool is, and how it is called.
- ``schemas``: short JSON Schema of declared types.
- ``catalog``: every tool.
- ``order_tools``: search, quote and order.
- ``backorder_tools``: order a quantity, wait for it, find orders.
- ``number_tools``: list, route, release and get back.
- ``account_tools``: credit, campaigns, errors.
- ``confirmation``: tokens that confirm an order or a release.
- ``next_steps``: what an agent can do after an error.
"""
