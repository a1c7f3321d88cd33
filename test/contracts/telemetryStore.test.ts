import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";
import { openDuckdbStore } from "#adapters/store/duckdbStore";
import { openInMemoryStore } from "#adapters/store/inMemoryStore";
import { telemetryStoreContract } from "./telemetryStore.js";

const root = mkdtempSync(join(tmpdir(), "isotherm-store-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

telemetryStoreContract("inMemoryStore", async () => openInMemoryStore());

let made = 0;
let dataDir = "";
const onWarning = () => undefined;
telemetryStoreContract(
  "duckdbStore",
  () => {
    dataDir = join(root, String(made++));
    return openDuckdbStore(dataDir, { onWarning });
  },
  async (store) => {
    await store.close();
    return openDuckdbStore(dataDir, { onWarning });
  },
);
