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
    // And it was put to the test: it answered much by itself, while much was revoked and cut.
    expect(report.local).toBeGreaterThan(report.verified * 0.1);
    expect(report.allowedHere).toBeGreaterThan(50);
    expect(report.revocations).toBeGreaterThan(10);
    expect(report.streams).toBeGreaterThan(2);
  } finally {
    await server.close();
    await service.close();
  }
});
