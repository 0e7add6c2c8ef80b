import type { Page } from "../client/index.ts";
import type { Invocation } from "./command.ts";
import { EXIT } from "./exit.ts";
import { columns } from "./show.ts";
import { printJson } from "./terminal.ts";

/**
 * Prints a page of a list, a row for each item, and how to go on.
 *
 * @param header the columns' names, for eyes alone: a program that reads the lines finds rows only
 * @returns the exit code
 */
export function printPage<T>(
  { terminal, json }: Invocation,
  page: Page<T>,
  header: readonly string[],
  row: (item: T) => readonly string[],
): number {
  if (json) {
    printJson(terminal, page);
    return EXIT.done;
  }
  for (const line of table(terminal, header, page.items.map(row))) terminal.print(line);
  if (page.items.length === 0) terminal.say("bakehouse: none");
  if (page.next_cursor !== null) terminal.say(`bakehouse: more with --cursor ${page.next_cursor}`);
  return EXIT.done;
}

/** The lines of a table, with its header where somebody reads it and there is a row. */
export function table(
  { outputIsTerminal }: Invocation["terminal"],
  header: readonly string[],
  rows: readonly (readonly string[])[],
): readonly string[] {
  return columns(outputIsTerminal && rows.length > 0 ? [header, ...rows] : rows);
}

/** Prints one thing, a line for each fact. @returns the exit code */
export function printFacts(
  { terminal, json }: Invocation,
  value: object,
  facts: readonly (readonly [string, string])[],
): number {
  if (json) printJson(terminal, value);
  else for (const line of columns(facts)) terminal.print(line);
  return EXIT.done;
}
