import { strict as assert } from "node:assert";

import { openStore } from "../../src/storage/open.ts";
import type { Urls } from "../support/reach.ts";
import { type InProcessReplica, newFleet, person, startReplica } from "../support/replica.ts";
import { narrow } from "../support/service-macaroons.ts";

/**
 * What every environment must carry: the owner migrates, the service starts twice, issues on one replica, verifies
 * on the other, revokes on one and is refused on the other, and starts again with all of it.
 *
 * @param whileServing called while two replicas serve
 * @throws AssertionError where something is otherwise
 */
export async function tellStory(
  { owner, service, direct }: Urls,
  whileServing: () => Promise<void> = async () => {},
): Promise<void> {
  const migrating = await openStore({ place: { kind: "server", url: owner, direct } });
  await migrating.close();

  const fleet = newFleet();
  const running: InProcessReplica[] = [];
  async function start(): Promise<InProcessReplica> {
    const store = await openStore({ place: { kind: "server", url: service, direct } });
    const replica = await startReplica({ store, fleet });
    running.push(replica);
    return replica;
  }
  async function stop(): Promise<void> {
    for (const replica of running.splice(0)) await replica.stop();
  }

  try {
    const [one, other] = [await start(), await start()];
    const kept = await one.issue("alice");
    const { token } = await one.issue("alice");
    const child = narrow(token, "agent = writer#1");
    assert.equal(await other.verifyPatiently(child), "allowed");
    assert.equal(await other.verifyPatiently(kept.token), "allowed");

    const sequence = await one.revoke(person("alice"), { kind: "token", token: child });
    assert.equal(await one.verify(child), "revoked");
    assert.equal(await other.verifyPatiently(child, sequence), "revoked");
    assert.equal(await other.verifyPatiently(token, sequence), "allowed");
    await other.composed.maintenance.run();
    assert.deepEqual([one.reports, other.reports], [[], []]);
    await whileServing();
    await stop();

    const again = await start();
    assert.equal(await again.verifyPatiently(child, sequence), "revoked");
    assert.equal(await again.verifyPatiently(kept.token, sequence), "allowed");
    assert.equal(await again.verifyPatiently((await again.issue("bob")).token), "allowed");
    assert.deepEqual(again.reports, []);
  } finally {
    await stop();
    fleet.remove();
  }
}
