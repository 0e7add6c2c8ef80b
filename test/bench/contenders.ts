import { join } from "node:path";

import { freePort } from "../support/process-service.ts";
import { type Server, startServer } from "./processes.ts";

const FOLDER = join(import.meta.dirname, "contenders");

/** Starts a server of `contenders/` that answers so many bytes, on core 0. */
export async function startContender(
  file: string,
  length: number,
  ...more: readonly string[]
): Promise<Server> {
  const port = await freePort();
  return startServer(port, [join(FOLDER, file), String(port), String(length), ...more]);
}
