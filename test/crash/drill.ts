import { randomBytes } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";

import postgres from "postgres";

import { acquirePostgres } from "../support/postgres.ts";
import { endAll } from "../support/process.ts";
import { builtBundle } from "../support/process-bundle.ts";
import { createClient } from "../support/process-client.ts";
import { credential, newHome, startService } from "../support/process-service.ts";
import { drawSeed, SEED, seeded } from "../support/seed.ts";
import { drillCharges } from "./charges.ts";
import { drillFirstStart, drillRenewal } from "./first-start.ts";
import { drillLoad } from "./load.ts";
import { newPlace, type Place } from "./place.ts";
import { drillBody, drillSteps } from "./steps.ts";

// `node test/crash/drill.ts [rounds]`: the crash drill at length, on the embedded database and on Postgres.
// Ends with 0 only if all that was ever acknowledged stood after every crash.

const rounds = Number(process.argv[2] ?? "20");
const write = (line: string) => void process.stdout.write(`${line}\n`);
const seed = drawSeed();
write(`The moments are drawn from ${SEED}=${seed}`);
const random = seeded("drill").number;
const server = await acquirePostgres();

async function newDatabase(): Promise<string> {
  const name = `bakehouse_drill_${randomBytes(6).toString("hex")}`;
  await statement(`create database ${name} template template0`);
  const url = new URL(server.url);
  url.pathname = `/${name}`;
  return url.href;
}

async function dropDatabase(url: string | undefined): Promise<void> {
  if (url !== undefined) await statement(`drop database ${new URL(url).pathname.slice(1)} with (force)`);
}

async function statement(text: string): Promise<void> {
  const sql = postgres(server.url, { max: 1 });
  try {
    await sql.unsafe(text);
  } finally {
    await sql.end();
  }
}

const DRILLS: readonly { readonly name: string; readonly drill: (place: Place) => Promise<unknown> }[] = [
  {
    name: "the first start and the renewal of its credentials, cut off at each step",
    drill: async (place) => {
      await drillFirstStart(place);
      await drillRenewal(place);
    },
  },
  {
    name: "issue and revoke, cut off at each step",
    drill: async (place) => {
      await place.command("bootstrap");
      return drillSteps(place, (step) => write(`    ${step}`));
    },
  },
  {
    name: "charges and their settling, cut off at each step",
    drill: async (place) => {
      await place.command("bootstrap");
      return drillCharges(place, (step) => write(`    ${step}`));
    },
  },
  {
    name: `issue and revoke under load, cut off at ${rounds} random moments`,
    drill: async (place) => {
      await place.command("bootstrap");
      return drillLoad(place, rounds, random, (line) => write(`    ${line}`));
    },
  },
];

/** Kills the making of the embedded database at random moments of it, and starts it again each time. */
async function drillCreation(): Promise<void> {
  const script = builtBundle();
  let whole = 0;
  for (let round = 0; round <= rounds; round++) {
    const home = newHome();
    const from = performance.now();
    const starting = startService(script, home).then(
      (service) => service.end("SIGTERM"),
      () => undefined, // it was killed, as it should be
    );
    if (round > 0) {
      await pause(random() * whole);
      endAll("SIGKILL");
    }
    await starting;
    if (round === 0) whole = performance.now() - from;
    const service = await startService(script, home);
    const as = { token: credential(home, "default.token") };
    await createClient(service.url).issue(as, drillBody("after the start"));
    await service.end("SIGTERM");
    home.remove();
  }
}

try {
  write(`The first start of the embedded database, cut off at ${rounds} random moments`);
  await drillCreation();
  write("    all held");
  for (const kind of ["the embedded database", `Postgres (${server.source})`]) {
    write(`On ${kind}:`);
    for (const { name, drill } of DRILLS) {
      write(`  ${name}`);
      const url = kind.startsWith("Postgres") ? await newDatabase() : undefined;
      const place = await newPlace(url);
      try {
        const stood = await drill(place);
        write(stood === undefined ? "    all held" : `    ${stood} acknowledgements stood`);
      } finally {
        endAll("SIGKILL"); // where a claim did not hold, its service still runs
        place.home.remove();
        await dropDatabase(url);
      }
    }
  }
} catch (error) {
  write(`FAILED: ${error instanceof Error ? error.message : "unknown"}`);
  process.exitCode = 1;
} finally {
  await server.stop();
}
