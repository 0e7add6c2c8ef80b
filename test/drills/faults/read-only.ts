import { outageDrill } from "./outage.ts";
import { asSuperuser } from "./sql.ts";

/** New transactions may only read unless they say otherwise, which connections do that were opened since. */
export const READ_ONLY = outageDrill({
  name: "postgres-read-only",
  about: "default_transaction_read_only is switched on",
  async begin({ server }) {
    await asSuperuser(
      server.url,
      "alter system set default_transaction_read_only = on",
      "select pg_reload_conf()",
    );
    return () =>
      asSuperuser(
        server.url,
        "set default_transaction_read_only = off",
        "alter system reset default_transaction_read_only",
        "select pg_reload_conf()",
      );
  },
});
