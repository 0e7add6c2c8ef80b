import { DomainError } from "../../domain/parts/error.ts";

/** The error for a page key that this list never gave. */
export function foreignCursor(): DomainError {
  return new DomainError("invalid_request", "cursor is not one of this list's", "cursor");
}

/**
 * Cuts a page out of rows of which one more than the limit was asked for.
 *
 * @param key the page key of an item
 */
export function pageOf<T>(
  rows: readonly T[],
  limit: number,
  key: (item: T) => string,
): { readonly items: readonly T[]; readonly next: string | undefined } {
  const items = rows.slice(0, limit);
  const last = items.at(-1);
  return { items, next: rows.length > limit && last !== undefined ? key(last) : undefined };
}
