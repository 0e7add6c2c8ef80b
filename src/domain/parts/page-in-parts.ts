import type { Page, PageRequest } from "../ports/parts/page.ts";
import { beginTimeSlice, type SliceClock, type TimeSlice } from "./time-slice.ts";

/** How a page is read and worked on. */
interface Parts<Item, Result> {
  /** Most items that are read at once: the rows of one answer of the database are read in one turn of the event loop. */
  readonly part: number;
  read(page: PageRequest): Promise<Page<Item>>;
  work(item: Item, slice: TimeSlice): Result | Promise<Result>;
  /** The page key of an item. */
  key(item: Item): string;
  /** The weight of an item, and the most of a page: the page ends before the item that is over it, unless it is the first. */
  readonly weight?: { readonly most: number; of(item: Item): number };
}

/** Reads a page of a list in parts and works on its items, with turns of the event loop in between. */
export async function pageInParts<Item, Result>(
  { limit, after }: PageRequest,
  clock: SliceClock,
  { part, read, work, key, weight }: Parts<Item, Result>,
): Promise<Page<Result>> {
  const results: Result[] = [];
  const slice = beginTimeSlice(clock);
  let weighed = 0;
  for (let from = after; ; ) {
    const { items, next } = await read({ limit: Math.min(part, limit - results.length), after: from });
    for (const item of items) {
      weighed += weight?.of(item) ?? 0;
      if (weight !== undefined && weighed > weight.most && results.length > 0) {
        return { items: results, next: from };
      }
      if (slice.isOver()) await slice.next();
      results.push(await work(item, slice));
      from = key(item);
    }
    if (next === undefined || results.length >= limit) return { items: results, next };
    from = next;
  }
}
