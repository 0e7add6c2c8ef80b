/* hono with `jose`: a JWT (HS256) with the same ten claims instead of a macaroon. Nothing is compared with a context. */
import { jwtVerify } from "jose";

import { sayReady, serveHono } from "./hono-app.mjs";

const [, , port, length, hex = ""] = process.argv;
const key = Buffer.from(hex, "hex");
const verify = ({ token }) => jwtVerify(token, key);
serveHono(port, Number(length), verify, sayReady);
