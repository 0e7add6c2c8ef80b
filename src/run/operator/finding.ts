/** The finding of one check of `bakehouse doctor`. */
export interface Finding {
  /** The thing that was looked at, such as `clock`. */
  readonly name: string;
  /** `skipped`: it could not be looked at, or there is nothing to look at. Only `failed` makes the command fail. */
  readonly state: "ok" | "warning" | "failed" | "skipped";
  /** For people, without anything secret. */
  readonly detail: string;
  /** The cure; undefined if nothing is to be done. */
  readonly cure?: string;
}

/** A maker of the findings about one thing. */
export function about(name: string) {
  const make =
    (state: Finding["state"]) =>
    (detail: string, cure?: string): Finding => ({
      name,
      state,
      detail,
      ...(cure !== undefined && { cure }),
    });
  return { ok: make("ok"), warning: make("warning"), failed: make("failed"), skipped: make("skipped") };
}

const WIDTH = "warning".length;

/** A finding as a line. */
export function findingText({ name, state, detail, cure }: Finding): string {
  const word = state === "failed" ? "FAILED" : state;
  return `${word.padEnd(WIDTH)}  ${name}: ${detail}${cure === undefined ? "" : `; ${cure}`}`;
}

/** Milliseconds, for people. */
export function spanText(milliseconds: number): string {
  return milliseconds < 1000 ? `${Math.round(milliseconds)} ms` : `${(milliseconds / 1000).toFixed(1)} s`;
}
