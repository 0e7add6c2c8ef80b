import { distanceOf } from "../words/near.ts";
import type { Environment } from "./environment.ts";
import { fileVariable, SETTINGS, type SettingName } from "./settings.ts";

const NAMES = Object.keys(SETTINGS).filter((name): name is SettingName => Object.hasOwn(SETTINGS, name));

/** How names of settings begin that nothing else is likely to be called like. */
const FAMILY = /^(OIDC_|DATABASE_|MASTER_KEY|WEBHOOK_|REVOCATION_|TRUSTED_PROX|ADMIN_GROUP)/;

/** How Kubernetes tells pods of services, and Docker of links: `OIDC_SERVICE_HOST`, `DATABASE_PORT_5432_TCP_ADDR`. */
const LINKS = /_SERVICE_(HOST|PORT(_\w+)?)$|_PORT(_\d+_(TCP|UDP|SCTP)(_(ADDR|PORT|PROTO))?)?$/;

/** Names that are shorter are too easily like others. */
const LEAST_LENGTH = 7;

/**
 * Names variables that are no settings and look as if they were meant to be: misspelt ones, those of other versions, and
 * files of settings that are not read from files. A setting that is ignored silently makes another service than the one that
 * was meant.
 *
 * @returns one line each, without any value
 */
export function unknownSettings(environment: Environment): readonly string[] {
  const known = new Set<string>([...NAMES, ...NAMES.map((name) => fileVariable(name) ?? name)]);
  return Object.keys(environment)
    .filter((name) => environment[name] !== "" && !known.has(name) && /^\w{1,64}$/.test(name))
    .sort()
    .flatMap((name) => {
      const meant = likest(name, [...known]) ?? prefixed(name, known);
      if (meant !== undefined) return [`${name} is no setting and is ignored: ${meant} is one`];
      const upper = name.toUpperCase();
      if (LINKS.test(upper) || !FAMILY.test(upper)) return [];
      return [`${name} is no setting of this version and is ignored`];
    });
}

/** Names that the command line and programs beside the service have, in an environment that is shared with them. */
const OTHERS: ReadonlySet<string> = new Set(["BAKEHOUSE_PUBLIC_URL"]);

/** The setting that stands behind the product's name, if somebody took that for a part of it. */
function prefixed(name: string, known: ReadonlySet<string>): string | undefined {
  const rest = /^BAKEHOUSE_(\w+)$/i.exec(name)?.[1]?.toUpperCase();
  if (rest === undefined || LINKS.test(name) || OTHERS.has(name)) return undefined;
  return known.has(rest) ? rest : undefined;
}

/** Settings that are too short to be held against anything, each with the misspellings that are meant by nothing else. */
const SHORT: Readonly<Record<string, string>> = {
  PORTT: "PORT",
  PROT: "PORT",
  POTR: "PORT",
  HOSTT: "HOST",
  HSOT: "HOST",
};

/** The setting that a name is a misspelling of; undefined if there is none. */
function likest(name: string, settings: readonly string[]): string | undefined {
  const upper = name.toUpperCase();
  if (Object.hasOwn(SHORT, upper)) return SHORT[upper];
  const base = upper.replace(/_FILE$/, "");
  if (upper !== base && settings.includes(base)) return base;
  const [nearest] = settings
    .map((setting) => ({ setting, distance: distanceOf(upper, setting) }))
    .filter(
      ({ setting, distance }) => setting.length >= LEAST_LENGTH && distance <= (setting.length > 10 ? 2 : 1),
    )
    .sort((a, b) => a.distance - b.distance);
  return nearest?.setting;
}
