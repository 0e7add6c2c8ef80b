import type { ApprovalView, Confirmation, ConfirmationView } from "../../domain/discharge-service.ts";
import type { ConsentView, DeviceView } from "../../domain/oauth-service.ts";
import type { Identity, Session } from "../../domain/ports/sessions.ts";
import type { TokenDetails, TokenView } from "../../domain/service.ts";
import type { Problem } from "../parts/problem-document.ts";
import type { Viewer } from "./viewer.ts";

/** The page of a person's tokens. The page of one token is its id below. */
export const TOKENS_PATH = "/tokens";

/** The place of a page in a list. */
export interface ListPlace {
  /** The last item of this page, if there are older ones. */
  readonly older: string | undefined;
  readonly isFirst: boolean;
}

/**
 * The pages that routes answer, as HTML text.
 *
 * An interface, because Node runs `.ts` as it stands but not `.tsx`: routes import this, and only the app
 * imports the pages themselves, so that openapi.yaml can be written without a build.
 */
export interface Pages {
  /** The Content-Security-Policy that all of them are served under. */
  readonly policy: string;
  /** The front page. @param view undefined if nobody is signed in */
  home(view: HomeView | undefined): string;
  /** @param reference the request's id, by which the log is searched */
  problem(problem: Problem, reference: string, viewer: Viewer): string;
  /** The API's description, rendered. It has a policy of its own, since it runs a script. */
  docs(viewer: Viewer): string;
  readonly docsPolicy: string;
  tokens(tokens: readonly TokenView[], place: ListPlace, identity: Identity): string;
  /** One token, with the effect of cutting it off. */
  token(token: TokenDetails, identity: Identity): string;
  /**
   * @param query the request's own, to which the answer goes
   * @param changed whether the person has just answered another question
   */
  consent(view: ConsentView, query: string, identity: Identity, changed: boolean): string;
  /** Leads back to a client. @param url holds a code, or an error */
  onward(url: string, clientName: string, identity: Identity): string;
  /** For the code that a device shows. @param isUnknown whether one was typed that is none */
  device(identity: Identity, isUnknown: boolean): string;
  /** @param changed whether the person has just answered another question */
  deviceConsent(view: DeviceView, identity: Identity, changed: boolean): string;
  deviceAnswered(identity: Identity, allowed: boolean): string;
  /** @param login the address to sign in again at, with the ticket's demands */
  confirmation(view: ConfirmationView, identity: Identity, login: string): string;
  /** For a request that concerns somebody else or that there is not. @param login the address to sign in at as somebody else */
  notYours(identity: Identity, login: string): string;
  approvals(views: readonly ApprovalView[], place: ListPlace, identity: Identity): string;
  /** @param login the address to sign in again at, with the ticket's demands */
  approval(view: ApprovalView, identity: Identity, login: string): string;
  /** @param url the issuer's own logout, to which the page leads by itself */
  signedOut(url: string): string;
  /** For a form whose session has ended. @param login the address to sign in at, and then go on */
  sessionOver(login: string): string;
  /**
   * @param reason public
   * @param reference the request's id, by which the log is searched
   * @param login the address to try again at
   */
  loginFailed(reason: string, reference: string, viewer: Viewer, login: string): string;
}

/** The front page of a signed-in person; each list newest first. */
export interface HomeView {
  readonly identity: Identity;
  /** Those that wait for the person. */
  readonly approvals: readonly ApprovalView[];
  /** Whether others wait besides. */
  readonly moreWait: boolean;
  /** The confirmations that the person has given and can take back. */
  readonly confirmed: readonly Confirmation[];
  readonly tokens: readonly TokenView[];
  /** Those that act as the person. */
  readonly programs: readonly Session[];
}
