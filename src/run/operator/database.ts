import { existsSync } from "node:fs";
import { join } from "node:path";

import type { Config } from "../../config.ts";
import { CLOCK_TOLERANCE } from "../../domain/parts/lifetimes.ts";
import { problemOf } from "../../domain/replica/log-problem.ts";
import type { DatabaseFacts } from "../../storage/examine.ts";
import { type OpenedStore, openStore } from "../../storage/open.ts";
import { VERSION } from "../package.ts";
import { explainFailure } from "../start-failure.ts";
import { about, type Finding, spanText } from "./finding.ts";
import { masterKeyFindings } from "./master-key.ts";
import { replicationFinding } from "./replication.ts";

/** The versions of Postgres that the service is tried on. */
const TRIED = { from: 15, to: 18 };

const AS_OWNER = "run `bakehouse migrate` as the owner of the database";

/** Looks at the database and its contents. */
export async function databaseFindings(config: Config): Promise<readonly Finding[]> {
  const { databaseUrl, databaseDirectUrl, dataDir } = config;
  const { skipped } = about("database");
  if (databaseUrl === undefined) {
    const folder = join(dataDir, "database");
    if (!existsSync(folder)) return [skipped(`none yet: the first start makes it in ${folder}`)];
    return looked(config, "database", { kind: "folder", folder }, (store) => allOf(store, config));
  }
  const found = await looked(config, "database", { kind: "server", url: databaseUrl }, (store) =>
    allOf(store, config),
  );
  if (databaseDirectUrl === undefined) return found;
  const { ok } = about("direct address");
  const direct = await looked(
    config,
    "direct address",
    { kind: "server", url: databaseDirectUrl },
    async (store) => {
      await store.now();
      return [ok("DATABASE_DIRECT_URL answers")];
    },
  );
  return [...found, ...direct];
}

/** Opens a database, and says why if it does not open. */
async function looked(
  config: Config,
  name: string,
  place: Parameters<typeof openStore>[0]["place"],
  look: (store: OpenedStore) => Promise<readonly Finding[]>,
): Promise<readonly Finding[]> {
  const { failed, skipped } = about(name);
  let unreachable: string | undefined;
  let store: OpenedStore | undefined;
  try {
    const report = {
      failed: () => undefined,
      unreachable(reason: string) {
        unreachable = reason;
      },
      warn: () => undefined,
    };
    store = await openStore({ place, migrate: false, version: VERSION, connections: 2, report });
    return await look(store);
  } catch (error) {
    if (error instanceof Error && error.name === "FolderLockedError")
      return [
        skipped(error.message, "the service has it, or stop what does: GET /readyz asks the service itself"),
      ];
    const { lines } = await explainFailure(error, config);
    return [failed(unreachable ?? lines.join(", "))];
  } finally {
    await store?.close();
  }
}

async function allOf(store: OpenedStore, config: Config): Promise<readonly Finding[]> {
  const isServer = config.databaseUrl !== undefined;
  const before = performance.now();
  const facts = await store.examine();
  const findings = [serverFinding(facts, isServer, performance.now() - before), await clockFinding(store)];
  const schema = schemaFinding(facts);
  findings.push(schema);
  if (isServer) findings.push(rightsFinding(facts));
  if (schema.state === "failed" || facts.lacks.length > 0) {
    return [...findings, about("contents").skipped("not looked at: they lie in the schema")];
  }
  findings.push(await changesFinding(store), await logFinding(store, config));
  if (isServer) findings.push(replicationFinding(facts, config.failover));
  return [...findings, ...(await masterKeyFindings(store.sealedValues, config))];
}

function serverFinding(
  { version, versionNumber, behind }: DatabaseFacts,
  isServer: boolean,
  took: number,
): Finding {
  const { ok, warning, failed } = about("database");
  const name = `${isServer ? "" : "embedded "}Postgres ${version}`;
  if (behind !== null) {
    const why = `${name} is a standby in recovery, ${spanText(Math.max(behind, 0))} behind its primary`;
    return failed(why, "DATABASE_URL must lead to the primary");
  }
  const major = Math.floor(versionNumber / 10_000);
  if (isServer && (major < TRIED.from || major > TRIED.to)) {
    return warning(`${name}: tried are ${TRIED.from} to ${TRIED.to}`, "take one of those");
  }
  return ok(`${name}, answered in ${spanText(took)}`);
}

async function clockFinding(store: Pick<OpenedStore, "now">): Promise<Finding> {
  const { ok, failed } = about("clock");
  const before = Date.now();
  const there = await store.now();
  const apart = Math.max(before - there, there - Date.now(), 0);
  if (apart <= CLOCK_TOLERANCE)
    return ok(`this machine's and the database's are within ${spanText(apart + 1)}`);
  const why = `this machine's and the database's are ${spanText(apart)} apart, and replicas refuse over ${spanText(CLOCK_TOLERANCE)}`;
  return failed(why, "set both by NTP");
}

function schemaFinding({ lacks, schemaProblem, isOwner }: DatabaseFacts): Finding {
  const { ok, warning, failed } = about("schema");
  if (schemaProblem !== undefined) return failed(schemaProblem);
  if (lacks.length === 0) return ok("up to date");
  const why = `${lacks.length} migrations are still to be applied, the first of them ${lacks[0]}`;
  return isOwner
    ? warning(why, "the next start applies them, and so does `bakehouse migrate`")
    : failed(why, AS_OWNER);
}

function rightsFinding({ role, isOwner, hasAppRole, lackingRights }: DatabaseFacts): Finding {
  const { ok, warning, failed } = about("rights");
  const [first] = lackingRights;
  if (first !== undefined && !isOwner) {
    const more = lackingRights.length > 1 ? `, and ${lackingRights.length - 1} more` : "";
    return failed(
      `role ${role} lacks ${first}${more}`,
      `grant bakehouse_app to it, and call \`select bakehouse_grant()\` as the owner`,
    );
  }
  if (isOwner)
    return warning(
      `role ${role} owns the tables, and so can change what was recorded`,
      hasAppRole
        ? "let the service run as a role of its own in bakehouse_app, and this one migrate"
        : "the role bakehouse_app is missing: migrations/README.md says how it is made",
    );
  return hasAppRole
    ? ok(`role ${role} may do what the service does`)
    : failed(`role ${role} owns no table, and there is no role bakehouse_app`, AS_OWNER);
}

async function changesFinding(store: OpenedStore): Promise<Finding> {
  const { ok, failed } = about("changes");
  const refused = await store.refusesChanges();
  return refused === undefined ? ok("the database takes them") : failed(refused);
}

async function logFinding(store: OpenedStore, { failover }: Config): Promise<Finding> {
  const { ok, failed } = about("revocation log");
  const state = await store.revocations.state(0);
  const problem = problemOf(state, undefined, failover);
  return problem === undefined
    ? ok(`whole as far as can be told, ${state.position.number} entries so far`)
    : failed(problem.reason);
}
