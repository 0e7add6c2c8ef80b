import { afterAll, beforeAll, describe, expect, test } from "vitest";

import type { Step } from "../../src/domain/ports/steps.ts";
import { emptyDatabaseUrl } from "../support/database.ts";
import { atLength, isShort } from "../support/form.ts";
import { endAll } from "../support/process.ts";
import { seeded } from "../support/seed.ts";
import { AUDIT_STEPS, drillAudit } from "./audit.ts";
import { CHARGE_STEPS, drillCharges, SETTLE_STEPS } from "./charges.ts";
import { drillFirstStart, drillRenewal } from "./first-start.ts";
import { drillLoad } from "./load.ts";
import { newPlace, type Place } from "./place.ts";
import { drillSteps, ISSUE_STEPS, REVOKE_STEPS } from "./steps.ts";

// The long form has each step, as far as the databases differ in it; the short one, on a server alone, the step after
// the commit of a revocation. `node test/crash/drill.ts` has all steps on both, and goes on for as long as it is told to.
// A claim that does not hold is thrown, with its step. All drills of a database are at one place, each on what the one
// before has left there.

const TIMEOUT = 240_000;
/** The steps about the commit, in which the databases differ. */
const ABOUT_THE_COMMIT: ReadonlySet<string> = new Set([
  "issue:minted",
  "issue:committed",
  "revoke:committed",
] satisfies readonly Step[]);

/** What is killed at in the short form. */
const SHORT = ["revoke:committed"];

const DATABASES = ["pglite", "postgres"] as const;

describe.each(isShort() ? (["postgres"] as const) : DATABASES)("[%s] a service that is killed", (kind) => {
  let place: Place;
  beforeAll(async () => {
    place = await newPlace(kind === "postgres" ? await emptyDatabaseUrl() : undefined);
    if (isShort()) await place.command("bootstrap");
  });
  afterAll(() => {
    endAll("SIGKILL"); // where a claim did not hold, its service still runs
    place.home.remove();
  });

  atLength(() => {
    test("at each step of its first start leaves good credentials", { timeout: TIMEOUT }, async () => {
      await drillFirstStart(place, kind === "postgres" ? undefined : ["bootstrap:committed"]);
      // The renewal takes as many starts again, which are slow with the embedded database: `drill.ts` has it there.
      if (kind === "postgres") await drillRenewal(place);
    });
  });

  test("at each step of issue and revoke stands by what it acknowledged", { timeout: TIMEOUT }, async () => {
    const steps: string[] = [];
    const all = [...Object.keys(ISSUE_STEPS), ...Object.keys(REVOKE_STEPS)];
    const wanted = all.filter((step) =>
      isShort() ? SHORT.includes(step) : kind === "postgres" || ABOUT_THE_COMMIT.has(step),
    );
    const stood = await drillSteps(
      place,
      (step) => steps.push(step),
      (step) => wanted.includes(step),
    );
    expect(steps).toEqual(wanted);
    expect(stood).toBeGreaterThan(5 * wanted.length);
  });

  atLength(() => {
    test("at each step of a charge has spent no more than was allowed, and each once", {
      timeout: TIMEOUT,
    }, async () => {
      const steps: string[] = [];
      const all = [...Object.keys(CHARGE_STEPS), ...Object.keys(SETTLE_STEPS)];
      const wanted = all.filter((step) => kind === "postgres" || step.endsWith(":committed"));
      await drillCharges(
        place,
        (step) => steps.push(step),
        (step) => wanted.includes(step),
      );
      expect(steps).toEqual(wanted);
    });
  });

  atLength(() => {
    test("at each step of growing the audit tree leaves it whole", { timeout: TIMEOUT }, async () => {
      const steps: string[] = [];
      // One transaction holds all steps: with the embedded database the one before its commit and the one behind it suffice.
      const wanted = AUDIT_STEPS.filter((step) => kind === "postgres" || /signed|committed/.test(step));
      await drillAudit(
        place,
        (step) => steps.push(step),
        (step) => wanted.some((one) => one === step),
      );
      expect(steps).toEqual(wanted);
    });
  });

  atLength(() => {
    test("at any moment under load stands by what it acknowledged", { timeout: TIMEOUT }, async () => {
      expect(await drillLoad(place, 1, seeded(`load ${kind}`).number)).toBeGreaterThan(20);
    });
  });
});
