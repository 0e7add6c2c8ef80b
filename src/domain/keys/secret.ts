import { inspect } from "node:util";

/**
 * Bytes that must not be printed. Every way in which a value becomes text by accident (templates, JSON,
 * `console`, loggers) yields a placeholder; the one way to the bytes is a word that a reviewer can search for.
 */
export class Secret {
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  reveal(): Uint8Array {
    return this.#bytes;
  }

  toString(): string {
    return "[secret]";
  }

  toJSON(): string {
    return "[secret]";
  }

  [inspect.custom](): string {
    return "[secret]";
  }
}
