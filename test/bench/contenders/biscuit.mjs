/*
 * biscuit-wasm: two blocks with ten checks between them, parsed, verified and authorised with the facts of one call.
 * It does what we do: it clears its checks against a context.
 */
const { log } = console;
console.log = () => {}; // it says that it loads
const { AuthorizerBuilder, Biscuit, KeyPair, SignatureAlgorithm } = await import(
  "@biscuit-auth/biscuit-wasm"
);
console.log = log;

const FACTS = `action("read"); resource("repo:acme/bakehouse/src/main.ts"); amount(99); currency("EUR");
  ip("10.1.2.3"); tool("search"); depth(3); due(2026-12-24T18:00:00Z); time(2026-12-01T00:00:00Z);
  agent("researcher"); allow if true;`;

const FIRST = `check if time($t), $t < 2037-01-01T00:00:00Z; check if action($a), ["read", "list"].contains($a);
  check if resource($r), $r.starts_with("repo:acme/"); check if amount($n), $n <= 100;
  check if currency("EUR");`;
const SECOND = `check if ip($i), $i.starts_with("10."); check if depth($d), $d <= 3;
  check if tool($t), !["shell", "deploy"].contains($t); check if due($d), $d < 2037-01-01T00:00:00Z;`;

export async function contenders(count) {
  const pair = new KeyPair(SignatureAlgorithm.Ed25519);
  const builder = Biscuit.builder();
  builder.addCode(FIRST);
  const root = builder.build(pair.getPrivateKey());
  const tokens = Array.from({ length: Math.min(count, 500) }, (_, index) => {
    const block = Biscuit.block_builder();
    block.addCode(`${SECOND} check if agent("researcher") or agent("${index}");`);
    return root.appendBlock(block).toBase64();
  });
  const publicKey = pair.getPublicKey();
  const verify = (token) => {
    const biscuit = Biscuit.fromBase64(token, publicKey);
    const asked = new AuthorizerBuilder();
    asked.addCode(FACTS);
    const authorizer = asked.buildAuthenticated(biscuit);
    authorizer.authorizeWithLimits({ max_facts: 1000, max_iterations: 100, max_time_micro: 1_000_000 });
    authorizer.free();
    biscuit.free();
  };
  return [{ name: "biscuit-wasm, 2 blocks, 10 checks", tokens, verify }];
}
