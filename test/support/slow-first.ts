import { relative } from "node:path";

import { BaseSequencer, type TestSpecification } from "vitest/node";

/**
 * The files that take longest, in that order. Vitest knows how long each took last time, but a fresh checkout has
 * no last time, and the one long file that is begun last is waited for alone.
 */
const SLOWEST = [
  "cli/transcripts.test.ts",
  "crash/crash.test.ts",
  "secrets/secrets.test.ts",
  "pages/axe.test.ts",
  "storage/plans/plans.test.ts",
  "storage/migrate.test.ts",
  "service/starts.test.ts",
  "demo/demo.test.ts",
  "drain/drain.test.ts",
  "mcp/conformance.test.ts",
  "readme/readme.test.ts",
  "workers/workers.test.ts",
  "revocation/failover.test.ts",
  "storage/outage.test.ts",
  "revocation/faults.test.ts",
  "storage/store.test.ts",
  "package/service.test.ts",
  "revocation/restore.test.ts",
  "service/master-key-change.test.ts",
  "start/failures.test.ts",
  "service/keys.test.ts",
  "matrix/story.test.ts",
  "http/routes.test.ts",
  "http/direct.test.ts",
  "start/readiness.test.ts",
  "start/doctor.test.ts",
  "storage/chain.test.ts",
  "audit/tampered.test.ts",
  "mcp/stock-client.test.ts",
  "cli/completion.test.ts",
  "oauth/mortal-grants.test.ts",
  "storage/revocations.test.ts",
  "revocation/targets.test.ts",
  "revocation/replicas.test.ts",
  "start/waiting.test.ts",
  "storage/folder-lock.test.ts",
  "storage/issues.test.ts",
];

/** Begins the slowest files first, and the others in vitest's own order. */
export class SlowFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId, project }: TestSpecification) => {
      const at = SLOWEST.indexOf(relative(project.config.root, moduleId));
      return at < 0 ? SLOWEST.length : at;
    };
    return (await super.sort(files)).sort((a, b) => rank(a) - rank(b));
  }
}
