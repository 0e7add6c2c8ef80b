import { createClient } from "../../support/process-client.ts";
import type { Load } from "./load.ts";
import type { Stand } from "./stand.ts";

/** Tokens in one question. */
const TOGETHER = 100;

/** Ids of all tokens that a platform has. */
async function listed(url: string, platform: Stand["platform"]): Promise<ReadonlySet<string>> {
  const ids = new Set<string>();
  for (let cursor = ""; ; ) {
    const path = `/v1/tokens?limit=100${cursor === "" ? "" : `&cursor=${encodeURIComponent(cursor)}`}`;
    const { status, body } = await createClient(url).call("GET", path, { as: platform });
    if (status !== 200) throw new Error(`the tokens are not listed: ${status}`);
    const { items, next_cursor } = body as {
      readonly items: readonly { readonly token_id: string }[];
      readonly next_cursor: string | null;
    };
    for (const { token_id } of items) ids.add(token_id);
    if (next_cursor === null) return ids;
    cursor = next_cursor;
  }
}

/** How many of some tokens are allowed, and how many refused; the rest is not answered. */
export async function askAll(
  url: string,
  platform: Stand["platform"],
  tokens: readonly string[],
): Promise<{ readonly allowed: number; readonly refused: number }> {
  const count = { allowed: 0, refused: 0 };
  for (let at = 0; at < tokens.length; at += TOGETHER) {
    const requests = tokens.slice(at, at + TOGETHER).map((token) => ({ token, context: {} }));
    const answer = await createClient(url).call("POST", "/v1/verify/batch", {
      as: platform,
      body: { requests },
    });
    if (answer.status !== 200) continue;
    const { results } = answer.body as { readonly results: readonly { readonly allowed?: boolean }[] };
    count.allowed += results.filter(({ allowed }) => allowed === true).length;
    count.refused += results.filter(({ allowed }) => allowed === false).length;
  }
  return count;
}

/** What a load was acknowledged and is not so: nothing may be. */
export async function lossesOf(
  url: string,
  platform: Stand["platform"],
  { issued, revoked }: Load,
): Promise<readonly string[]> {
  const there = await listed(url, platform);
  const gone = issued.filter((id) => !there.has(id)).length;
  const alive = revoked.length - (await askAll(url, platform, revoked)).refused;
  return [
    ...(gone === 0 ? [] : [`${gone} of ${issued.length} issued tokens are lost`]),
    ...(alive === 0 ? [] : [`${alive} of ${revoked.length} revoked tokens are not refused`]),
  ];
}
