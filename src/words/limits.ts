/** Most objects and arrays within one another in a context, the context itself counted. */
export const CONTEXT_DEPTH = 64;

/** Most questions in a batch. */
export const BATCH_QUESTIONS = 1_000;
