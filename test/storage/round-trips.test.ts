import { randomBytes } from "node:crypto";

import { afterAll, beforeAll, expect, test } from "vitest";

import type { IdempotencyRequest } from "../../src/domain/service.ts";
import { testDatabaseUrl } from "../support/database.ts";
import {
  type InProcessReplica,
  newFleet,
  openServerStore,
  person,
  platformCaller,
  startReplica,
} from "../support/replica.ts";
import { startTcpProxy, type TcpProxy } from "../support/tcp-proxy.ts";

// Each Sync that a driver sends is answered by ReadyForQuery (PostgreSQL's protocol, "Extended Query"): waiting for
// one is a round trip. A message is a byte that says what it is and its length; the first one has no such byte.
const SYNC = "S".charCodeAt(0);
const QUERY = "Q".charCodeAt(0);

let roundTrips = 0;

function countRoundTrips(): (data: Uint8Array) => void {
  let rest = Buffer.alloc(0);
  let started = false;
  return (data) => {
    rest = Buffer.concat([rest, data]);
    for (;;) {
      const head = started ? 1 : 0;
      if (rest.length < head + 4) return;
      const length = head + rest.readUInt32BE(head);
      if (rest.length < length) return;
      if (started && (rest[0] === SYNC || rest[0] === QUERY)) roundTrips += 1;
      started = true;
      rest = rest.subarray(length);
    }
  };
}

let proxy: TcpProxy;
let replica: InProcessReplica;
const fleet = newFleet();

beforeAll(async () => {
  const url = await testDatabaseUrl();
  proxy = await startTcpProxy(Number(new URL(url).port), countRoundTrips);
  const quiet = 1_000_000_000; // nothing is read but what is asked for
  replica = await startReplica({
    store: await openServerStore(proxy.through(url)),
    fleet,
    staleness: quiet,
    follow: { listens: false, pollMilliseconds: quiet },
  });
});

afterAll(async () => {
  await replica.stop();
  await proxy.close();
  fleet.remove();
});

async function counted(work: () => Promise<unknown>): Promise<number> {
  roundTrips = 0;
  await work();
  return roundTrips;
}

const issue = (subject = "alice", idempotency?: IdempotencyRequest) =>
  replica.composed.service.tokens.issue(
    person(subject),
    {
      platform: "default",
      ttl: undefined,
      caveats: ["action = read"],
      thirdPartyCaveats: [],
      label: undefined,
      onBehalfOf: undefined,
    },
    idempotency,
  );
const revoke = () =>
  replica.revoke(platformCaller("default"), {
    kind: "revocation_id",
    revocationId: randomBytes(16).toString("base64url"),
  });
let keys = 0;
const withKey = () => issue("alice", { route: "issue", key: `key ${++keys}`, body: new Uint8Array([1]) });
const atOnce = (count: number, work: () => Promise<unknown>) => () =>
  Promise.all(Array.from({ length: count }, work));

test.each([
  { what: "an issue reads and writes", work: () => issue(), trips: 2 },
  { what: "one for somebody new notes them first", work: () => issue(`new ${++keys}`), trips: 3 },
  { what: "an idempotency key is claimed first", work: withKey, trips: 3 },
  { what: "thirty issues at once take no more than one", work: atOnce(30, () => issue()), trips: 2 },
  { what: "a revocation reads the clock and writes", work: revoke, trips: 2 },
  { what: "thirty revocations at once take no more than one", work: atOnce(30, revoke), trips: 2 },
])("[postgres] $what: $trips round trips", async ({ work, trips }) => {
  await work(); // a statement is prepared where it is sent first, once for each connection
  await work();
  // What the replica does of itself may fall between. It only adds, so the fewest of a few tries are the work's own.
  const tries = [await counted(work), await counted(work), await counted(work)];
  expect(Math.min(...tries)).toBe(trips);
});
