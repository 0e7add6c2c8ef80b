import type { Page } from "../client/index.ts";
import type { Invocation } from "./command.ts";
import { EXIT } from "./exit.ts";
import { columns } from "./show.ts";
import { printJson } from "./terminal.ts";

/** Prints a page of a list, a row for each item, and how to go on. @returns the exit code */
export function printPage<T>(
  { terminal, json }: Invocation,
  page: Page<T>,
  row: (item: T) => readonly string[],
): number {
  if (json) {
    printJson(terminal, page);
    return EXIT.done;
  }
  for (const line of columns(page.items.map(row))) terminal.print(line);
  if (page.items.length === 0) terminal.say("bakehouse: none");
  if (page.next_cursor !== null) terminal.say(`bakehouse: more with --cursor ${page.next_cursor}`);
  return EXIT.done;
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
