import { setTimeout as sleep } from "node:timers/promises";

import { expect, test } from "vitest";

import { describeOn, testDatabaseUrl } from "../support/database.ts";
import { run } from "../support/process.ts";
import { builtBundle } from "../support/process-bundle.ts";
import { createClient } from "../support/process-client.ts";
import { credential, newHome, startService } from "../support/process-service.ts";
import { until } from "../support/until.ts";

describeOn("postgres", "a replica that is paused", () => {
  test("past the bound and resumed allows nothing that was revoked meanwhile", async () => {
    const home = newHome(await testDatabaseUrl());
    const env = { REVOCATION_MAX_STALENESS: "1500ms" };
    const boot = run(builtBundle(), ["bootstrap"], { env: home.env });
    expect((await boot.ended).code).toBe(0);
    const one = await startService(builtBundle(), home, env);
    const other = await startService(builtBundle(), home, env);
    try {
      const [here, there] = [createClient(one.url), createClient(other.url)];
      const platform = { token: credential(home, "default.token") };
      const issue = () => here.issue(platform, { platform: "default", on_behalf_of: { subject: "paused" } });
      const tokens = await Promise.all(Array.from({ length: 10 }, issue));
      // On a busy machine the bound may have passed again.
      const isAllowed = async (token: string) => (await there.verifyPatiently(platform, token)).allowed;
      for (const { token } of tokens) expect(await isAllowed(token)).toBe(true);

      for (let round = 0; round < 2; round++) {
        process.kill(other.pid, "SIGSTOP");
        const asked = tokens.map(({ token }) =>
          there.call("POST", "/v1/verify", { as: platform, body: { token, context: {} } }),
        );
        const dead = tokens.slice(round * 4, round * 4 + 5);
        for (const { token } of dead) await here.revoke(undefined, { token });
        await sleep(1_600); // the other process's clock is the machine's: its bound passes
        process.kill(other.pid, "SIGCONT");
        // Asked while it stood still, answered now: 503, or what is true now, and never what was true then.
        const answers = await Promise.all(asked);
        const revoked = new Set(tokens.slice(0, round * 4 + 5));
        for (const [index, { status, body }] of answers.entries()) {
          const allowed = status === 200 && (body as { allowed: boolean }).allowed;
          if (revoked.has(tokens[index] as (typeof tokens)[number])) expect(allowed).toBe(false);
          expect([200, 503]).toContain(status);
        }
        await until(async () => (await there.call("GET", "/readyz")).status === 200);
        for (const token of tokens) expect(await isAllowed(token.token)).toBe(!revoked.has(token));
      }
    } finally {
      await Promise.all([one.end("SIGTERM"), other.end("SIGTERM")]);
      home.remove();
    }
  });
});
