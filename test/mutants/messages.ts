import { z } from "zod";

/** What the runner asks of a worker. Sources are given as text: a worker never writes a file. */
export const orderSchema = z.discriminatedUnion("kind", [
  /** Run one test file as it is and say which functions it calls. */
  z.object({ kind: z.literal("observe"), test: z.string(), sources: z.record(z.string(), z.string()) }),
  /** Run test files, one after the other until a test fails, with one source file replaced. */
  z.object({
    kind: z.literal("try"),
    file: z.string(),
    text: z.string(),
    /** Test files, with the processor time in milliseconds after which the mutant is taken to loop for ever there. */
    tests: z.array(z.object({ test: z.string(), patience: z.number() })),
  }),
]);
export type Order = z.infer<typeof orderSchema>;

/** The first test that failed, or the test file that could not run. */
const failureSchema = z.object({ test: z.string(), name: z.string() });
export type Failure = z.infer<typeof failureSchema>;

export const reportSchema = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("ready") }),
  z.object({
    kind: z.literal("observed"),
    problem: failureSchema.optional(),
    /** Processor time in milliseconds. */
    cost: z.number(),
    called: z.record(z.string(), z.array(z.number())),
  }),
  z.object({ kind: z.literal("alive") }),
  z.object({ kind: z.literal("killed"), by: failureSchema }),
  z.object({ kind: z.literal("endless") }),
]);
export type Report = z.infer<typeof reportSchema>;
