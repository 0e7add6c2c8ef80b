import { UsageError } from "../start-failure.ts";

/** Refuses words behind the name of a command that takes none. @throws UsageError */
export function alone(positionals: readonly string[]): void {
  if (positionals.length > 0) throw new UsageError("one command at a time; see bakehouse --help");
}
