/** Most objects and arrays within one another in a context, the context itself counted. */
export const CONTEXT_DEPTH = 64;

/** Most questions in a batch. */
export const BATCH_QUESTIONS = 1_000;

/** Most budgets of a token and its discharges together: a call charges each. */
export const TOKEN_BUDGETS = 32;

/** Most characters of a `charge_id`. */
export const CHARGE_ID = 128;

/** Most units of a cost. */
export const COST_UNITS = 100;

/** The longest life of a reservation, seconds. */
export const RESERVE_SECONDS = 86_400;
