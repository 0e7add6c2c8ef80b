import { BakehouseError } from "./error.ts";
import { readLines } from "./lines.ts";
import { count, instant, list, map, nullable, object, type Reader, readJson, text } from "./read.ts";
import type { PageRequest } from "./requests.ts";
import type { CallOptions, Transport } from "./transport.ts";

type Answer<R> = R extends Reader<infer T> ? T : never;

const anything: Reader<unknown> = (value) => value;

const auditEvent = object(
  {
    id: text,
    at: instant,
    action: text,
    actor: object({ kind: text }, { issuer: text, subject: text, token_id: text, role: text }),
    platform: nullable(text),
    details: map(anything),
  },
  { leaf: object({ origin: text, index: count }) },
);

/** One thing that was done, as it is on record. */
export type AuditEvent = Answer<typeof auditEvent>;

const auditPage = object({ items: list(auditEvent), next_cursor: nullable(text) });

const auditTree = object({ number: count, origin: text, key: text, checkpoint: nullable(text) });

/** A tree of the audit log: its name, the key of its checkpoints, and the last of them. */
export type AuditTree = Answer<typeof auditTree>;

const auditTrees = object({ trees: list(auditTree) });

/** Which events are asked for: each member that is given has to match. Instants are RFC 3339. */
export interface AuditFilter {
  readonly actor?: string;
  readonly principal?: string;
  readonly agent?: string;
  readonly token_id?: string;
  readonly revocation_id?: string;
  readonly action?: string;
  readonly platform?: string;
  readonly from?: string;
  readonly to?: string;
}

/** The audit log of a service, and its Merkle tree. */
export interface AuditLog {
  /** Events, newest first. A page may be short, or empty, and not the last: `next_cursor` says. */
  list(request?: AuditFilter & PageRequest, options?: CallOptions): Promise<Answer<typeof auditPage>>;
  /** The lines of an export, each a text of JSON. `checkExport` checks them. */
  export(request?: AuditFilter, options?: CallOptions): AsyncIterable<string>;
  /** The newest checkpoint: a signed note. */
  checkpoint(options?: CallOptions): Promise<string>;
  /** All trees, oldest first, with the key. */
  trees(options?: CallOptions): Promise<readonly AuditTree[]>;
  /**
   * The hashes of a tile, end to end.
   *
   * @param path as C2SP tlog-tiles has it: `tile/0/x001/067`
   * @param tree the tree's number; the newest unless said
   */
  tile(path: string, tree?: number, options?: CallOptions): Promise<Uint8Array>;
}

/** More than any tile. */
const MOST_TILE = 16 * 1024;

/** The audit log of the service that a transport reaches. */
export function createAuditLog(transport: Transport): AuditLog {
  return {
    async list(request, callOptions) {
      const call = { method: "GET", path: "/v1/audit", query: { ...request }, repeat: "always" } as const;
      return readJson((await transport.call(call, callOptions)).body, auditPage);
    },

    async *export(request, callOptions) {
      const response = await transport.open(
        { method: "GET", path: "/v1/audit/export", query: { ...request }, repeat: "never" },
        callOptions,
      );
      if (response.body === null) throw new BakehouseError("bad_answer", "the export has no body");
      yield* readLines(response.body, callOptions?.signal);
    },

    async checkpoint(callOptions) {
      const call = { method: "GET", path: "/v1/audit/checkpoint", repeat: "always" } as const;
      return (await transport.call(call, callOptions)).body;
    },

    async trees(callOptions) {
      const call = { method: "GET", path: "/v1/audit/key", repeat: "always" } as const;
      return readJson((await transport.call(call, callOptions)).body, auditTrees).trees;
    },

    async tile(path, tree, callOptions) {
      const response = await transport.open(
        { method: "GET", path: `/v1/audit/${path}`, query: { tree }, repeat: "never" },
        callOptions,
      );
      const bytes = new Uint8Array(await response.arrayBuffer());
      if (bytes.length > MOST_TILE) throw new BakehouseError("bad_answer", "the tile is longer than any");
      return bytes;
    },
  };
}
