import { outageDrill } from "./outage.ts";

/** The network between swallows everything. Connections that lost something stay dead. */
export const BLACK_HOLE = outageDrill({
  name: "postgres-black-holed",
  about:
    "a proxy swallows all that is sent either way and closes nothing; open connections stay dead afterwards",
  async begin({ proxy }) {
    proxy.blackHole();
    return async () => proxy.heal();
  },
});
