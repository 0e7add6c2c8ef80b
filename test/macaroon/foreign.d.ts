/** The parts of npm's `macaroon` that the tests use; it ships no types. */
declare module "macaroon" {
  interface ForeignMacaroon {
    readonly identifier: Uint8Array;
    readonly signature: Uint8Array;
    readonly location: string;
    readonly caveats: readonly {
      readonly identifier: Uint8Array;
      readonly location?: string;
      readonly vid?: Uint8Array;
    }[];
    addFirstPartyCaveat(caveat: string | Uint8Array): void;
    addThirdPartyCaveat(rootKey: Uint8Array, id: string | Uint8Array, location?: string): void;
    bindToRoot(signature: Uint8Array): void;
    clone(): ForeignMacaroon;
    exportJSON(): object;
    /** Only version 2, and with at most three caveats. */
    exportBinary(): Uint8Array;
    verify(
      rootKey: Uint8Array,
      check: (condition: string) => string | null,
      discharges?: readonly ForeignMacaroon[],
    ): void;
  }
  const library: {
    importMacaroon(source: object | Uint8Array | string): ForeignMacaroon;
    importMacaroons(source: object | Uint8Array | string): ForeignMacaroon[];
    newMacaroon(options: {
      readonly identifier: string | Uint8Array;
      readonly location: string;
      readonly rootKey: Uint8Array;
      readonly version: 1 | 2;
    }): ForeignMacaroon;
  };
  export = library;
}
