/** The path of the development identity provider below `PUBLIC_URL`. */
export const DEVELOPMENT_PATH = "/dev-idp";

/**
 * The issuer identifier of the development identity provider.
 *
 * @param publicUrl `PUBLIC_URL`, with or without a slash at its end
 */
export function developmentIssuer(publicUrl: string): string {
  return `${publicUrl.replace(/\/$/, "")}${DEVELOPMENT_PATH}`;
}
