/**
 * Word between replicas that the revocation log has grown. Only ever a hint: it may be missed, come late, or come
 * for nothing, and an engine without it serves as well, by polling.
 */
export interface Changes {
  /**
   * Calls back soon after an announcement, with what it said, and without anything whenever the connection over
   * which they come has been found or has proved to be alive. @returns a function that ends it
   */
  listen(onChange: (sequence: string | undefined) => void): () => void;
  /** Tells the others up to where the log goes now. Never waits and never fails; of several, the last is enough. */
  announce(sequence: string): void;
}
