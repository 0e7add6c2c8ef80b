/** One server to try: by TCP, or by the socket in a folder of this machine. */
export type HostAddress =
  | {
      readonly kind: "tcp";
      /** As it was named: certificates are compared with it. */
      readonly host: string;
      /** The address to connect to, if it was given beside the name. */
      readonly address: string | undefined;
      readonly port: number;
    }
  | {
      readonly kind: "socket";
      /** The socket itself; an abstract one begins with a NUL. */
      readonly path: string;
    };

/** How a connection is kept from being read and changed on its way. */
export interface TlsSettings {
  /**
   * `plain`: never TLS. `plain first`: TLS if the server insists on it. `tls first`: TLS if the server offers it.
   * `tls`: nothing else.
   */
  readonly encryption: "plain" | "plain first" | "tls first" | "tls";
  /** `none`: any certificate. `authority`: one of an authority that is trusted. `name`: and made out to the host's name. */
  readonly check: "none" | "authority" | "name";
  /** Files in PEM form. Without `authorities` the well-known ones are trusted. */
  readonly authorities: string | undefined;
  readonly certificate: string | undefined;
  readonly key: string | undefined;
  readonly keyPassword: string | undefined;
  readonly revoked: string | undefined;
  /** Whether the handshake names the host. */
  readonly namesHost: boolean;
  /** Whether TLS begins at once, without a question first (Postgres 17 and later). */
  readonly direct: boolean;
  readonly lowest: TlsVersion | undefined;
  readonly highest: TlsVersion | undefined;
}

/** Versions of TLS, as libpq and Node both spell them. */
export const TLS_VERSIONS = ["TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"] as const;
export type TlsVersion = (typeof TLS_VERSIONS)[number];

/** Ways in which a server may ask for proof of the user. */
export const AUTH_METHODS = ["none", "password", "md5", "scram-sha-256"] as const;
export type AuthMethod = (typeof AUTH_METHODS)[number];

/** All that a database URL says. */
export interface DatabaseAddress {
  /** At least one. They are tried one after another. */
  readonly hosts: readonly HostAddress[];
  /** Whether the hosts are tried in an order by chance. */
  readonly shuffled: boolean;
  /** Undefined for the name of the user. */
  readonly database: string | undefined;
  /** Undefined for the name of the system's user. */
  readonly user: string | undefined;
  /** A secret. */
  readonly password: string | undefined;
  readonly tls: TlsSettings;
  /** Whether the login is tied to the TLS connection (SCRAM-SHA-256-PLUS). */
  readonly channelBinding: "disable" | "prefer" | "require";
  /** How the server may ask for proof of the user. */
  readonly authMethods: readonly AuthMethod[];
  /** Which of several servers will do: any, one that is no standby, one that takes writes. */
  readonly session: "any" | "primary" | "read-write";
  readonly applicationName: string;
  /** The text that the server reads as its command line: `-c name=value …`. */
  readonly options: string | undefined;
  /** How long opening a connection to one host may take, milliseconds; undefined for our own bound. */
  readonly connectTimeout: number | undefined;
  /** Milliseconds without traffic after which the system asks whether the other side is there; undefined for never. */
  readonly keepAlive: number | undefined;
  /** Whether statements must not be prepared: there is a pooler on the way that forgets them. */
  readonly pooled: boolean;
}
