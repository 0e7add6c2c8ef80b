import { randomBytes } from "node:crypto";

import type { LogServer } from "../../src/domain/ports/log-server.ts";
import type {
  AppendedRevocation,
  LogLoad,
  LogPosition,
  LogState,
  RevocationStore,
} from "../../src/domain/ports/revocations.ts";
import { OWN_SERVER } from "../support/log-server.ts";

export const NOON = 1_795_168_800_000;
export const DAY = 86_400_000;

const newHash = () => randomBytes(8).toString("hex");

/** A chained log in memory that can be replaced, be slow, fail, and be answered for by another server. */
export function createLog(epoch = "a") {
  let entries: AppendedRevocation[] = [];
  let position: LogPosition = { epoch, number: 0, hash: newHash() };
  let server: LogServer = OWN_SERVER;
  let failing = false;
  let held: Promise<void> | undefined;
  let reads = 0;
  const disputes: string[] = [];

  const state = (known: number): LogState => ({
    position,
    hashAt: known === position.number ? position.hash : entries.find(({ number }) => number === known)?.hash,
    server,
  });

  async function load(after: number, limit: number, known: number): Promise<LogLoad> {
    reads += 1;
    if (failing) throw new Error("planted: postgres://user:secret@host");
    const page = entries.filter(({ number }) => number > after).slice(0, limit);
    const last = page.at(-1);
    const answer: LogLoad = {
      ...state(known),
      through: page.length < limit || last === undefined ? position : { ...position, ...numberAndHash(last) },
      now: NOON,
      estimate: 0,
      recent: [],
      links: page.flatMap(({ scope, target, lastMatchAt }) =>
        target.kind === "revocation_id" ? [{ scope, kind: target.kind, lastMatchAt, ids: target.id }] : [],
      ),
      wide: [],
    };
    await held;
    return answer;
  }

  const store = {
    load,
    state: async (known: number) => state(known),
    async dispute(of: string, sequence: string) {
      if (of === position.epoch) server = { ...server, disputed: sequence };
      disputes.push(sequence);
    },
    attest: async () => {},
  };

  return {
    store: { revocations: store as unknown as RevocationStore },
    reads: () => reads,
    disputes,
    end: () => position,
    add(id: Uint8Array, lastMatchAt = NOON + 90 * DAY): AppendedRevocation {
      const entry: AppendedRevocation = {
        id: "",
        number: position.number + 1,
        hash: newHash(),
        follows: position.hash,
        scope: { kind: "all" },
        target: { kind: "revocation_id", id },
        reason: null,
        author: "administrator",
        revokedAt: NOON,
        lastMatchAt,
      };
      position = { ...position, ...numberAndHash(entry) };
      entries = [...entries, entry];
      return entry;
    },
    /** Puts another log in its place: a number of the first entries, and under another epoch if one is given. */
    keep(count: number, otherEpoch = position.epoch) {
      entries = entries.slice(0, count);
      const last = entries.at(-1);
      position = { epoch: otherEpoch, number: 0, hash: newHash(), ...(last && numberAndHash(last)) };
    },
    serveFrom(other: LogServer) {
      server = other;
    },
    fail(value: boolean) {
      failing = value;
    },
    hold() {
      let release = () => {};
      held = new Promise((resolve) => {
        release = () => {
          held = undefined;
          resolve();
        };
      });
      return () => release();
    },
  };
}

const numberAndHash = ({ number, hash }: AppendedRevocation) => ({ number, hash });
