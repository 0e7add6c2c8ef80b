import type { z } from "zod";

import { DomainError } from "../../domain/parts/error.ts";
import { renderPath } from "../../json/error.ts";
import { invalid } from "../parts/fault-member.ts";

/**
 * Reads a query string against a schema of strings. Unknown and repeated parameters are refused: two
 * readers of one request must never see two different values.
 *
 * @param search what stands behind `?`
 * @param isOurs whether a parameter of this name is read at all; every one unless said
 */
export function readQuery<T>(
  search: string,
  schema: z.ZodType<T>,
  isOurs: (name: string) => boolean = () => true,
): T {
  const values: Record<string, string> = Object.create(null);
  for (const [name, value] of new URLSearchParams(search)) {
    if (!isOurs(name)) continue;
    if (Object.hasOwn(values, name)) {
      const member = renderPath([name]);
      throw new DomainError("invalid_request", `${member} is repeated`, member);
    }
    Object.defineProperty(values, name, { value, enumerable: true });
  }
  const result = schema.safeParse(values);
  if (!result.success) throw invalidParameter(invalid(result.error, schema, values));
  return result.data;
}

function invalidParameter(error: DomainError): DomainError {
  const detail = error.message.replace("a member of this request", "a query parameter of this request");
  return new DomainError("invalid_request", detail, error.member);
}
