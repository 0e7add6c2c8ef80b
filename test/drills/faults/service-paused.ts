import { setTimeout as pause } from "node:timers/promises";

import { type Answer, createClient } from "../../support/process-client.ts";
import { outageDrill } from "./outage.ts";

/** Tokens that are revoked while it stands still. */
const TOKENS = 10;

const allowed = (answers: readonly Answer[]) =>
  answers.filter(({ text }) => text.startsWith('{"allowed":true')).length;

/** The service stands still, longer than the bound if the drill holds that long. What it missed holds once it goes on. */
export const SERVICE_PAUSED = outageDrill({
  name: "service-paused",
  about: `a process of the service is stopped (SIGSTOP), another one revokes ${TOKENS} tokens, and it goes on`,
  isService: true,
  async begin(stand, checks) {
    const [here, there] = [createClient(stand.service().url), createClient((await stand.startBeside()).url)];
    const body = { platform: "default", on_behalf_of: { subject: "bob" } };
    const issue = async () => (await here.issue(stand.platform, body)).token;
    const tokens = await Promise.all(Array.from({ length: TOKENS }, issue));
    const ask = (token: string) =>
      here.call("POST", "/v1/verify", { as: stand.platform, body: { token, context: {} } });
    for (const token of tokens) {
      const { text } = await ask(token);
      if (!text.startsWith('{"allowed":true')) throw new Error(`a good token is not allowed: ${text}`);
    }
    process.kill(stand.service().pid, "SIGSTOP");
    // Asked while it stands still, answered when it goes on.
    const asked = tokens.map(ask);
    for (const token of tokens) await there.revoke(undefined, { token });
    const revoked = performance.now();
    const old = revoked + stand.bound * 1_000;
    return async () => {
      const resumed = performance.now();
      process.kill(stand.service().pid, "SIGCONT");
      checks.push(async () => {
        // What it knew may speak for a pause that is shorter than the bound, and for no longer one.
        const first = allowed(await Promise.all(asked));
        await pause(Math.max(0, old - performance.now()));
        const later = allowed(await Promise.all(tokens.map(ask)));
        return [
          ...(resumed > old && first > 0 ? [`${first} tokens are allowed that were revoked meanwhile`] : []),
          ...(later > 0 ? [`${later} tokens are allowed after the bound`] : []),
        ];
      });
    };
  },
});
