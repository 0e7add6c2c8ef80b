/** The manifests: built as `kubectl apply -k` builds them, of the shapes that Kubernetes publishes, and with few rights. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { PrometheusRule } from "@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/PrometheusRule";
import { ServiceMonitor } from "@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/ServiceMonitor";
import { Deployment } from "kubernetes-models/apps/v1/Deployment";
import { Job } from "kubernetes-models/batch/v1/Job";
import { NetworkPolicy } from "kubernetes-models/networking.k8s.io/v1/NetworkPolicy";
import { PodDisruptionBudget } from "kubernetes-models/policy/v1/PodDisruptionBudget";
import { ConfigMap } from "kubernetes-models/v1/ConfigMap";
import { Namespace } from "kubernetes-models/v1/Namespace";
import { Service } from "kubernetes-models/v1/Service";
import { ServiceAccount } from "kubernetes-models/v1/ServiceAccount";
import { describe, expect, test } from "vitest";
import { parse, parseAllDocuments, stringify } from "yaml";
import { z } from "zod";

import { parseConfig } from "../../src/config.ts";
import { findKubectl } from "../support/at-hand.ts";
import { DEPLOY, deployed, runProgram } from "./files.ts";
import { typeProblems } from "./typed.ts";

const OPERATOR = "@kubernetes-models/prometheus-operator";
const CORE = "kubernetes-models";

/** The kinds of what is deployed: their models, which check values, and the packages that have their types. */
const KINDS = {
  ConfigMap: { model: ConfigMap, package: CORE },
  Deployment: { model: Deployment, package: CORE },
  Job: { model: Job, package: CORE },
  Namespace: { model: Namespace, package: CORE },
  NetworkPolicy: { model: NetworkPolicy, package: CORE },
  PodDisruptionBudget: { model: PodDisruptionBudget, package: CORE },
  PrometheusRule: { model: PrometheusRule, package: OPERATOR },
  Service: { model: Service, package: CORE },
  ServiceAccount: { model: ServiceAccount, package: CORE },
  ServiceMonitor: { model: ServiceMonitor, package: OPERATOR },
} as const;

const metaSchema = z.looseObject({
  apiVersion: z.string(),
  kind: z.enum(Object.keys(KINDS) as (keyof typeof KINDS)[]),
  metadata: z.looseObject({ name: z.string(), namespace: z.string().optional() }),
});
type Manifest = z.infer<typeof metaSchema>;

const BASE = ["service-account", "migrate", "deployment", "service", "disruption-budget", "network-policy"];
const MONITORING = ["metrics-service", "service-monitor", "prometheus-rule"];
const FILES = [
  ...BASE.map((name) => `base/${name}.yaml`),
  ...MONITORING.map((name) => `components/monitoring/${name}.yaml`),
  "overlays/production/namespace.yaml",
];

// YAML 1.1, as Kubernetes reads it: 0440 is octal there.
const manifestsIn = (text: string): readonly Manifest[] =>
  parseAllDocuments(text, { version: "1.1" }).map((document) => metaSchema.parse(document.toJS()));

/** What Kubernetes' schemas have against an object; empty if nothing. */
function faults(manifest: Manifest): string {
  try {
    const Model = KINDS[manifest.kind].model as new (data: unknown) => { validate(): void };
    new Model(manifest).validate();
    return "";
  } catch (error) {
    return String(error);
  }
}

const container = z.looseObject({
  name: z.string(),
  image: z.string(),
  securityContext: z.unknown(),
  envFrom: z.array(z.looseObject({ configMapRef: z.object({ name: z.string() }) })),
  env: z.undefined().optional(),
  resources: z.object({
    requests: z.object({ cpu: z.string(), memory: z.string() }),
    limits: z.strictObject({ memory: z.string() }),
  }),
});
const podSchema = z.looseObject({
  automountServiceAccountToken: z.literal(false),
  enableServiceLinks: z.literal(false),
  hostNetwork: z.undefined().optional(),
  hostPID: z.undefined().optional(),
  hostIPC: z.undefined().optional(),
  initContainers: z.undefined().optional(),
  securityContext: z.unknown(),
  containers: z.array(container).length(1),
  volumes: z.array(z.looseObject({ name: z.string(), hostPath: z.undefined().optional() })),
});
const withPod = z.looseObject({ spec: z.looseObject({ template: z.looseObject({ spec: podSchema }) }) });
const podOf = (manifest: Manifest) => withPod.parse(manifest).spec.template.spec;

/** What each container is started with. */
const RIGHTS = {
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  capabilities: { drop: ["ALL"] },
};
const POD_RIGHTS = {
  runAsNonRoot: true,
  runAsUser: 1000,
  runAsGroup: 1000,
  fsGroup: 1000,
  seccompProfile: { type: "RuntimeDefault" },
};

function suite(manifests: readonly Manifest[]): void {
  const one = (kind: Manifest["kind"], name = "bakehouse") =>
    manifests.find((manifest) => manifest.kind === kind && manifest.metadata.name.startsWith(name));

  test("each object is valid by Kubernetes' own schemas, and has no member that those do not know", () => {
    expect(manifests.map((manifest) => `${manifest.metadata.name}: ${faults(manifest)}`)).toEqual(
      manifests.map(({ metadata }) => `${metadata.name}: `),
    );
    const kinds = [...new Set(manifests.map(({ kind, apiVersion }) => ({ kind, apiVersion })))];
    const imports = new Map(
      kinds.map(({ kind, apiVersion }) => [
        kind,
        `import type { I${kind} } from "${KINDS[kind].package}/${apiVersion}/${kind}";`,
      ]),
    );
    const values = (all: readonly Manifest[]) =>
      all.map((value, number) => `export const v${number}: I${value.kind} = ${JSON.stringify(value)};`);
    expect(typeProblems([...imports.values(), ...values(manifests)].join("\n"))).toBe("");
  });

  test("what runs has no rights: no root, no token, no capability, nothing to write to but its data", () => {
    for (const kind of ["Deployment", "Job"] as const) {
      const pod = podOf(one(kind) ?? expect.fail(kind));
      expect(pod.securityContext, kind).toEqual(POD_RIGHTS);
      expect(pod.containers[0]?.securityContext, kind).toEqual(RIGHTS);
      const writable = pod.volumes.filter((volume) => "emptyDir" in volume).map(({ name }) => name);
      expect(writable, kind).toEqual(["data"]);
    }
    expect(one("ServiceAccount")).toMatchObject({ automountServiceAccountToken: false });
  });

  test("secrets come by reference alone, and only to the owner of those files", () => {
    expect(manifests.map(({ kind }) => kind)).not.toContain("Secret");
    const volumes = [one("Deployment"), one("Job")].flatMap((manifest) =>
      podOf(manifest ?? expect.fail()).volumes.filter(({ name }) => name === "secrets"),
    );
    expect(volumes).toMatchObject([
      { secret: { secretName: "bakehouse", defaultMode: 0o440 } },
      { projected: { defaultMode: 0o440 } },
    ]);
  });

  test("probes, Service and budget lead to what the Deployment has", () => {
    const [server] = podOf(one("Deployment") ?? expect.fail()).containers;
    expect(server).toMatchObject({
      ports: [
        { name: "http", containerPort: 8080 },
        { name: "metrics", containerPort: 9464 },
      ],
      startupProbe: { httpGet: { path: "/healthz", port: "http" } },
      readinessProbe: { httpGet: { path: "/readyz", port: "http" } },
      livenessProbe: { httpGet: { path: "/healthz", port: "http" } },
    });
    const labels = { "app.kubernetes.io/name": "bakehouse", "app.kubernetes.io/component": "server" };
    expect(one("Deployment")).toMatchObject({
      spec: { selector: { matchLabels: labels }, template: { metadata: { labels } } },
    });
    expect(one("PodDisruptionBudget")).toMatchObject({ spec: { selector: { matchLabels: labels } } });
    const services = manifests.filter(({ kind }) => kind === "Service");
    expect(services).toMatchObject([
      { metadata: { name: "bakehouse" }, spec: { selector: labels, ports: [{ targetPort: "http" }] } },
      { spec: { clusterIP: "None", selector: labels, ports: [{ name: "metrics", targetPort: "metrics" }] } },
    ]);
    // The Service for callers has no metrics, and the job is called as alerts have it.
    const metrics = { "app.kubernetes.io/name": "bakehouse", "app.kubernetes.io/component": "metrics" };
    expect(services[1]).toMatchObject({ metadata: { labels: metrics } });
    expect(one("ServiceMonitor")).toMatchObject({
      spec: {
        jobLabel: "app.kubernetes.io/name",
        selector: { matchLabels: metrics },
        endpoints: [{ port: "metrics", path: "/metrics" }],
      },
    });
  });
}

describe("the files", () => {
  const manifests = FILES.flatMap((name) => manifestsIn(deployed(`kubernetes/${name}`)));
  suite(manifests);

  test("the operator's rules are those of the folder prometheus", () => {
    const file = "kubernetes/components/monitoring/prometheus-rule.yaml";
    const groups = ["rules", "alerts"].flatMap(
      (name) => parse(deployed(`prometheus/bakehouse.${name}.yaml`)).groups,
    );
    const { spec, ...rest } = parse(deployed(file));
    if (process.env["BAKEHOUSE_UPDATE_RULES"] === "1") {
      const [comment = ""] = deployed(file).split("\n");
      const text = stringify({ ...rest, spec: { groups } }, { lineWidth: 120 });
      writeFileSync(join(DEPLOY, file), `${comment}\n${text}`);
    } else expect(spec).toEqual({ groups });
  });

  test("time to stop is longer than it takes", () => {
    const deployment = manifests.find(({ kind }) => kind === "Deployment");
    const settings = parse(deployed("kubernetes/base/kustomization.yaml")).configMapGenerator[0].literals;
    expect(settings).toContain("SHUTDOWN_DELAY=10s");
    expect(podOf(deployment ?? expect.fail())["terminationGracePeriodSeconds"]).toBeGreaterThan(10 + 5);
  });

  test("a member that Kubernetes does not know is found", () => {
    const made = (spec: string) =>
      typeProblems(
        `import type { IServiceAccount } from "kubernetes-models/v1/ServiceAccount";\nexport const a: IServiceAccount = ${spec};\n`,
      );
    expect(made('{ apiVersion: "v1", kind: "ServiceAccount", automountToken: false }')).toContain(
      "automountToken",
    );
  });
});

// Where it is missing the run says so (support/at-hand.ts).
const kubectl = findKubectl();
if (kubectl !== undefined)
  describe("the production overlay, as kubectl builds it", () => {
    const { ok, output, stdout } = runProgram(kubectl, [
      "kustomize",
      join(DEPLOY, "kubernetes/overlays/production"),
    ]);
    const manifests = ok ? manifestsIn(stdout) : [];

    test("it is built without a warning", () => {
      expect({ ok, output }).toEqual({ ok: true, output: stdout });
      expect(manifests).toHaveLength(FILES.length + 1);
    });

    suite(manifests);

    test("all of it is in the namespace, which lets nothing in that has more rights", () => {
      const namespaced = manifests.filter(({ kind }) => kind !== "Namespace");
      expect(new Set(namespaced.map(({ metadata }) => metadata.namespace))).toEqual(new Set(["bakehouse"]));
      expect(manifests.find(({ kind }) => kind === "Namespace")).toMatchObject({
        metadata: { labels: { "pod-security.kubernetes.io/enforce": "restricted" } },
      });
    });

    test("its settings are settings, and both containers have them and the same image", () => {
      const settings = manifests.find(({ kind }) => kind === "ConfigMap");
      const { data } = z.object({ data: z.record(z.string(), z.string()) }).parse(settings);
      const config = parseConfig(data, (path) =>
        path.endsWith("database-url")
          ? "postgres://bakehouse@db/bakehouse"
          : Buffer.alloc(32, 7).toString("base64"),
      );
      expect(config.publicUrl).toBe("https://tokens.example.com");
      const containers = manifests
        .filter(({ kind }) => kind === "Deployment" || kind === "Job")
        .map((manifest) => podOf(manifest).containers[0]);
      expect(new Set(containers.map((one) => one?.image)).size).toBe(1);
      expect(containers.map((one) => one?.envFrom)).toEqual(
        containers.map(() => [{ configMapRef: { name: settings?.metadata.name } }]),
      );
      // The metrics' address is a setting of the part that serves them.
      expect(config.warnings).toEqual([]);
    });
  });
