import { writeFile } from "node:fs/promises";

import { printOpenapi } from "./print.ts";

await writeFile(new URL("../../../openapi.yaml", import.meta.url), printOpenapi());
