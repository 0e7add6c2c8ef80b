const VARIABLE = "BAKEHOUSE_WORKER";

/**
 * Hands out small numbers to workers, the lowest that is free: a worker's files in the data folder are under its
 * number, so that no two write one file, and files do not add up with each restart.
 */
export function createSlots() {
  const taken = new Set<number>();
  return {
    take(): number {
      let slot = 1;
      while (taken.has(slot)) slot += 1;
      taken.add(slot);
      return slot;
    },
    free: (slot: number): void => void taken.delete(slot),
    /** How a worker is told its number. */
    environment: (slot: number): Readonly<Record<string, string>> => ({ [VARIABLE]: String(slot) }),
  };
}

/** The number that a worker was given, by its environment. */
export function slotOf(environment: Readonly<Record<string, string | undefined>>): number {
  return Number(environment[VARIABLE]);
}
