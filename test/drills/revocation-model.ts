import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { openStore } from "../../src/storage/open.ts";
import { runModel } from "../revocation/model.ts";
import { startPostgres } from "../support/postgres-server.ts";
import { newFleet, openServerStore, startReplica } from "../support/replica.ts";

// node test/drills/revocation-model.ts [commands] [seed]
// Random commands against a list of rules, on the embedded database and on two replicas of a server.

const total = Number(process.argv[2] ?? 10_000);
const seed = Number(process.argv[3] ?? Date.now() % 1_000_000);
const say = (line: string) => void process.stdout.write(`${line}\n`);
say(`seed ${seed}`);

const folder = mkdtempSync(join(tmpdir(), "bakehouse-model-"));
const fleet = newFleet();
const embedded = await startReplica({ store: await openStore({ place: { kind: "folder", folder } }), fleet });
let begun = performance.now();
let executed = await runModel({ replicas: [embedded], executed: 0 }, total, 400, seed);
say(`PGlite: ${executed} commands agree, ${Math.round((performance.now() - begun) / 1000)} s`);
await embedded.stop();
rmSync(folder, { recursive: true, force: true });

const server = await startPostgres();
const second = newFleet();
const one = await startReplica({ store: await openServerStore(server.url), fleet: second });
const other = await startReplica({ store: await openServerStore(server.url), fleet: second });
begun = performance.now();
executed = await runModel({ replicas: [one, other], executed: 0 }, total, 400, seed);
say(
  `Postgres, two replicas: ${executed} commands agree, ${Math.round((performance.now() - begun) / 1000)} s`,
);
await other.stop();
await one.stop();
await server.stop();
fleet.remove();
second.remove();
