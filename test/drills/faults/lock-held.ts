import { outageDrill } from "./outage.ts";
import { superuser } from "./sql.ts";

/** Another session holds the lock of tables that every change needs. */
export const LOCK_HELD = outageDrill({
  name: "postgres-lock-held",
  about: "another session locks the tables of tokens and revocations and does not let go",
  changes: "wait",
  async begin({ server }) {
    const sql = superuser(server.url);
    const held = await sql.reserve();
    await held.unsafe("begin");
    await held.unsafe("lock table public.tokens, public.revocations in access exclusive mode");
    return async () => {
      await held.unsafe("rollback");
      held.release();
      await sql.end({ timeout: 1 });
    };
  },
});
