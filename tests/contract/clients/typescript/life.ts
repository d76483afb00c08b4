// The whole life of a number on openapi-fetch: search, a dry run, order, a 409, a release.
import createClient from "openapi-fetch";
import type { paths } from "./types.ts";

declare const process: { env: Record<string, string | undefined> };

const desk = createClient<paths>({
  baseUrl: process.env.NUMBERDESK_URL ?? "",
  headers: { Authorization: `Bearer ${process.env.NUMBERDESK_API_KEY ?? ""}` },
});

const found = await desk.POST("/v1/phone-numbers/search", { body: { quantity: 2 } });
if (found.data === undefined) throw new Error(found.error.error.message);
const numbers: string[] = found.data.data.map((one) => one.number);

const dryRun = await desk.POST("/v1/phone-numbers/orders", {
  params: { query: { dry_run: true } },
  body: { numbers },
});
if (dryRun.data === undefined || "meta" in dryRun.data) throw new Error("no quote");
const total: string = dryRun.data.data.total;

const placed = await desk.POST("/v1/phone-numbers/orders", {
  params: { header: { "Idempotency-Key": "life" } },
  body: { numbers, label: "life" },
});
if (placed.data === undefined || !("meta" in placed.data)) throw new Error("no order");
const orderId: string = placed.data.meta.order_id;
const [one] = placed.data.data;
if (one === undefined) throw new Error("nothing was ordered");
const label: string | null = one.label;

const refused = await desk.POST("/v1/phone-numbers/orders", { body: { numbers } });
if (refused.response.status !== 409 || refused.error === undefined) throw new Error("sold twice");
const code: string = refused.error.error.code;
const yours: string[] =
  "data" in refused.error && refused.error.data !== undefined && "already_yours" in refused.error.data
    ? refused.error.data.already_yours
    : [];

const released = await desk.DELETE("/v1/phone-numbers/{number_id}", {
  params: { path: { number_id: one.id } },
});
if (released.data === undefined) throw new Error(released.error.error.message);
const status: "released" = released.data.data.status;

console.log(JSON.stringify({ ordered: numbers, total, order: orderId.length, label, code, yours, status }));

// What the types must refuse; each line compiles only because of the comment above it.
// @ts-expect-error  a misspelt path
export const path = () => desk.GET("/v1/phone-number");
// @ts-expect-error  a misspelt field
export const field = () => desk.POST("/v1/phone-numbers/search", { body: { areaCode: "415" } });
