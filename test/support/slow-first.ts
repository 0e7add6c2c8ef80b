import { relative } from "node:path";

import { BaseSequencer, type TestSpecification } from "vitest/node";

/**
 * The files that take longest, in that order. Vitest knows how long each took last time, but a fresh checkout has
 * no last time, and the one long file that is begun last is waited for alone.
 */
const SLOWEST = [
  "crash/crash.test.ts",
  "secrets/secrets.test.ts",
  "cli/transcripts.test.ts",
  "demo/demo.test.ts",
  "package/service.test.ts",
  "drain/drain.test.ts",
  "workers/workers.test.ts",
  "storage/plans/plans.test.ts",
  "revocation/restore.test.ts",
  "start/readiness.test.ts",
  "service/starts.test.ts",
  "revocation/targets.test.ts",
  "service/master-key-change.test.ts",
  "revocation/failover.test.ts",
  "service/keys.test.ts",
  "cli/readme.test.ts",
  "revocation/paused.test.ts",
  "revocation/faults.test.ts",
  "matrix/story.test.ts",
  "start/waiting.test.ts",
  "service/stranger-look-ups.test.ts",
  "http/routes.test.ts",
  "client/local-verifier.test.ts",
  "revocation/stream.test.ts",
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
