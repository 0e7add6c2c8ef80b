import { cpSync, existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";

import { expect, test } from "vitest";

import { ownCommand } from "../support/own-command.ts";
import { run } from "../support/process.ts";
import { builtBundle } from "../support/process-bundle.ts";
import { createClient } from "../support/process-client.ts";
import { credential, newEmbeddedHome, startService } from "../support/process-service.ts";

test("[pglite] a restored backup brings revoked tokens back to life, and `bakehouse restore-fence` ends that", async () => {
  const script = builtBundle();
  const home = await newEmbeddedHome();
  const database = join(home.dataDir, "database");
  const backup = `${home.dataDir}-backup`;
  const command = async (...args: readonly string[]) => {
    const running = run(script, args, { env: home.env });
    return { code: (await running.ended).code, said: running.stderr() };
  };
  try {
    expect((await command("bootstrap")).code).toBe(0);
    const platform = () => ({ token: credential(home, "default.token") });
    const issue = { platform: "default", on_behalf_of: { subject: "alice" } };
    let service = await startService(script, home);
    let api = createClient(service.url);
    const { token } = await api.issue(platform(), issue);
    await service.end("SIGTERM");
    cpSync(database, backup, { recursive: true });

    service = await startService(script, home);
    api = createClient(service.url);
    await api.revoke(undefined, { token });
    expect((await api.verify(platform(), token)).allowed).toBe(false);
    await service.end("SIGTERM");
    expect(readFileSync(join(home.dataDir, "revocations.position"), "utf8")).toMatch(
      /^[0-9a-f]{32}-[0-9a-f]{16}-1\n$/,
    );
    const sequence = readFileSync(join(home.dataDir, "revocations.position"), "utf8").trim();

    // The disaster: yesterday's database, and only the data folder remembers the revocation.
    rmSync(database, { recursive: true });
    cpSync(backup, database, { recursive: true });
    const refused = await command("serve");
    expect(refused.code).not.toBe(0);
    expect(refused.said).toContain("shorter than before");
    expect(refused.said).toContain("run `bakehouse restore-fence`");
    // What it has found stands in the log now, for replicas that remember nothing.
    rmSync(join(home.dataDir, "revocations.position"));
    expect((await command("serve")).said).toContain(`lacks entry ${sequence}`);

    rmSync(database, { recursive: true });
    cpSync(backup, database, { recursive: true });
    for (const wrong of [
      ["--issued-before", "now"],
      ["--issued-before", "2099-01-01T00:00:00Z"],
      ["extra"],
      ["--whole", "nonsense"],
      ["--whole", sequence.replace(/-[0-9a-f]{16}-/, "-")],
      ["--whole", sequence],
      ["--whole", sequence, "--issued-before", "2020-01-01T00:00:00Z"],
    ]) {
      expect((await ownCommand(["restore-fence", ...wrong], home.env)).code, wrong.join(" ")).not.toBe(0);
    }
    const fence = await command("restore-fence");
    expect(fence).toMatchObject({ code: 0 });
    expect(fence.said).toContain("2 platforms");
    expect((await command("bootstrap", "--reissue")).code).toBe(0);
    service = await startService(script, home);
    api = createClient(service.url);
    expect(await api.verify(platform(), token)).toMatchObject({ allowed: false, code: "revoked" });
    const fresh = await api.issue(platform(), issue);
    expect((await api.verify(platform(), fresh.token)).allowed).toBe(true);
    await service.end("SIGTERM");
  } finally {
    home.remove();
    if (existsSync(backup)) rmSync(backup, { recursive: true });
  }
});
