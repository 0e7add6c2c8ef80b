import type { Identity } from "../../domain/ports/sessions.ts";

/** The signed-in person; `unknown` if that could not be found out, or would cost too much. */
export type Viewer = Identity | "nobody" | "unknown";
