import { outageDrill } from "./outage.ts";

/** Postgres ends by SIGKILL, and is started again. */
export const KILLED = outageDrill({
  name: "postgres-killed",
  about: "Postgres ends by kill -9 and is started again",
  async begin({ server }) {
    await server.crash();
    return () => server.restart();
  },
});
