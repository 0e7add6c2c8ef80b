/**
 * The service's own clock. All instants in the domain are whole unix milliseconds: a UUIDv7 carries
 * milliseconds, and an instant that is rounded further could order a token wrongly against a revocation.
 */
export interface Clock {
  /** Wall-clock time, unix milliseconds. */
  now(): number;
  /** Milliseconds since an arbitrary start; never goes back, whatever happens to the wall clock. */
  monotonic(): number;
}
