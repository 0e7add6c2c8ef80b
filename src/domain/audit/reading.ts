import { HASH_BYTES } from "../../tlog/hashing.ts";
import type { Audit, AuditEventView } from "../audit-service.ts";
import type { Caller } from "../caller.ts";
import { DomainError } from "../parts/error.ts";
import { payerName } from "../parts/turn.ts";
import { payerOf } from "../payer.ts";
import { requireAdministratorOrPlatform } from "../permission.ts";
import type { AuditFilter, AuditTree } from "../ports/audit.ts";
import type { Store } from "../ports/store.ts";
import { type AuditKey, verifierKeyOf } from "./audit-key.ts";
import { writeExport } from "./export.ts";

/**
 * Exports under way on one replica, and of one payer among them: each reads all that there is, and holds no more than a few tiles
 * of it, for as long as its reader takes.
 */
const MOST_EXPORTS = 16;
const MOST_OF_ONE = 2;

/** The audit log for its readers. */
export function createAudit(options: {
  readonly store: Pick<Store, "auditTrees">;
  readonly auditKey: Pick<AuditKey, "publicKey">;
  /** Whether checkpoints and hash tiles are for everyone. */
  readonly isPublic: boolean;
}): Audit {
  const { auditKey, isPublic } = options;
  const store = options.store.auditTrees;
  /** By payer, the exports that are under way. */
  const exporting = new Map<string, number>();

  /** @returns ends it */
  function beginExport(caller: Caller): () => void {
    const payer = payerName(payerOf(caller));
    const own = exporting.get(payer) ?? 0;
    const all = [...exporting.values()].reduce((sum, count) => sum + count, 0);
    if (own >= MOST_OF_ONE || all >= MOST_EXPORTS) {
      const whose = own >= MOST_OF_ONE ? "of yours " : "";
      throw new DomainError("rate_limited", `too many exports ${whose}are under way here: ask again later`);
    }
    exporting.set(payer, own + 1);
    return () => {
      const left = (exporting.get(payer) ?? 1) - 1;
      if (left === 0) exporting.delete(payer);
      else exporting.set(payer, left);
    };
  }

  /** The filter that a caller may have: a platform's is of its own events. */
  function filterFor(caller: Caller, query: AuditFilter): AuditFilter {
    const platform = requireAdministratorOrPlatform(caller, "audit", query.platform);
    if (platform === undefined) return query;
    const isOwn = caller.kind === "service" && caller.role === "platform";
    return { ...query, platform, ...(isOwn && { ownOnly: true }) };
  }

  function requireReader(caller: Caller | undefined): void {
    if (caller === undefined && !isPublic)
      throw new DomainError("unauthenticated", "this needs a credential");
    // A credential that was narrowed to other actions reads as little as it does anything else.
    const refusal = caller?.kind === "service" ? caller.refuses("audit", caller.platform) : undefined;
    if (refusal !== undefined) throw new DomainError("forbidden", refusal);
  }

  async function treeOf(number: number | undefined): Promise<AuditTree> {
    const trees = await store.trees();
    const tree = number === undefined ? trees.at(-1) : trees.find((one) => one.number === number);
    if (tree === undefined) throw new DomainError("not_found", "no such tree");
    return tree;
  }

  return {
    async list(caller, query, { limit, after }) {
      const filter = filterFor(caller, query);
      const { items, next } = await store.list(filter, { limit, after, oldestFirst: false });
      const origins = new Map((await store.trees()).map(({ number, origin }) => [number, origin]));
      return {
        items: items.map(({ place, ...event }): AuditEventView => {
          const origin = place && origins.get(place.tree);
          return {
            ...event,
            place: place && origin !== undefined ? { origin, index: place.index } : undefined,
          };
        }),
        next,
      };
    },

    async export(caller, query) {
      const filter = filterFor(caller, query);
      const end = beginExport(caller);
      const lines = writeExport({
        store,
        publicKey: await auditKey.publicKey().catch((error: unknown) => {
          end();
          throw error;
        }),
        filter,
        requireStill: () => void filterFor(caller, query),
      });
      return counted(lines, end);
    },

    async trees(caller) {
      requireReader(caller);
      const publicKey = await auditKey.publicKey();
      return (await store.trees()).map(({ number, origin, checkpoint }) => ({
        number,
        origin,
        key: verifierKeyOf(origin, publicKey),
        checkpoint,
      }));
    },

    async checkpoint(caller) {
      requireReader(caller);
      const checkpoint = (await store.trees()).at(-1)?.checkpoint ?? null;
      if (checkpoint === null) throw new DomainError("unavailable", "no checkpoint has been signed yet");
      return checkpoint;
    },

    async tile(caller, { tree, level, index, width }) {
      requireReader(caller);
      const { number } = await treeOf(tree);
      const [tile] = await store.tiles(number, [{ level, index }]);
      const wanted = width * HASH_BYTES;
      if (tile === undefined || tile.hashes.length < wanted)
        throw new DomainError("not_found", "no such tile");
      return tile.hashes.subarray(0, wanted);
    },
  };
}

/** Lines, with something that is done once, when they end or nobody reads on, even if nobody ever began to. */
function counted(lines: AsyncGenerator<string>, ended: () => void): AsyncIterable<string> {
  let isOver = false;
  const end = () => {
    if (!isOver) ended();
    isOver = true;
  };
  return {
    [Symbol.asyncIterator]: () => ({
      async next() {
        try {
          const result = await lines.next();
          if (result.done === true) end();
          return result;
        } catch (error) {
          end();
          throw error;
        }
      },
      async return() {
        end();
        return lines.return(undefined);
      },
    }),
  };
}
