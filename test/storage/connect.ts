import { onTestFinished } from "vitest";

import type { Connection } from "../../src/storage/engine/connection.ts";
import { connectServer } from "../../src/storage/server/connect.ts";
import { reach } from "../support/reach.ts";

/** One connection to a database, as its owner unless another URL is named, without timeouts, until the test ends. */
export async function connect(database: string, url = reach(database).owner): Promise<Connection> {
  const settings = { url, connectTimeout: 5_000, statementTimeout: 0, idleInTransactionTimeout: 0 };
  const connection = await connectServer(settings)();
  onTestFinished(() => connection.close());
  return connection;
}
