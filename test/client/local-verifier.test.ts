import { expect, test } from "vitest";
import { timesOf } from "../support/form.ts";
import { seeded } from "../support/seed.ts";
import { startTestService } from "../support/service.ts";
import { HEARTBEAT, runModel } from "./local-model.ts";

/** More for a drill: `BAKEHOUSE_MODEL_STEPS=10000 npm test -- test/client/local-verifier`. */
const STEPS = Number(process.env["BAKEHOUSE_MODEL_STEPS"] ?? timesOf(1_500, 150));

test("[pglite] what a local verifier allows, the service would have allowed within the bound", {
  timeout: 1_200_000,
}, async () => {
  const service = await startTestService({ kind: "pglite", heartbeatMilliseconds: HEARTBEAT });
  const server = await service.listen();
  try {
    const report = await runModel(service, server.url, STEPS, seeded("local verifier").number);
    if (process.env["BAKEHOUSE_MODEL_STEPS"] !== undefined)
      process.stderr.write(`${JSON.stringify(report)}\n`);
    expect(report.exceptions).toEqual([]);
  } finally {
    await server.close();
    await service.close();
  }
});
