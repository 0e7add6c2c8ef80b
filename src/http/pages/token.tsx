import { verifiedText } from "../../caveats/together/summary-parts.ts";
import { printable } from "../../caveats/values/quote.ts";
import { isWorkload } from "../../domain/parts/voucher.ts";
import type { Identity } from "../../domain/ports/sessions.ts";
import type { RevokedBranch } from "../../domain/revocation-facts.ts";
import type { TokenDetails, TokenView } from "../../domain/service.ts";
import { Fact, FormOf, Reason } from "./facts.tsx";
import { Layout, render } from "./layout.tsx";
import { moment } from "./moment.ts";
import { type ListPlace, TOKENS_PATH } from "./pages.ts";
import { Person } from "./person.tsx";

const LONGEST = 1_000;
/** Characters of a token's summary in a list. */
const LONGEST_IN_LIST = 300;

/** The state of a token, with its date. */
function standing({ status, issuedAt, expiresAt }: TokenView): string {
  switch (status) {
    case "active":
      return `Good until ${moment(expiresAt)}, issued ${moment(issuedAt)}`;
    case "expired":
      return `Expired ${moment(expiresAt)}`;
    case "revoked":
      return `Cut off; it would have ended ${moment(expiresAt)}`;
    default:
      return status satisfies never;
  }
}

/** The name of a row: the label is no name, because whoever had the token issued wrote it. */
function nameOf({ tokenId }: TokenView): string {
  return `Token ${tokenId}`;
}

function Label(props: { readonly label: string | null; readonly most: number }) {
  if (props.label === null) return null;
  return (
    <div class="claims">
      <p>
        Label, unverified: <span>{printable(props.label, props.most)}</span>
      </p>
    </div>
  );
}

/**
 * Tokens, each with a way to cut it off: the page behind it says the effect. A platform has tokens issued to anybody, whether they know
 * of it or not: its labels stand on their pages alone, and fill no list of a person's own.
 */
export function TokenItems(props: { readonly tokens: readonly TokenView[] }) {
  return (
    <ul class="rows">
      {props.tokens.map((token) => (
        <li>
          <p>
            <b>{nameOf(token)}</b> on {printable(token.platform, 255)}
            <br />
            {standing(token)}
          </p>
          <p class="allows">{printable(verifiedText(token.summaryParts), LONGEST_IN_LIST)}</p>
          {token.principal.assertedBy === "platform" ? (
            <p>Had by the platform, by its own word</p>
          ) : (
            <Label label={token.label} most={255} />
          )}
          {token.status === "active" ? (
            <form method="get" action={`${TOKENS_PATH}/${token.tokenId}`}>
              <button type="submit" class="no" aria-label={`Cut off… ${nameOf(token)}`}>
                Cut off…
              </button>
            </form>
          ) : (
            <p>
              <a href={`${TOKENS_PATH}/${token.tokenId}`} aria-label={`Details of ${nameOf(token)}`}>
                Details
              </a>
            </p>
          )}
        </li>
      ))}
    </ul>
  );
}

function CutOff(props: { readonly isOwn: boolean }) {
  const { isOwn } = props;
  return (
    <>
      <h1>Cut off {isOwn ? "this token" : "this token of somebody else's"} and everything below it?</h1>
      <p role="alert">
        Within seconds it is refused everywhere, and so is every token that was narrowed from it, whichever
        agents hold them and however often they were handed on. That cannot be undone. A new token can be
        issued.
      </p>
    </>
  );
}

function CutOffForm(props: { readonly token: TokenView; readonly identity: Identity }) {
  return (
    <form method="post" action={`${TOKENS_PATH}/${props.token.tokenId}`}>
      <FormOf identity={props.identity} />
      <label for="reason">Reason, for the record (may be left empty)</label>
      <input type="text" id="reason" name="reason" maxlength={500} autocomplete="off" value="" />
      <button type="submit" name="decision" value="cut-off" class="no">
        Cut it off, and everything below it
      </button>{" "}
      <a href="/">Leave it</a>
    </form>
  );
}

function Headline(props: { readonly token: TokenView; readonly isOwn: boolean }) {
  const { token } = props;
  if (token.status === "active") return <CutOff isOwn={props.isOwn} />;
  if (token.status === "expired") return <h1>This token has expired</h1>;
  return (
    <>
      <h1>This token is cut off</h1>
      <p>It is refused, and so is everything that was narrowed from it.</p>
    </>
  );
}

const AUTHORS = {
  holder: "a holder",
  principal: "the person",
  platform: "the platform",
  administrator: "an administrator",
} as const;

/** Parts of the tree that are dead already. */
function DeadBranches(props: { readonly branches: readonly RevokedBranch[] }) {
  if (props.branches.length === 0) return null;
  return (
    <section>
      <h2>Cut off below it already</h2>
      <ul>
        {props.branches.map(({ target, revokedAt, by, reason }) => (
          <li>
            {target.kind === "agent" ? "agent " : "link "}
            <code>{target.kind === "agent" ? printable(target.agent, 300) : target.revocationId}</code>, on{" "}
            {moment(revokedAt)}, by {AUTHORS[by]}
            <Reason text={reason} />
          </li>
        ))}
      </ul>
    </section>
  );
}

/** The page of one token: its facts, and before it is cut off the effect of that. */
export function tokenPage(token: TokenDetails, identity: Identity): string {
  const { principal } = token;
  const isOwn = principal.issuer === identity.issuer && principal.subject === identity.subject;
  return render(
    <Layout title="Token · Bakehouse" viewer={identity}>
      <Headline token={token} isOwn={isOwn} />
      <section class="facts">
        <h2>The token</h2>
        <dl>
          <dt>Issued to</dt>
          <dd>
            <Person {...principal} name={isOwn ? identity.name : null} />
            {isWorkload(principal.issuer) ? ", a workload and no person" : ""}
            {principal.assertedBy === "platform" ? ", by the platform's own word" : ""}
          </dd>
          <Fact name="Platform" value={printable(token.platform, LONGEST)} />
          <Fact name="State" value={standing(token)} />
          <Fact name="It allows at most" value={printable(verifiedText(token.summaryParts), LONGEST)} />
          <Fact name="Token id" value={token.tokenId} />
          <Fact name="Revocation id" value={token.revocationId} />
        </dl>
      </section>
      <Label label={token.label} most={LONGEST} />
      <DeadBranches branches={token.revokedBelow} />
      {token.status === "active" ? <CutOffForm token={token} identity={identity} /> : null}
      <p>
        <a href={TOKENS_PATH}>All your tokens</a>
      </p>
    </Layout>,
  );
}

/** The list of a person's tokens. */
export function tokensPage(tokens: readonly TokenView[], place: ListPlace, identity: Identity): string {
  return render(
    <Layout title="Tokens · Bakehouse" viewer={identity}>
      <h1>Your tokens</h1>
      {tokens.length > 0 ? null : <p>{place.isFirst ? "You have none." : "There are no older ones."}</p>}
      {tokens.length === 0 ? null : <TokenItems tokens={tokens} />}
      <p>
        {place.isFirst ? null : <a href={TOKENS_PATH}>The newest</a>}{" "}
        {place.older === undefined ? null : <a href={`${TOKENS_PATH}?before=${place.older}`}>Older ones</a>}
      </p>
    </Layout>,
  );
}
