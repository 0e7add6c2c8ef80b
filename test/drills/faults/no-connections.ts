import { setTimeout as pause } from "node:timers/promises";

import { outageDrill, PLACES } from "./outage.ts";
import { superuser } from "./sql.ts";

/** Others have taken every connection that there is, and the service's are broken off. */
export const NO_CONNECTIONS = outageDrill({
  name: "postgres-out-of-connections",
  about: `another program takes all ${PLACES} connections, and those of the service are broken off`,
  async begin({ server, proxy }) {
    const sql = superuser(server.url, PLACES);
    const taken = [await sql.reserve()];
    const [first] = taken;
    proxy.lead(undefined);
    // Those as well that the server has not noticed to be gone.
    for (let others = 1; others > 0; await pause(20)) {
      const rows = await first?.unsafe(
        `select pg_terminate_backend(pid) from pg_stat_activity
         where backend_type = 'client backend' and pid <> pg_backend_pid()`,
      );
      others = rows?.length ?? 0;
    }
    // Three of them are for superusers, as this one is.
    while (taken.length < PLACES) taken.push(await sql.reserve());
    proxy.lead(Number(new URL(server.url).port));
    return async () => {
      for (const one of taken) one.release();
      await sql.end({ timeout: 1 });
    };
  },
});
