/* fast-jwt with its cache off, as it is installed: signature and expiry. */
import { createVerifier } from "fast-jwt";

import { signed } from "./jwt.mjs";

export async function contenders(count) {
  const key = Buffer.alloc(32, 7);
  const verify = createVerifier({ key, algorithms: ["HS256"] });
  return [{ name: "fast-jwt, JWT HS256", tokens: await signed(count, "HS256", key), verify }];
}
