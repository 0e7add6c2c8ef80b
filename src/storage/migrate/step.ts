import type { Session } from "../engine/connection.ts";
import { startFault } from "../engine/guard.ts";
import type { Row } from "../engine/values.ts";

/**
 * One statement of a migration run.
 *
 * @throws StorageError or DomainError under the operation's name, without the statement's values
 */
export async function step(
  session: Pick<Session, "query">,
  text: string,
  values: readonly (string | number)[] = [],
  operation = "migrate",
): Promise<readonly Row[]> {
  try {
    return await session.query(text, values);
  } catch (error) {
    throw startFault(operation, error);
  }
}
