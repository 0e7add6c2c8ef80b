import { stringify } from "yaml";

import { openapiDocument } from "./document.ts";

const OPTIONS = {
  // Not folded: the repository's formatter would fold elsewhere.
  lineWidth: 0,
  blockQuote: "literal",
  aliasDuplicateObjects: false,
  // Quotes whatever an older reader would take for a time or a truth value.
  schema: "yaml-1.1",
} as const;

/** The text of openapi.yaml. */
export function printOpenapi(): string {
  const notice =
    "# Made from the routes in src/http/routes by `node src/http/openapi/write.ts`. Do not edit.\n";
  return notice + stringify(openapiDocument(), OPTIONS);
}
