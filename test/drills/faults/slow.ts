import { outageDrill } from "./outage.ts";

/** Milliseconds by which each message is late. */
const LATE = 300;

/** Each message to and from Postgres is late. */
export const SLOW = outageDrill({
  name: "postgres-slow",
  about: `each message to and from Postgres is ${LATE} ms late`,
  changes: "go on",
  async begin({ proxy }) {
    proxy.slow(LATE);
    return async () => proxy.slow(0);
  },
});
