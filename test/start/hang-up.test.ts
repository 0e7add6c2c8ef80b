import { expect, test } from "vitest";

import { builtBundle } from "../support/process-bundle.ts";
import { newEmbeddedHome, startService } from "../support/process-service.ts";

test("a hang-up does not end a single process, which says what it does with it", async () => {
  const home = await newEmbeddedHome();
  try {
    const service = await startService(builtBundle(), home);
    process.kill(service.pid, "SIGHUP");
    await expect.poll(service.stdout).toContain('"event":"hang-up ignored"');
    expect((await fetch(`${service.url}/healthz`)).status).toBe(200);
    expect(await service.end("SIGTERM")).toEqual({ code: 0, signal: null });
  } finally {
    home.remove();
  }
});
