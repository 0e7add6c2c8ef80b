/**
 * Every setting. A secret can be in a file, too, which the variable with `_FILE` behind its name names; so can a
 * database's URL, which holds a password as a rule.
 */
export const SETTINGS = {
  ADMIN_GROUPS: "plain",
  AUDIT_DECISIONS: "plain",
  AUDIT_PUBLIC: "plain",
  DATABASE_DIRECT_URL: "secret",
  DATABASE_POOL: "plain",
  DATABASE_URL: "secret",
  DATA_DIR: "plain",
  FAILOVER: "plain",
  HOST: "plain",
  HTTPS_PROXY: "secret",
  HTTP_PROXY: "secret",
  LOG_LEVEL: "plain",
  LOG_REQUESTS: "plain",
  MASTER_KEY: "secret",
  MASTER_KEY_COMMAND: "plain",
  MASTER_KEY_PREVIOUS: "secret",
  METRICS_ADDRESS: "plain",
  NO_PROXY: "plain",
  OIDC_BACKCHANNEL_URL: "plain",
  OIDC_CA_FILE: "plain",
  OIDC_CLIENT_ID: "plain",
  OIDC_CLIENT_SECRET: "secret",
  OIDC_CLI_CLIENT_ID: "plain",
  OIDC_GROUPS_CLAIM: "plain",
  OIDC_ISSUER: "plain",
  OIDC_TENANTS: "plain",
  OIDC_TRUSTED_ISSUERS: "plain",
  OTEL_EXPORTER_OTLP_ENDPOINT: "plain",
  PORT: "plain",
  PUBLIC_URL: "plain",
  RESTORE_FENCE: "plain",
  RETENTION: "plain",
  REVOCATION_MAX_STALENESS: "plain",
  SHUTDOWN_DELAY: "plain",
  START_WAIT: "plain",
  ALLOWED_ORIGINS: "plain",
  TRUSTED_PROXIES: "plain",
  WAITING_REQUESTS: "plain",
  WEBHOOK_SECRET: "secret",
  WEBHOOK_URL: "plain",
  // As other programs know them, where they come first.
  http_proxy: "plain",
  https_proxy: "plain",
  no_proxy: "plain",
} as const;

/** The name of a setting. */
export type SettingName = keyof typeof SETTINGS;

/** The name of a variable that names a secret's file. */
export function fileVariable(name: SettingName): string | undefined {
  return SETTINGS[name] === "secret" ? `${name}_FILE` : undefined;
}
