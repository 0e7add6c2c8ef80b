/* hono with npm's `macaroon`: signatures alone. Its conditions are only passed over, which favours it. */
import macaroon from "macaroon";

import { sayReady, serveHono } from "./hono-app.mjs";

const [, , port, length, hex = ""] = process.argv;
const key = Buffer.from(hex, "hex");
const pass = () => null;
const verify = ({ token }) =>
  macaroon.importMacaroon(new Uint8Array(Buffer.from(token, "base64url"))).verify(key, pass, []);
serveHono(port, Number(length), verify, sayReady);
