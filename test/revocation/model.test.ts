import { expect, test } from "vitest";

import { databasesAtLength, describeOn, describeOnEachDatabase } from "../support/database.ts";
import { timesOf } from "../support/form.ts";
import { newFleet, openServerStore, startReplica } from "../support/replica.ts";
import { runModel } from "./model.ts";

// `node test/drills/revocation-model.ts` runs ten thousand commands on each database.
const COMMANDS = timesOf(500, 150);

describeOnEachDatabase(
  "random issue, attenuate, delegate, revoke and verify",
  (open) => {
    test("is what a list of rules says it is", async () => {
      const { store } = await open();
      const fleet = newFleet();
      const replica = await startReplica({ store, fleet });
      expect(await runModel({ replicas: [replica], executed: 0 }, COMMANDS, 150, 42)).toBeGreaterThanOrEqual(
        COMMANDS,
      );
      await replica.composed.stop();
      fleet.remove();
    });
  },
  databasesAtLength(),
);

describeOn("postgres", "random commands on two replicas", (open) => {
  test("what one has revoked the other knows", async () => {
    const { store, url = "" } = await open();
    const fleet = newFleet();
    const one = await startReplica({ store, fleet });
    const other = await startReplica({ store: await openServerStore(url), fleet });
    await runModel({ replicas: [one, other], executed: 0 }, COMMANDS, 150, 7);
    await other.stop();
    await one.composed.stop();
    fleet.remove();
  });
});
