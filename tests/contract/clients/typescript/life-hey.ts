// The whole life of a number on the client that hey-api generates: search, a dry run, order, a 409, a release.
import { createClient, createConfig } from "./client/client/index.ts";
import {
  orderNumbers,
  releaseNumber,
  searchNumbers,
  type OrderNumbersConflictError,
  type PhoneNumber,
} from "./client/index.ts";

declare const process: { env: Record<string, string | undefined> };

const client = createClient(
  createConfig({ baseUrl: process.env.NUMBERDESK_URL ?? "", auth: process.env.NUMBERDESK_API_KEY ?? "" }),
);

const found = await searchNumbers({ client, body: { quantity: 2 } });
if (found.data === undefined) throw new Error(found.error.error.message);
const numbers: string[] = found.data.data.map((one) => one.number);

const dryRun = await orderNumbers({ client, query: { dry_run: true }, body: { numbers } });
if (dryRun.data === undefined || "meta" in dryRun.data) throw new Error("no quote");
const total: string = dryRun.data.data.total;

const placed = await orderNumbers({
  client,
  headers: { "Idempotency-Key": "life" },
  body: { numbers, label: "life" },
});
if (placed.data === undefined || !("meta" in placed.data)) throw new Error("no order");
const orderId: string = placed.data.meta.order_id;
const one: PhoneNumber | undefined = placed.data.data[0];
if (one === undefined) throw new Error("nothing was ordered");
const label: string | null = one.label;

const refused = await orderNumbers({ client, body: { numbers } });
if (refused.response?.status !== 409 || refused.error === undefined) throw new Error("sold twice");
const conflict = refused.error as OrderNumbersConflictError;
const code: string = conflict.error.code;
const yours: string[] = conflict.data?.already_yours ?? [];

const released = await releaseNumber({ client, path: { number_id: one.id } });
if (released.data === undefined) throw new Error(released.error.error.message);
const status: "released" = released.data.data.status;

console.log(JSON.stringify({ ordered: numbers, total, order: orderId.length, label, code, yours, status }));

// What the types must refuse; each line compiles only because of the comment above it.
// @ts-expect-error  a misspelt field
export const field = () => searchNumbers({ client, body: { areaCode: "415" } });
