import { findWithin } from "./find.ts";
import { spend, type Work } from "./work.ts";

// The cost of a step from segment to segment, in simple looks at a character.
const SEGMENT_COST = 32;

/** Literal pieces of one segment's pattern, with `*` between them. */
type SegmentPattern = readonly string[];

/** The patterns between two `**`: those of consecutive segments. */
type Run = readonly SegmentPattern[];

/** Why a text is not one that a glob may match: an empty, `.` or `..` segment, or undefined for none. */
export type BadSegment = "empty_segment" | "dot_segment" | undefined;

/**
 * Looks for a segment that another reader of the path would drop or climb out of, so that no pattern can be
 * escaped with `..`. One leading slash is the usual form of a URL path and makes no segment; a trailing or a
 * doubled one does.
 */
export function badSegment(value: string): BadSegment {
  let from = value.startsWith("/") ? 1 : 0;
  while (true) {
    const slash = value.indexOf("/", from);
    const end = slash < 0 ? value.length : slash;
    if (end === from) return "empty_segment";
    if (end - from <= 2 && value[from] === "." && (end - from === 1 || value[from + 1] === ".")) {
      return "dot_segment";
    }
    if (slash < 0) return undefined;
    from = slash + 1;
  }
}

/**
 * Whether a glob matches the whole of a value: `*` stands for any characters but `/`, two or more stars in a
 * row for any characters, and every other character for itself.
 *
 * Never backtracks over `*` nor, save for the start of a run of segments, over `**`: each piece is taken
 * at its first end, which can only leave more room for the next. Where a run that itself contains `*` and
 * `/` floats between two `**`, every segment is tried as its start; the allowance bounds that, and a
 * match that needs more than it has left is none.
 */
export function matchesGlob(pattern: string, value: string, work: Work): boolean {
  if (!spend(work, pattern.length)) return false;
  if (!pattern.includes("*")) return pattern === value;
  const { texts, runs } = takenApart(pattern);
  const first = texts[0] ?? "";
  const last = texts[texts.length - 1] ?? "";
  if (runs.length === 1) return matchRun(value, 0, runs[0] ?? [], false, false, work) >= 0;

  let at = first.includes("*") ? matchRun(value, 0, runs[0] ?? [], false, true, work) : first.length;
  if (at < 0 || (!first.includes("*") && !value.startsWith(first))) return false;
  for (let index = 1; index < runs.length - 1; index++) {
    at = floatRun(value, at, texts[index] ?? "", runs[index] ?? [], work);
    if (at < 0) return false;
  }
  if (!last.includes("*")) return value.length - last.length >= at && value.endsWith(last);
  return matchEnd(value, at, runs[runs.length - 1] ?? [], work);
}

interface TakenApart {
  readonly pattern: string;
  readonly texts: readonly string[];
  readonly runs: readonly Run[];
}

/** The pattern that was met with last: the elements of a list are held against one pattern, one after the other. */
let latest: TakenApart = { pattern: "", texts: [], runs: [] };

function takenApart(pattern: string): TakenApart {
  if (latest.pattern !== pattern) {
    const texts = pattern.split(/\*{2,}/);
    latest = { pattern, texts, runs: texts.map(toRun) };
  }
  return latest;
}

function toRun(text: string): Run {
  return text.split("/").map((segment) => segment.split("*"));
}

/** The first end of a run that begins anywhere from a position on, or -1. */
function floatRun(value: string, from: number, text: string, run: Run, work: Work): number {
  if (!text.includes("*")) {
    const found = findWithin(value, text, from, value.length, work);
    return found < 0 ? -1 : found + text.length;
  }
  for (let start = from; ; ) {
    const end = matchRun(value, start, run, true, true, work);
    if (end >= 0) return end;
    const slash = value.indexOf("/", start);
    if (slash < 0 || !spend(work, slash - start)) return -1;
    start = slash + 1;
  }
}

/** Whether a run ends if the value ends and begins at a position or after it. */
function matchEnd(value: string, from: number, run: Run, work: Work): boolean {
  let start = value.length + 1;
  for (let segments = 0; segments < run.length; segments++) {
    if (start <= 0) return false;
    start = start < 2 ? 0 : value.lastIndexOf("/", start - 2) + 1;
  }
  if (!spend(work, value.length - start)) return false;
  // From a later segment the run has fewer segments than it needs, and fails.
  return matchRun(value, Math.max(from, start), run, true, false, work) >= 0;
}

/**
 * Matches a run against consecutive segments, the first of which holds the position `from`.
 *
 * @param floatStart the run may begin anywhere from `from` on, within that segment
 * @param floatEnd the run may end anywhere in its last segment; else it ends with the value
 * @returns the first possible end, or -1
 */
function matchRun(
  value: string,
  from: number,
  run: Run,
  floatStart: boolean,
  floatEnd: boolean,
  work: Work,
): number {
  let low = from;
  for (let index = 0; index < run.length; index++) {
    const isLast = index === run.length - 1;
    const pieces = run[index] ?? [];
    const high = segmentEnd(value, low);
    if (isLast ? !floatEnd && high !== value.length : high === value.length) return -1;
    if (!spend(work, SEGMENT_COST + high - low)) return -1;
    const end = matchSegment(value, low, high, pieces, floatStart && index === 0, isLast && floatEnd, work);
    if (end < 0 || isLast) return end;
    low = high + 1;
  }
  return -1;
}

/** Matches the pieces of one segment between two positions, each as early as it goes. */
function matchSegment(
  value: string,
  low: number,
  high: number,
  pieces: SegmentPattern,
  floatStart: boolean,
  floatEnd: boolean,
  work: Work,
): number {
  let at = low;
  for (let index = 0; index < pieces.length; index++) {
    const piece = pieces[index] ?? "";
    const fixedStart = index === 0 && !floatStart;
    const fixedEnd = index === pieces.length - 1 && !floatEnd;
    if (fixedEnd) {
      const start = high - piece.length;
      const fits = fixedStart ? start === at : start >= at;
      return fits && value.startsWith(piece, start) ? high : -1;
    }
    if (fixedStart) {
      if (at + piece.length > high || !value.startsWith(piece, at)) return -1;
    } else {
      at = findWithin(value, piece, at, high, work);
      if (at < 0) return -1;
    }
    at += piece.length;
  }
  return at;
}

function segmentEnd(value: string, from: number): number {
  const slash = value.indexOf("/", from);
  return slash < 0 ? value.length : slash;
}
