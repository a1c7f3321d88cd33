import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { installPackages, pythonOf } from "./pythonEnvironment.mjs";

/** What is installed: the newest Home Assistant for Python 3.11, whose schemas judge what isotherm announces over MQTT. */
export const requirementsFile = fileURLToPath(new URL("../homeAssistantRequirements.txt", import.meta.url));

export const environmentFolder = (root) => join(root, ".venv/homeassistant");
/** Written last: an environment without it was not finished, one with another text is of other versions. */
const markOf = (root) => join(environmentFolder(root), "isothermRequirements.txt");

/** Path of a Python that has Home Assistant's schemas in the checkout's environment, or null. */
export const findHomeAssistant = (root) => {
  const python = pythonOf(environmentFolder(root));
  const mark = markOf(root);
  const isWhole = existsSync(python) && existsSync(mark) && readFileSync(mark, "utf8") === readFileSync(requirementsFile, "utf8");
  return isWhole ? python : null;
};

/** Installs Home Assistant's schemas into the checkout's own Python environment. Returns `{ python }` or `{ reason }`; never throws, never takes longer than `limitMs`. */
export const installHomeAssistant = async ({ root, say, limitMs = 180_000 }) => {
  const { found, reason } = await installPackages({
    environment: environmentFolder(root),
    label: "Home Assistant's schemas (homeassistant 2024.3.3, 45 MB)",
    // Python 3.12 ceased to bring setuptools, which this version needs.
    pythons: { oldest: [3, 11], before: [3, 12] },
    // Compiling its thousands of files would take longer than all the rest; without a network it should be known soon.
    pipArgs: ["--no-compile", "--retries", "1", "--timeout", "20", "-r", requirementsFile],
    find: () => findHomeAssistant(root),
    installed: () => writeFileSync(markOf(root), readFileSync(requirementsFile)),
    say,
    limitMs,
  });
  return found === undefined ? { reason } : { python: found };
};
