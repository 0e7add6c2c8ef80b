import type { Place, RevokedBy } from "../words/states.ts";
import { count, instant, list, nullable, object, type Reader, readJson, text, truth, word } from "./read.ts";

type Answer<R> = R extends Reader<infer T> ? T : never;

const part = {
  revocation_id: text,
  agent: nullable(text),
  placed: word<Place | (string & {})>(),
  caveats: list(text),
  first_seen: nullable(instant),
  last_seen: nullable(instant),
  allowed: count,
  refused: count,
  revoked: nullable(
    object(
      { revocation_id: text },
      {
        agent: nullable(text),
        depth: count,
        revoked_at: instant,
        by: word<RevokedBy | (string & {})>(),
        reason: text,
      },
    ),
  ),
  budgets: list(
    object({ caveat: text, remaining: text, revocation_id: text, agent: nullable(text), limit: text }),
  ),
};

const link = object({
  ...part,
  token_id: text,
  platform: text,
  parent: nullable(text),
  agents: list(text),
});

/** One link that verify has seen. Agents and caveats behind the issued ones are holders' claims. */
export type Link = Answer<typeof link>;

const flatPart = object(part);

/**
 * A part of a tree: the caveats in a row down to one link, and the calls that were made with that link. Behind the issued
 * ones, agent and caveats are holders' claims.
 */
export interface TreeNode extends Answer<typeof flatPart> {
  readonly children: readonly TreeNode[];
}

const node: Reader<TreeNode> = (value, place) => {
  const read = object({ ...part, children: (inner: unknown) => inner })(value, place);
  return { ...read, children: list(node)(read.children, `${place}.children`) };
};

const tree = object({ token_id: text, root: node, complete: truth, as_of: instant });

/** The links of one token that verify has seen. */
export type TokenTree = Answer<typeof tree>;

const wouldStop = object({
  would_stop: object({
    tokens: count,
    links: count,
    agents: list(text),
    calls_last_hour: count,
    last_seen: nullable(instant),
    complete: truth,
  }),
});

/** The effect of a revocation, as far as verify has seen the links; `complete` is false if there may be more. */
export type WouldStop = Answer<typeof wouldStop>["would_stop"];

/** Forms of a tree for people: an outline, and a drawing. */
export const TREE_FORMS = { outline: "text/plain", svg: "image/svg+xml" } as const;

/** A form of a tree for people. */
export type TreeForm = keyof typeof TREE_FORMS;

export const readTree = (body: string): TokenTree => readJson(body, tree);
export const readLink = (body: string): Link => readJson(body, link);
export const readWouldStop = (body: string): WouldStop => readJson(body, wouldStop).would_stop;
