import { expect, test } from "vitest";

import { startTestService } from "../support/service.ts";
import { HEARTBEAT, runModel } from "./local-model.ts";

/** More for a drill: `BAKEHOUSE_MODEL_STEPS=10000 npm test -- test/client/local-verifier`. */
const STEPS = Number(process.env["BAKEHOUSE_MODEL_STEPS"] ?? 1_500);

test("[pglite] what a local verifier allows, the service would have allowed within the bound", {
  timeout: 1_200_000,
}, async () => {
  const service = await startTestService({ kind: "pglite", heartbeatMilliseconds: HEARTBEAT });
  const server = await service.listen();
  try {
    const seed = Date.now() % 1_000_000;
    const report = await runModel(service, server.url, STEPS, seed);
    if (process.env["BAKEHOUSE_MODEL_STEPS"] !== undefined)
      process.stderr.write(`${JSON.stringify(report)}\n`);
    expect(report.exceptions, `seed ${seed}`).toEqual([]);
    // And it was put to the test: it answered by itself, while tokens were revoked and its stream was cut. How much
    // depends on chance and on how fast the machine is, so little is asked of a short run.
    expect(report.local).toBeGreaterThan(report.verified * 0.03);
    expect(report.allowedHere).toBeGreaterThan(15);
    expect(report.revocations).toBeGreaterThan(5);
    expect(report.streams).toBeGreaterThan(1);
  } finally {
    await server.close();
    await service.close();
  }
});
