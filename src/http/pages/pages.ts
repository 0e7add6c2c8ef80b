import type { ApprovalView, ConfirmationView } from "../../domain/discharge-service.ts";
import type { Identity, Session } from "../../domain/ports/sessions.ts";
import type { Problem } from "../parts/problem.ts";

/** The place of a page in the list of approvals. */
export interface ApprovalsPage {
  /** The last approval of this page, if there are older ones. */
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
  /** @param programs that act as the person who is signed in */
  home(identity: Identity | undefined, programs: readonly Session[]): string;
  /** @param reference the request's id, by which the log is searched */
  problem(problem: Problem, reference: string): string;
  /** @param login where to sign in again, with what the ticket demands */
  confirmation(view: ConfirmationView, identity: Identity, login: string): string;
  /** For a request that concerns somebody else or that there is not. @param login where to sign in as somebody else */
  notYours(identity: Identity, login: string): string;
  approvals(views: readonly ApprovalView[], page: ApprovalsPage): string;
  /** @param login where to sign in again, with what the ticket demands */
  approval(view: ApprovalView, identity: Identity, login: string): string;
  /** @param url the issuer's own logout, to which the page leads by itself */
  signedOut(url: string): string;
  /** For a form whose session has ended. @param login where to sign in and go on */
  sessionOver(login: string): string;
  /**
   * @param reason public
   * @param reference the request's id, by which the log is searched
   */
  loginFailed(reason: string, reference: string): string;
}
