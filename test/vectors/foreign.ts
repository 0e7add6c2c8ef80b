import { hex, nonceFor, utf8 } from "./build.ts";
import { CASES, type CaveatCase, type MacaroonCase } from "./cases.ts";
import { jsMacaroon, withNonces } from "./js-macaroon.ts";

/** One macaroon that another library wrote, and what stands in it. */
interface ForeignMacaroon {
  readonly location: string;
  readonly identifier: string;
  readonly caveats: readonly {
    readonly id: string;
    readonly location?: string;
    readonly verification_id?: string;
  }[];
  readonly signature: string;
  readonly tokens: Readonly<Partial<Record<"v1-json" | "v2-json" | "v2", string>>>;
}

/** A root macaroon and its discharges, all made and bound by npm's `macaroon`. */
export interface ForeignVector {
  readonly name: string;
  readonly root_key: string;
  readonly macaroons: readonly ForeignMacaroon[];
}

type Library = ReturnType<typeof jsMacaroon.newMacaroon>;

/** The library's buffer doubles with every field: one first-party caveat takes 13 MB, a third-party one 800. */
const isSmall = ({ caveats }: Library): boolean =>
  caveats.length <= 1 && caveats.every(({ vid }) => vid === undefined);

/** What one version of the library makes of a case: the root macaroon, then its discharges, bound. */
function make({ key, identifier, location, caveats }: MacaroonCase, version: 1 | 2): readonly Library[] {
  const discharges: Library[] = [];
  const append = (macaroon: Library, caveat: CaveatCase): void => {
    if (typeof caveat === "string" || "hex" in caveat) {
      macaroon.addFirstPartyCaveat(
        typeof caveat === "string" ? caveat : Uint8Array.from(Buffer.from(caveat.hex, "hex")),
      );
      return;
    }
    const { ticket, discharge } = caveat;
    withNonces(ticket, nonceFor, () => {
      macaroon.addThirdPartyCaveat(utf8(caveat.key), ticket, caveat.location);
    });
    if (discharge === undefined) return;
    const made = jsMacaroon.newMacaroon({
      identifier: ticket,
      location: discharge.location,
      rootKey: utf8(caveat.key),
      version,
    });
    discharges.push(made);
    for (const nested of discharge.caveats) append(made, nested);
  };
  const root = jsMacaroon.newMacaroon({
    identifier,
    location: location ?? "",
    rootKey: utf8(key),
    version,
  });
  for (const caveat of caveats) append(root, caveat);
  for (const discharge of discharges) discharge.bindToRoot(root.signature);
  return [root, ...discharges];
}

function build(example: MacaroonCase): ForeignVector {
  // Version 1 has no way to write bytes that are no text.
  const isText = example.caveats.every((caveat) => typeof caveat === "string" || "ticket" in caveat);
  const firsts = isText ? make(example, 1) : [];
  return {
    name: example.name,
    root_key: hex(utf8(example.key)),
    macaroons: make(example, 2).map((macaroon, index) => {
      const first = firsts[index];
      return {
        location: macaroon.location,
        identifier: hex(macaroon.identifier),
        caveats: macaroon.caveats.map(({ identifier, location, vid }) => ({
          id: hex(identifier),
          ...(vid !== undefined && { location: location ?? "", verification_id: hex(vid) }),
        })),
        signature: hex(macaroon.signature),
        tokens: {
          // It leaves out an empty location, which no other library does and which is refused here.
          ...(first !== undefined &&
            first.location !== "" && { "v1-json": JSON.stringify(first.exportJSON()) }),
          "v2-json": JSON.stringify(macaroon.exportJSON()),
          ...(isSmall(macaroon) && {
            v2: Buffer.from(macaroon.exportBinary()).toString("base64url"),
          }),
        },
      };
    }),
  };
}

/** What npm's `macaroon` makes of every case, made anew. */
export function buildForeignVectors(): readonly ForeignVector[] {
  return CASES.map(build);
}
