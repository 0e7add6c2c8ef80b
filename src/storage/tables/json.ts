import type { z } from "zod";

import { StorageError } from "../engine/error.ts";

/**
 * Parses a JSON column, strictly.
 *
 * @param column the column, for the error; its content is not said
 */
export function readJson<T>(column: string, schema: z.ZodType<T>, value: unknown): T {
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw new StorageError(`read ${column}`);
  return parsed.data;
}
