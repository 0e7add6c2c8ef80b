import { z } from "zod";
import type { LinkView, TokenTree, TreeNode, TreePart, WouldStop } from "../../domain/tree-service.ts";
import { PLACES } from "../../words/states.ts";
import { instant, platformName, printInstant, revocationId, tokenId } from "./text.ts";
import { budgetSchema, budgetWire, killingSchema, killingWire } from "./verdict.ts";

const calls = z.int().min(0);

const part = {
  revocation_id: revocationId.meta({
    description: "Of its last link: revoking it stops all of this and below.",
  }),
  agent: z.string().nullable().meta({
    description: "The nearest agent at or above it, as a delegator named it: a claim. Null before the first.",
  }),
  placed: z.enum(PLACES).meta({
    description:
      "Where its caveats stand: `issued` by this service, or behind that by the first holder, or since the hand-over to `agent`.",
  }),
  caveats: z.array(z.string()).meta({
    description:
      "From the link above down to this one. Behind what was issued they are holders' words, escaped and cut for showing: claims.",
  }),
  first_seen: instant.nullable().meta({ description: "Null for a token that no call was made with." }),
  last_seen: instant.nullable(),
  allowed: calls.meta({
    description: "Allowed calls with this very link. A repeat under one `charge_id` is one call.",
  }),
  refused: calls.meta({
    description: "Refused calls with this link, or with links below it of which none was ever allowed.",
  }),
  revoked: z.union([z.null(), killingSchema.partial().required({ revocation_id: true })]).meta({
    description:
      "Null while it lives. `revocation_id` is the topmost dead link; the rest is there as far as it could be told.",
  }),
  budgets: z.array(budgetSchema).meta({ description: "Those of its caveats, and what is left of them now." }),
};

type NodeWire = z.infer<z.ZodObject<typeof part>> & { children: NodeWire[] };

const nodeSchema: z.ZodType<NodeWire> = z
  .strictObject({
    ...part,
    get children() {
      return z.array(nodeSchema);
    },
  })
  .meta({
    id: "TreeNode",
    description:
      "A part of a tree: caveats in a row down to one link, up to the next hand-over, branch, or link that calls were made with.",
  });

/** The observed tree of a token. */
export const treeSchema = z
  .strictObject({
    token_id: tokenId,
    root: nodeSchema.meta({ description: "What was issued." }),
    complete: z.boolean().meta({
      description:
        "False where more was seen than is recorded: calls with links for which there was no room count at the nearest link that is on record.",
    }),
    as_of: instant,
  })
  .meta({
    id: "TokenTree",
    description:
      "What verify has seen of a token: delegation happens elsewhere, so a link that nobody called with is not in it.",
  });

/** One link that verify has seen. */
export const linkSchema = z
  .strictObject({
    token_id: tokenId,
    platform: platformName,
    parent: revocationId
      .nullable()
      .meta({ description: "The link right above it; null for what was issued." }),
    agents: z
      .array(z.string())
      .meta({ description: "From the root down to it: claims of those who delegated." }),
    ...part,
    caveats: part.caveats.meta({
      description: "Since the last hand-over, down to this link. Holders' words.",
    }),
  })
  .meta({ id: "Link", description: "One link that verify has seen." });

/** The answer of a dry run of a revocation. */
export const wouldStopSchema = z
  .strictObject({
    tokens: calls.meta({ description: "Issued tokens of which something would be stopped." }),
    links: calls.meta({ description: "Links that calls were allowed with." }),
    agents: z
      .array(z.string())
      .meta({ description: "The agents that end those links, each name once: a hundred at most. Claims." }),
    calls_last_hour: calls.meta({ description: "Allowed calls with those links, to within five minutes." }),
    last_seen: instant.nullable().meta({ description: "When one of them was seen last; null if none was." }),
    complete: z.boolean().meta({ description: "False where there may be more than is counted here." }),
  })
  .meta({
    id: "WouldStop",
    description:
      "What a revocation would stop, as far as verify has seen it. What is dead already is not counted.",
  });

function partWire({ revoked, ...read }: TreePart) {
  return {
    revocation_id: read.revocationId,
    agent: read.agent,
    placed: read.placed,
    caveats: [...read.caveats],
    first_seen: read.firstSeen === null ? null : printInstant(read.firstSeen),
    last_seen: read.lastSeen === null ? null : printInstant(read.lastSeen),
    allowed: read.allowed,
    refused: read.refused,
    revoked:
      revoked === null
        ? null
        : revoked.facts === undefined
          ? { revocation_id: revoked.revocationId }
          : killingWire(revoked.facts),
    budgets: read.budgets.map(budgetWire),
  };
}

/** Writes a tree as JSON, a node at a time: it may have twenty thousand. */
export function* treeJson({ tokenId: id, root, complete, asOf }: TokenTree): Generator<string> {
  yield `{"token_id":${JSON.stringify(id)},"complete":${complete},"as_of":${JSON.stringify(printInstant(asOf))},"root":`;
  yield* nodeJson(root);
  yield "}";
}

function* nodeJson(node: TreeNode): Generator<string> {
  const { children, ...rest } = node;
  yield `${JSON.stringify(partWire(rest)).slice(0, -1)},"children":[`;
  for (const [index, child] of children.entries()) {
    if (index > 0) yield ",";
    yield* nodeJson(child);
  }
  yield "]}";
}

/** Writes one link. */
export function linkWire({
  tokenId: id,
  platform,
  agents,
  parent,
  ...rest
}: LinkView): z.infer<typeof linkSchema> {
  return { token_id: id, platform, parent, agents: [...agents], ...partWire(rest) };
}

/** Writes the answer of a dry run. */
export function wouldStopWire(stop: WouldStop): z.infer<typeof wouldStopSchema> {
  return {
    tokens: stop.tokens,
    links: stop.links,
    agents: [...stop.agents],
    calls_last_hour: stop.callsLastHour,
    last_seen: stop.lastSeen === null ? null : printInstant(stop.lastSeen),
    complete: stop.complete,
  };
}
