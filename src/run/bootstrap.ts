import type { Config } from "../config.ts";
import type { Bootstrapped } from "../domain/upkeep/bootstrap.ts";
import { open } from "./open.ts";

/** Makes the first platforms and their credentials, once, and does nothing else. */
export async function bootstrapOnly(config: Config, reissue: boolean): Promise<Bootstrapped> {
  const opened = await open(config, { keepsFiles: true });
  try {
    return await opened.bootstrap.run(reissue);
  } finally {
    await opened.close();
  }
}
