import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { give } from "../../support/postgres-server.ts";
import { outageDrill } from "./outage.ts";

/** The server is a hot standby, as a primary is that was demoted: it can be read, and takes no change whatever is said. */
export const DEMOTED = outageDrill({
  name: "postgres-demoted",
  about: "Postgres is restarted in recovery, as a standby that nobody feeds, and later as the primary again",
  isDoubtful: true,
  async begin({ server }) {
    const signal = join(server.dataDir, "standby.signal");
    await server.halt();
    writeFileSync(signal, "");
    give(signal);
    await server.restart();
    return async () => {
      await server.halt();
      rmSync(signal);
      await server.restart();
    };
  },
});
