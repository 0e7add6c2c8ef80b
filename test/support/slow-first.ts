import { relative } from "node:path";

import { BaseSequencer, type TestSpecification } from "vitest/node";

/**
 * The files that take longest, in that order. Vitest knows how long each took last time, but a fresh checkout has
 * no last time, and the one long file that is begun last is waited for alone.
 */
const SLOWEST = [
  "crash/crash.test.ts",
  "cli/transcripts.test.ts",
  "secrets/secrets.test.ts",
  "pages/axe.test.ts",
  "storage/plans/plans.test.ts",
  "package/service.test.ts",
  "demo/demo.test.ts",
  "drain/drain.test.ts",
  "readme/readme.test.ts",
  "service/rewrap.test.ts",
  "revocation/failover.test.ts",
  "workers/workers.test.ts",
  "revocation/restore.test.ts",
  "http/routes.test.ts",
  "service/starts.test.ts",
  "storage/migrate.test.ts",
  "matrix/story.test.ts",
  "start/readiness.test.ts",
  "audit/tampered.test.ts",
  "storage/revocations.test.ts",
  "storage/store.test.ts",
  "cli/readme.test.ts",
  "revocation/targets.test.ts",
  "revocation/replicas.test.ts",
  "service/keys.test.ts",
  "service/master-key-change.test.ts",
  "start/waiting.test.ts",
  "revocation/faults.test.ts",
  "storage/chain.test.ts",
  "storage/outage.test.ts",
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
