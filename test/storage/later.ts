import type { Migration } from "../../src/storage/migrate/migrations.ts";

/** A migration of these statements that comes after all there are. */
export function later(...statements: readonly string[]): Migration {
  return { tag: "9999_later", when: Date.UTC(2099, 0, 1), hash: "ab".repeat(32), statements };
}
