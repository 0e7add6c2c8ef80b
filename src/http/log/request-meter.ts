/** Counts requests for the operator. */
export interface RequestMeter {
  /**
   * @param route the route's pattern; null if no route matched
   * @param method as the caller wrote it
   */
  answered(route: string | null, method: string, status: number, milliseconds: number): void;
}
