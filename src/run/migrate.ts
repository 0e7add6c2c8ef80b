import type { Config } from "../config.ts";
import { openConfiguredStore } from "./configured-store.ts";

/** Brings the database's schema up to date and does nothing else. */
export async function migrateOnly(config: Config): Promise<void> {
  const store = await openConfiguredStore(config);
  await store.close();
}
