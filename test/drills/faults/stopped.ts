import { outageDrill } from "./outage.ts";

/** Postgres stands still with its connections open. */
export const STOPPED = outageDrill({
  name: "postgres-stopped",
  about: "all processes of Postgres are stopped (SIGSTOP): connections stay open and nothing is answered",
  async begin({ server }) {
    server.freeze();
    return async () => server.thaw();
  },
});
