import { randomBytes } from "node:crypto";

import postgres from "postgres";

import { acquirePostgres } from "../support/postgres.ts";
import { drillFirstStart } from "./first-start.ts";
import { drillLoad } from "./load.ts";
import { newPlace, type Place } from "./place.ts";
import { drillSteps } from "./steps.ts";

// `node test/crash/drill.ts [rounds]`: the crash drill at length, on the embedded database and on Postgres.
// Ends with 0 only if all that was ever acknowledged stood after every crash.

const rounds = Number(process.argv[2] ?? "20");
const write = (line: string) => void process.stdout.write(`${line}\n`);
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
    drill: drillFirstStart,
  },
  {
    name: "issue and revoke, cut off at each step",
    drill: async (place) => {
      await place.command("bootstrap");
      return drillSteps(place, (step) => write(`    ${step}`));
    },
  },
  {
    name: `issue and revoke under load, cut off at ${rounds} random moments`,
    drill: async (place) => {
      await place.command("bootstrap");
      return drillLoad(place, rounds, (line) => write(`    ${line}`));
    },
  },
];

try {
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
