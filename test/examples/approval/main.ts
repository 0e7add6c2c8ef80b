import { dischargeToken, guardTool, Token, ToolRefusedError } from "bakehouse";

import { connect } from "../connect.ts";

const service = connect();
const pay = guardTool(
  service,
  "pay",
  ({ amount, to }: { amount: number; to: string }) => `${amount} EUR to ${to}`,
);
const call = { amount: 40, to: "printers" };

// The platform issues a token that is good for payments to which alice agrees, one yes for each.
const issued = await service.issue({
  platform: "default",
  on_behalf_of: { subject: "alice" },
  caveats: ["tool = pay", "args.amount <= 100"],
  third_party_caveats: [
    { location: service.origin, condition: "once exact approved-by alice Pay the printers" },
  ],
});
const agent = Token.parse(issued.token).delegate("buyer");

/** Pays, and asks alice first if the token needs it. */
async function attempt(token: Token, args: typeof call): Promise<Token> {
  try {
    console.log("paid:", await pay(args, { token: token.encode() }));
    return token;
  } catch (error) {
    if (!(error instanceof ToolRefusedError)) throw error;
    console.log("refused:", error.verdict.code);
    const caveats = error.forThisCall();
    if (caveats.length === 0) return token;
    console.log("asks alice for:", caveats.join(", "));
    return await dischargeToken(token, {
      allow: [service.origin],
      // Her page then says whose token asks, and what the yes allows.
      showTokenTo: [service.origin],
      caveats,
      interact: ({ user_url, user_code }) =>
        console.log(`alice, open ${user_url}\nand compare: ${user_code}`),
    });
  }
}

const approved = await attempt(agent, call);
await attempt(approved, { ...call, to: "mallory" });
await attempt(approved, call);
await attempt(approved, call);
