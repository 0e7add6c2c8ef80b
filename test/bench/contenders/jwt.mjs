/* JWTs with the claims of a macaroon's ten caveats, none twice: signatures and expiry; nothing is compared with a context. */
import { generateKeyPair, jwtVerify, SignJWT } from "jose";

export const CLAIMS = {
  actions: ["read", "list"],
  resource: "repo:acme/**",
  amount: 100,
  currency: "EUR",
  networks: ["10.0.0.0/8", "2001:db8::/32"],
  depth: 3,
  tools: ["shell", "deploy"],
  due: "2037-01-01T00:00:00+01:00",
};

/** So many tokens, each of another instance of an agent. */
export async function signed(count, alg, key) {
  const texts = [];
  for (let index = 0; index < count; index++) {
    const agent = `researcher#${String(index).padStart(8, "0")}`;
    const jwt = new SignJWT({ ...CLAIMS, agent }).setProtectedHeader({ alg }).setExpirationTime("30d");
    texts.push(await jwt.sign(key));
  }
  return texts;
}

export async function contenders(count) {
  const secret = new Uint8Array(32).fill(7);
  const { privateKey, publicKey } = await generateKeyPair("EdDSA");
  return [
    {
      name: "jose, JWT HS256",
      tokens: await signed(count, "HS256", secret),
      verify: (token) => jwtVerify(token, secret),
    },
    {
      name: "jose, JWT EdDSA",
      tokens: await signed(count, "EdDSA", privateKey),
      verify: (token) => jwtVerify(token, publicKey),
    },
  ];
}
