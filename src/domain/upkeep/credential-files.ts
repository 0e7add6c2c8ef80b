/** The credentials that the first start hands to the operator. */
export type CredentialFile = "admin.token" | "default.token";

/**
 * Where those credentials are put. Two phases, so that a crash loses none: a staged file is durable
 * before the database knows its token, and becomes visible after.
 */
export interface CredentialFiles {
  /**
   * Does some work while nobody else does any here, in this process or another: what one has staged, another would
   * overwrite, or take for left over and drop. Waits for its turn, and rejects where it does not come.
   */
  inTurn<T>(work: () => Promise<T>): Promise<T>;
  /** Writes a token durably, mode 0600, under a name that nobody reads yet. */
  stage(file: CredentialFile, token: string): Promise<void>;
  /** @returns the staged token; undefined if none is staged */
  staged(file: CredentialFile): Promise<string | undefined>;
  /** Moves the staged file to its name, replacing what stands there. @returns the path */
  publish(file: CredentialFile): Promise<string>;
  /** Drops what is staged. */
  discard(file: CredentialFile): Promise<void>;
}
