/**
 * Word between replicas that the revocation log has grown. Only ever a hint: it may be missed, come late, or come
 * for nothing, and an engine without it serves as well, by polling.
 */
export interface Changes {
  /**
   * Calls back soon after each announcement, and whenever the connection over which they come has been found or
   * has proved to be alive. @returns a function that ends it
   */
  listen(onChange: () => void): () => void;
  /** Tells the others. Never waits and never fails. */
  announce(): void;
}
