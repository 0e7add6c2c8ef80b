import { authorize, decideAuthorization } from "../oauth/authorize.ts";
import { createClient, deleteClient, listClients } from "../oauth/clients.ts";
import { deleteConsent, listConsents } from "../oauth/consents.ts";
import { deviceAuthorization } from "../oauth/device.ts";
import { oauthIntrospect } from "../oauth/introspect.ts";
import { jwks } from "../oauth/jwks.ts";
import { authorizationServer, openidConfiguration, protectedResource } from "../oauth/metadata.ts";
import { oauthRevoke } from "../oauth/revoke.ts";
import { oauthToken } from "../oauth/token.ts";
import type { Route } from "../request/route.ts";
import { decideApproval, listApprovals } from "./approvals.ts";
import { auditCheckpoint, auditEvents, auditExport, auditKey, auditTiles } from "./audit.ts";
import { bakeryDischarge, dischargeInfo, publicKey, waitToken } from "./bakery.ts";
import { answerDevice, devicePage } from "./device-pages.ts";
import { askDischarge, collectDischarge, withdrawDischarge } from "./discharge.ts";
import { answerApproval, approvalPage, approvalsPage, confirm, confirmationPage } from "./discharge-pages.ts";
import { docs, docsFile, openapiYaml } from "./docs.ts";
import { healthz, readyz } from "./health.ts";
import { home } from "./home.ts";
import { listKeys, rotateKey } from "./keys.ts";
import { callback, login, logout } from "./login.ts";
import { metrics } from "./metrics.ts";
import { createCredential, createPlatform, listPlatforms } from "./platforms.ts";
import { getPolicy, putPolicy, tryPolicy } from "./policy.ts";
import { getReservation, releaseReservation, settleReservation } from "./reservations.ts";
import { changePlatform, listResources, putResource, registerResource, removeResource } from "./resources.ts";
import { revocationLog, revoke } from "./revocations.ts";
import { endSession, endSessionOnPage, listSessions } from "./sessions.ts";
import { cutOffToken, tokenPage, tokensPage } from "./token-pages.ts";
import { getToken, issueToken, listTokens, renewToken } from "./tokens.ts";
import { getLink, getTree } from "./tree.ts";
import { verify, verifyBatch } from "./verify.ts";

/** Every route of the service, in the order in which openapi.yaml describes them. */
export const ROUTES: readonly Route[] = [
  issueToken,
  renewToken,
  listTokens,
  getToken,
  getTree,
  getLink,
  verify,
  verifyBatch,
  getReservation,
  settleReservation,
  releaseReservation,
  revoke,
  revocationLog,
  oauthRevoke,
  oauthIntrospect,
  askDischarge,
  collectDischarge,
  withdrawDischarge,
  listApprovals,
  decideApproval,
  listSessions,
  endSession,
  dischargeInfo,
  publicKey,
  bakeryDischarge,
  waitToken,
  listPlatforms,
  createPlatform,
  changePlatform,
  createCredential,
  getPolicy,
  putPolicy,
  tryPolicy,
  listResources,
  registerResource,
  putResource,
  removeResource,
  authorize,
  decideAuthorization,
  oauthToken,
  deviceAuthorization,
  devicePage,
  answerDevice,
  listClients,
  createClient,
  deleteClient,
  listConsents,
  deleteConsent,
  listKeys,
  rotateKey,
  auditEvents,
  auditExport,
  auditCheckpoint,
  auditKey,
  ...auditTiles,
  authorizationServer,
  openidConfiguration,
  jwks,
  protectedResource,
  login,
  callback,
  logout,
  confirmationPage,
  confirm,
  approvalsPage,
  approvalPage,
  answerApproval,
  tokensPage,
  tokenPage,
  cutOffToken,
  endSessionOnPage,
  home,
  healthz,
  readyz,
  metrics,
  openapiYaml,
  docs,
  docsFile,
];
