// What a customer's program does, with the types that the desk serves: find, order, lose the answer, retry, release.
import type { ApiKeyRequest, OrderAnswer, OrderRequest, PhoneNumberAnswer, SearchAnswer, paths } from "./types";

declare const process: { env: Record<string, string | undefined> };

const base = process.env.NUMBERDESK_URL ?? "";
const key = process.env.NUMBERDESK_API_KEY ?? "";

type Refusal = paths["/v1/phone-numbers/orders"]["post"]["responses"][409]["content"]["application/json"];

async function call(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(base + path, {
    method,
    headers: { Authorization: `Bearer ${key}`, "Content-Type": "application/json", ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}

const found: SearchAnswer = await (await call("POST", "/v1/phone-numbers/search", { quantity: 2 })).json();
const wanted: OrderRequest = { numbers: found.data.map((one) => one.number), label: "typescript" };

const keyed = { "Idempotency-Key": "typescript-1" };
const first: OrderAnswer = await (await call("POST", "/v1/phone-numbers/orders", wanted, keyed)).json();
const again = await call("POST", "/v1/phone-numbers/orders", wanted, keyed);
const replayed: OrderAnswer = await again.json();

// Without the key, the numbers turn out to be ours already.
const refused: Refusal = await (await call("POST", "/v1/phone-numbers/orders", wanted)).json();
const yours = refused.error.code === "INSUFFICIENT_INVENTORY" && "data" in refused ? refused.data.already_yours : [];

const [one] = first.data;
if (one === undefined) throw new Error("nothing was ordered");
const label: string | null = one.label;
const changed: PhoneNumberAnswer = await (await call("PATCH", `/v1/phone-numbers/${one.id}`, { label: "moved" })).json();
const released = await call("DELETE", `/v1/phone-numbers/${one.id}`);

console.log(
  JSON.stringify({
    ordered: first.data.map((number) => number.number),
    label,
    changed: changed.data.label,
    replayed: [again.headers.get("Idempotent-Replayed"), replayed.meta.order_id === first.meta.order_id],
    yours,
    released: released.status,
  }),
);

// What the types must refuse; each line compiles only because of the comment above it.
// @ts-expect-error  a misspelt field
export const misspelt: OrderRequest = { numbers: [], campaing_id: "" };
// @ts-expect-error  a list is required
export const nothing: OrderRequest = {};
// @ts-expect-error  a scope that is none
export const scopes: ApiKeyRequest = { label: "x", scopes: ["numbers:eat"] };
