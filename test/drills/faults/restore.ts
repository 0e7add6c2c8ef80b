import { createClient } from "../../support/process-client.ts";
import type { Drill, DrillSettings } from "./drill.ts";
import { asSuperuser } from "./sql.ts";
import { openStand } from "./stand.ts";

/** What a replica says at its start on a log that lacks what it knows, or that lies in another database. */
const FENCE = "bakehouse restore-fence";

async function run({ bound }: DrillSettings) {
  const stand = await openStand({ bound });
  const faults: string[] = [];
  try {
    const url = new URL(stand.server.url);
    const name = url.pathname.slice(1);
    url.pathname = "/template1";
    const maintenance = url.href;
    const ask = async (token: string) => {
      const question = { as: stand.platform, body: { token, context: {} } };
      return (await createClient(stand.service().url).call("POST", "/v1/verify", question)).text.slice(0, 60);
    };
    const issue = async () => {
      const body = { platform: "default", on_behalf_of: { subject: "alice" } };
      return (await createClient(stand.service().url).issue(stand.platform, body)).token;
    };
    const token = await issue();
    if (!(await ask(token)).startsWith('{"allowed":true')) faults.push("a new token is not allowed");
    await stand.service().end("SIGTERM");
    await asSuperuser(maintenance, `create database backup template ${name}`);
    await stand.startAgain();
    await createClient(stand.service().url).revoke(undefined, { token });
    await stand.service().end("SIGTERM");

    const begun = performance.now();
    await asSuperuser(maintenance, `drop database ${name}`, `create database ${name} template backup`);
    const restored = performance.now();
    const refused = await stand.command({}, "serve");
    if (refused.code === 0 || !refused.said.includes(FENCE))
      faults.push("it serves a restored database, or does not say what to do");
    const fenced = performance.now();
    for (const args of [["restore-fence"], ["bootstrap", "--reissue"]]) {
      const { code, said } = await stand.command({}, ...args);
      if (code !== 0) faults.push(`${args.join(" ")} failed: ${said.slice(-300)}`);
    }
    await stand.startAgain();
    stand.renewPlatform();
    const fresh = await ask(await issue());
    const back = performance.now();
    if (!fresh.startsWith('{"allowed":true')) faults.push(`a new token is answered ${fresh}`);
    for (const [what, text] of [
      ["revoked", token],
      ["issued before the fence", stand.token],
    ] as const) {
      const answer = await ask(text);
      if (!answer.startsWith('{"allowed":false,"code":"revoked"'))
        faults.push(`what was ${what} is answered ${answer}`);
    }
    const saw = [
      `put back in ${((restored - begun) / 1_000).toFixed(1)} s`,
      "the service does not start on it and names the command",
      "after the fence what was revoked and all that is older is refused, and new tokens are good",
    ].join("; ");
    return { saw, recovery: back - fenced, faults, late: [] };
  } finally {
    await stand.close();
  }
}

/** A backup is put back that lacks a revocation, and fenced. */
export const RESTORE: Drill = {
  name: "backup-restored",
  about: "a backup from before a revocation is put back, fenced, and served from",
  run,
};
