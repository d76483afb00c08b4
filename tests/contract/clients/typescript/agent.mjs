// An agent on the official clients of npm: of today's protocol, and of the one before.
import { Client as Earlier } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport as EarlierTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";

const address = new URL(`${process.env.NUMBERDESK_URL}/v1/mcp`);
const about = { name: "numberdesk-tests", version: "1" };
const requestInit = { headers: { Authorization: `Bearer ${process.env.NUMBERDESK_API_KEY}` } };
const earlier = process.argv[2] === "earlier";
const client = earlier
  ? new Earlier(about)
  : new Client(about, { versionNegotiation: { mode: { pin: "2026-07-28" } } });
const transport = earlier
  ? new EarlierTransport(address, { requestInit })
  : new StreamableHTTPClientTransport(address, { requestInit });
await client.connect(transport);

async function call(name, given) {
  return await client.callTool({ name, arguments: given });
}

const { tools } = await client.listTools();
const found = await call("search_numbers", { area_code: "415", quantity: 2 });
const numbers = found.structuredContent.numbers.map((one) => one.number);
const quote = await call("quote_order", { numbers });
const order = { numbers, confirm: quote.structuredContent.confirm, idempotency_key: "npm" };
const done = await call("order_numbers", order);
const again = await call("order_numbers", order);
const refused = await call("quote_order", { numbers });
const unknown = await call("no_such_tool", {}).catch((error) => error.code);
console.log(
  JSON.stringify({
    tools: tools.map((one) => one.name),
    ordered: done.structuredContent.numbers.map((one) => one.number),
    total: quote.structuredContent.total,
    repeated: again.structuredContent.repeated,
    refused: refused.isError && refused.structuredContent.error.code,
    unknown,
  }),
);
await client.close();
