/** One page of a list, and where the next one begins. */
export interface Page<T> {
  readonly items: readonly T[];
  /** The key of the last item where more may follow, otherwise undefined. */
  readonly next: string | undefined;
}

/** What part of a list is asked for. */
export interface PageRequest {
  /** Largest number of items to return, 1 to 1,000. */
  readonly limit: number;
  /** The `next` of the page before; undefined for the first page. */
  readonly after: string | undefined;
}
