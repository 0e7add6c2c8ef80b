import { readdirSync } from "node:fs";

import { decodeBundle } from "../../src/macaroon/index.ts";
import type { Live, Place } from "./place.ts";
import { drillBody } from "./steps.ts";
import { disagreements } from "./tables.ts";

function require(holds: boolean, claim: string): void {
  if (!holds) throw new Error(claim);
}

const filesOf = (place: Place) =>
  readdirSync(place.home.dataDir)
    .filter((name) => name.includes(".token"))
    .sort();

/** The credentials that lie in the data folder are there, are good, and nothing is left beside them. */
async function requireCredentials(place: Place, live: Live): Promise<void> {
  require(filesOf(place).join() === "admin.token,default.token", `files: ${filesOf(place).join()}`);
  await requireGood(live);
}

async function requireGood({ api, platform, administrator }: Live): Promise<void> {
  const recorded = await api.call("GET", "/v1/tokens?limit=200", { as: administrator });
  for (const { token } of [platform, administrator]) {
    const [, , id = "none"] = identifierOf(token).split(".");
    require(recorded.text.includes(id), "a credential that works is not on record");
  }
  await api.issue(platform, drillBody(crypto.randomUUID()));
  const { status } = await api.call("GET", "/v1/platforms", { as: administrator });
  require(status === 200, `the administrator's credential is answered ${status}`);
}

function identifierOf(token: string): string {
  const decoded = decodeBundle(token);
  return decoded.ok ? new TextDecoder().decode(decoded.macaroons[0].identifier) : "";
}

/** Ends the command at each step in turn, and again, until nothing ends it. */
async function dieAtEach(place: Place, command: "bootstrap" | "reissue", steps: readonly string[]) {
  for (const step of steps) {
    const outcome = await place.command(command, step);
    require(outcome === "SIGKILL", `${command} was to die at ${step}: ${outcome}`);
  }
}

const BEFORE_ITS_FILES = ["bootstrap:begun", "bootstrap:staged", "bootstrap:committed"];

/**
 * Kills the first start at each of its steps, on the same data.
 *
 * @param steps those before its files are in place, the last of them the commit
 * @throws Error with the first claim that does not hold
 */
export async function drillFirstStart(place: Place, steps = BEFORE_ITS_FILES): Promise<void> {
  await dieAtEach(place, "bootstrap", steps);
  const waiting = filesOf(place).join();
  require(waiting === "admin.token.staged,default.token.staged", `after the commit: ${waiting}`);
  // The next one finds them staged, and dies between the two.
  await dieAtEach(place, "bootstrap", ["bootstrap:published"]);
  require((await place.command("bootstrap")) === "resumed", "what was left was not put in place");
  require((await place.command("bootstrap")) === "there already", "a second bootstrap did something");

  const live = await place.start();
  await requireCredentials(place, live);
  await finish(place, live);
}

/**
 * Kills the renewal of the credentials at each of its steps.
 *
 * @param place it is bootstrapped
 * @throws Error with the first claim that does not hold
 */
export async function drillRenewal(place: Place): Promise<void> {
  await dieAtEach(place, "reissue", ["bootstrap:begun", "bootstrap:staged"]);
  const before = await place.start();
  await requireGood(before);
  await before.service.end("SIGTERM");
  // What was staged and never committed is dropped by the next one, and what was committed is put in place.
  const next = await place.command("bootstrap");
  require(next === "there already", "an uncommitted credential was put in place");
  await dieAtEach(place, "reissue", ["bootstrap:committed", "bootstrap:published"]);
  require((await place.command("bootstrap")) === "resumed", "the renewed credentials were not put in place");
  const live = await place.start();
  await requireCredentials(place, live);
  require(live.platform.token !== before.platform.token, "the credential is not a new one");
  await requireGood({ ...before, api: live.api });
  await finish(place, live);
}

async function finish(place: Place, live: Live): Promise<void> {
  await live.service.end("SIGTERM");
  const wrong = disagreements(await place.tables());
  require(wrong.length === 0, wrong.join("; "));
}
