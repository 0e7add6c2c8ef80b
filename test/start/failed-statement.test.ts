import { expect, test } from "vitest";

import { raw } from "../storage/raw.ts";
import { testDatabaseUrl } from "../support/database.ts";
import { run } from "../support/process.ts";
import { builtBundle } from "../support/process-bundle.ts";
import { newHome } from "../support/process-service.ts";

test("a command that does one thing logs the statement that failed, as the service does", async () => {
  const url = await testDatabaseUrl();
  const home = newHome(url);
  try {
    const env = { ...home.env, OIDC_ISSUER: "development" };
    await raw(
      url,
      `create function full_disk() returns trigger language plpgsql as
         $$ begin raise exception 'could not extend file' using errcode = '53100'; end $$;
       create trigger full_disk before insert or update on revocation_log execute function full_disk()`,
    );
    const fence = run(builtBundle(), ["restore-fence"], { env });
    expect((await fence.ended).code).toBe(1);
    expect(fence.stderr()).toContain(
      "the database takes no changes now: see its log, and the failed statement in ours",
    );
    const lines = fence
      .stdout()
      .split("\n")
      .filter((line) => line !== "");
    expect(lines.map((line): object => JSON.parse(line))).toMatchObject([
      { event: "statement failed", operation: "revocations.beginEpoch", sqlstate: "53100" },
    ]);
  } finally {
    home.remove();
  }
});
