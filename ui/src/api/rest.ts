// JSON requests: a query string from what is set, a body, an answer. What fails becomes an ApiError (api/http.ts).
import { request } from "./http";

/** Where our own API lives. */
export const OWN = "/api/plimsoll/v1";

/** Values that are undefined or empty are left out; a list is repeated. */
export type Query = Record<string, string | number | string[] | undefined>;

export function withQuery(path: string, query: Query): string {
  const p = new URLSearchParams();
  for (const [k, v] of Object.entries(query)) for (const x of Array.isArray(v) ? v : [v]) if (x !== undefined && x !== "") p.append(k, String(x));
  const text = p.toString();
  return text ? `${path}?${text}` : path;
}

export async function get<T>(path: string, query: Query = {}, signal?: AbortSignal): Promise<T> {
  return (await request(withQuery(path, query), { signal: signal ?? null })).json();
}

/** Sends JSON; an answer without a body is null. */
export async function send<T>(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<T> {
  const headers = body === undefined ? {} : { headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
  const text = await (await request(path, { method, ...headers, signal: signal ?? null })).text();
  return (text ? JSON.parse(text) : null) as T;
}
