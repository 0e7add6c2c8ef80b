import type { FakeIssuer, FakeIssuerOptions, IssuerAnswer } from "../support/fake-issuer.ts";

/** An identity provider as it is documented in public, for the scripted issuer to stand in for. */
export interface Profile {
  readonly options: FakeIssuerOptions;
  /** Makes the issuer answer as the provider does. */
  set(issuer: FakeIssuer): void;
}

const REFUSED: IssuerAnswer = { status: 400, headers: { "content-type": "text/html" }, body: "<p>400</p>" };

const ENTRA_TENANT = "8f2c1b7e-3f0d-4f0c-9a5e-2d1c7b6a5f4e";

/** Microsoft Entra ID, one tenant, with the claim `groups` for the groups that are assigned to the application. */
export const ENTRA: Profile = {
  options: {
    clientId: "6731de76-14a6-49ae-97bc-6eba6914391e",
    algorithm: "RS256",
    path: `/${ENTRA_TENANT}/v2.0`,
    paths: {
      keys: `/${ENTRA_TENANT}/discovery/v2.0/keys`,
      authorize: `/${ENTRA_TENANT}/oauth2/v2.0/authorize`,
      token: `/${ENTRA_TENANT}/oauth2/v2.0/token`,
      end_session: `/${ENTRA_TENANT}/oauth2/v2.0/logout`,
      userinfo: "/oidc/userinfo",
    },
  },
  set({ faults }) {
    faults.logout = true;
    faults.callbackIssuer = null;
    faults.metadata = {
      authorization_response_iss_parameter_supported: undefined,
      token_endpoint_auth_methods_supported: ["client_secret_post", "private_key_jwt", "client_secret_basic"],
      response_modes_supported: ["query", "fragment", "form_post"],
      subject_types_supported: ["pairwise"],
      response_types_supported: ["code", "id_token", "code id_token", "id_token token"],
      scopes_supported: ["openid", "profile", "email", "offline_access"],
      request_uri_parameter_supported: false,
      http_logout_supported: true,
      frontchannel_logout_supported: true,
      tenant_region_scope: "EU",
      cloud_instance_name: "microsoftonline.com",
    };
    faults.claims = {
      sub: "AAAAAAAAAAAAAAAAAAAAAIkzqFVrSaSaFHy782bbtaQ",
      auth_time: undefined,
      email: "alice@contoso.example",
      email_verified: undefined,
      groups: ["0b6ae2ae-1f2c-4f43-8b0a-6a3a8e8d6f10", "bd1c0f9e-7a0f-4c1a-8a43-0d4a0c6f7a11"],
      login_hint: "O.CiQwMDAwMDAwMC0wMDAwLTAwMDA",
      oid: "00000000-0000-0000-66f3-3332eca7ea81",
      preferred_username: "alice@contoso.example",
      rh: "0.AAAA",
      tid: ENTRA_TENANT,
      uti: "4dRvmdtJ",
      ver: "2.0",
    };
    // Never names groups.
    faults.userInfo = {
      sub: "AAAAAAAAAAAAAAAAAAAAAIkzqFVrSaSaFHy782bbtaQ",
      name: "Alice",
      picture: "https://x",
    };
  },
};

/** Okta's own authorization server: beside an access token its ID tokens are thin, and groups come from UserInfo. */
export const OKTA: Profile = {
  options: {
    clientId: "0oabucvyc38HLL1ef0h7",
    algorithm: "RS256",
    paths: {
      keys: "/oauth2/v1/keys",
      authorize: "/oauth2/v1/authorize",
      token: "/oauth2/v1/token",
      userinfo: "/oauth2/v1/userinfo",
      end_session: "/oauth2/v1/logout",
    },
  },
  set({ faults }) {
    faults.logout = true;
    faults.callbackIssuer = null;
    faults.metadata = {
      authorization_response_iss_parameter_supported: undefined,
      scopes_supported: ["openid", "email", "profile", "address", "phone", "offline_access", "groups"],
      token_endpoint_auth_methods_supported: [
        "client_secret_basic",
        "client_secret_post",
        "client_secret_jwt",
        "none",
      ],
      response_modes_supported: ["query", "fragment", "form_post", "okta_post_message"],
    };
    faults.claims = {
      sub: "00uid4BxXw6I6TV4m0g3",
      name: "Alice",
      email: undefined,
      email_verified: undefined,
      groups: undefined,
      ver: 1,
      jti: "ID.4eAWJOCMB3SX8XewDfVR",
      amr: ["pwd", "mfa"],
      idp: "00ok1u7AsAkrwdZL3z0g3",
      at_hash: "cpqKfdQA5eH891Ff5oJr_Q",
    };
    faults.userInfo = {
      sub: "00uid4BxXw6I6TV4m0g3",
      name: "Alice",
      email: "alice@example.com",
      email_verified: true,
      groups: ["Everyone", "bakehouse-admins"],
      zoneinfo: "Europe/Berlin",
      updated_at: 1_311_280_970,
    };
    // Insists on the ID token.
    faults.replace = {
      end_session: (usual, asked) => (asked.searchParams.has("id_token_hint") ? usual : REFUSED),
    };
  },
};

/** Keycloak, with the mapper "Group Membership" for the ID token. */
export const KEYCLOAK: Profile = {
  options: {
    clientId: "bakehouse",
    algorithm: "RS256",
    path: "/realms/acme",
    paths: {
      keys: "/realms/acme/protocol/openid-connect/certs",
      authorize: "/realms/acme/protocol/openid-connect/auth",
      token: "/realms/acme/protocol/openid-connect/token",
      userinfo: "/realms/acme/protocol/openid-connect/userinfo",
      end_session: "/realms/acme/protocol/openid-connect/logout",
    },
  },
  set({ faults }) {
    faults.logout = true;
    faults.metadata = {
      scopes_supported: [
        "openid",
        "address",
        "email",
        "microprofile-jwt",
        "offline_access",
        "profile",
        "roles",
      ],
      token_endpoint_auth_methods_supported: [
        "private_key_jwt",
        "client_secret_basic",
        "client_secret_post",
        "tls_client_auth",
        "client_secret_jwt",
      ],
      backchannel_logout_supported: true,
      frontchannel_logout_supported: true,
      acr_values_supported: ["0", "1"],
    };
    faults.claims = {
      sub: "5e9d1c07-5a3c-4a3a-9a53-1d4f5c9f3c55",
      typ: "ID",
      azp: "bakehouse",
      acr: "1",
      sid: "9d8f2b1e-2b4c-4d53-b0fd-2a0f1c2d3e4f",
      at_hash: "Zr0t",
      jti: "c0ffee00-0000-4000-8000-000000000000",
      preferred_username: "alice",
      groups: ["/admins", "/staff/bakers"],
      realm_access: { roles: ["offline_access", "baker"] },
    };
    faults.userInfo = { sub: "5e9d1c07-5a3c-4a3a-9a53-1d4f5c9f3c55", preferred_username: "alice" };
    // Without the ID token it asks the person, and shows no way back unless it knows the client.
    faults.replace = {
      end_session: (usual, asked) => (asked.searchParams.has("client_id") ? usual : REFUSED),
    };
  },
};

/** Google: no groups, and no end of sessions. */
export const GOOGLE: Profile = {
  options: {
    clientId: "1234987819200.apps.googleusercontent.com",
    algorithm: "RS256",
    paths: {
      keys: "/oauth2/v3/certs",
      authorize: "/o/oauth2/v2/auth",
      token: "/token",
      userinfo: "/v1/userinfo",
    },
  },
  set({ faults, clientId }) {
    faults.callbackIssuer = null;
    faults.metadata = {
      authorization_response_iss_parameter_supported: undefined,
      scopes_supported: ["openid", "email", "profile"],
      token_endpoint_auth_methods_supported: ["client_secret_post", "client_secret_basic"],
      code_challenge_methods_supported: ["plain", "S256"],
      grant_types_supported: ["authorization_code", "refresh_token"],
    };
    faults.claims = {
      sub: "110169484474386276334",
      azp: clientId,
      auth_time: undefined,
      at_hash: "HK6E_P6Dh8Y93mRNtsDB1Q",
      hd: "example.com",
      picture: "https://lh3.googleusercontent.com/a/x",
      groups: undefined,
    };
    faults.userInfo = {
      sub: "110169484474386276334",
      name: "Alice",
      picture: "https://x",
      hd: "example.com",
    };
  },
};

/** Active Directory Federation Services, with a rule that issues group names as the claim `groups`. */
export const ADFS: Profile = {
  options: {
    clientId: "f2f6e0a5-1b1a-4e64-8d3c-4a8a1e1c3b2d",
    algorithm: "RS256",
    path: "/adfs",
    paths: {
      keys: "/adfs/discovery/keys",
      authorize: "/adfs/oauth2/authorize/",
      token: "/adfs/oauth2/token/",
      userinfo: "/adfs/userinfo",
      end_session: "/adfs/oauth2/logout",
    },
  },
  set(issuer) {
    const { faults } = issuer;
    faults.logout = true;
    faults.callbackIssuer = null;
    const sub = "mVVnbBcPwh+LoK0wUcWKGPjkzUJVLOsdSTzPL2fGmGE=";
    faults.metadata = {
      authorization_response_iss_parameter_supported: undefined,
      access_token_issuer: "http://fs.example.com/adfs/services/trust",
      scopes_supported: [
        "allatclaims",
        "email",
        "user_impersonation",
        "logon_cert",
        "aza",
        "profile",
        "vpn_cert",
        "openid",
      ],
      token_endpoint_auth_methods_supported: [
        "client_secret_post",
        "client_secret_basic",
        "private_key_jwt",
        "windows_client_authentication",
      ],
      subject_types_supported: ["pairwise"],
      microsoft_multi_refresh_token: true,
      capabilities: ["kdf_ver2"],
    };
    faults.claims = {
      sub,
      auth_time: "2026-01-02T03:04:05.678Z",
      name: undefined,
      email: undefined,
      email_verified: undefined,
      upn: "alice@corp.example.com",
      unique_name: "CORP\\alice",
      sid: "S-1-5-21-397955417-626881126-188441444-1010",
      apptype: "Confidential",
      appid: issuer.clientId,
      authmethod: "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport",
      ver: "1.0",
      scp: "openid",
      groups: "CN=Bakehouse Admins,OU=Groups,DC=corp,DC=example,DC=com",
    };
    faults.userInfo = { sub };
    // Without the ID token it ends its session and stays on a page of its own.
    faults.replace = {
      end_session: (usual, asked) =>
        asked.searchParams.has("id_token_hint")
          ? usual
          : { status: 200, headers: {}, body: "<p>Signed out</p>" },
    };
  },
};
