import { accessSync, constants, existsSync, readdirSync, readFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { runProcess } from "./runProcess.mjs";

const onPath = (program) =>
  [...(process.env.PATH ?? "").split(delimiter), "/usr/sbin", "/usr/local/sbin"].some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return folder !== "";
    } catch {
      return false;
    }
  });

const openBlasFolders = () =>
  ["/usr/lib", "/usr/local/lib", "/usr/lib64", "/opt/homebrew/opt/openblas/lib", "/usr/local/opt/openblas/lib"].flatMap((folder) =>
    existsSync(folder)
      ? [folder, ...readdirSync(folder).flatMap((name) => [join(folder, name), join(folder, name, "openblas-pthread")])]
      : [],
  );
const hasOpenBlas = () =>
  openBlasFolders().some((folder) => ["libopenblas.so.0", "libopenblas.dylib"].some((file) => existsSync(join(folder, file))));

/** What some tests need beyond npm packages: how to see that it is there, and which Debian package and service bring it. */
export const optionalParts = [
  { name: "Mosquitto broker", debian: "mosquitto", service: "mosquitto", isPresent: () => onPath("mosquitto") },
  {
    name: "Mosquitto command-line clients",
    debian: "mosquitto-clients",
    isPresent: () => onPath("mosquitto_pub") && onPath("mosquitto_sub"),
  },
  { name: "InfluxDB server", debian: "influxdb", service: "influxdb", isPresent: () => onPath("influxd") },
  { name: "InfluxDB command-line client", debian: "influxdb-client", isPresent: () => onPath("influx") },
  { name: "Chromium", debian: "chromium", isPresent: () => onPath("chromium") },
  {
    // A Vulkan driver that computes on the processor, and a loader for it: what WebGPU is tested on where there is no graphics processor.
    name: "SwiftShader",
    debian: "chromium",
    isPresent: () => ["vk_swiftshader_icd.json", "libvulkan.so.1"].every((file) => existsSync(join("/usr/lib/chromium", file))),
  },
  { name: "OpenBLAS", debian: "libopenblas0-pthread", isPresent: hasOpenBlas },
];

const isDebian = () => {
  try {
    return /^ID(_LIKE)?=.*\b(debian|ubuntu)\b/m.test(readFileSync("/etc/os-release", "utf8")) && onPath("apt-get");
  } catch {
    return false;
  }
};

/** Why packages cannot be installed here, or null where they can. */
const obstacle = () => {
  if (!isDebian()) return "this is not a Debian system with apt-get";
  if (process.getuid?.() !== 0) return "installing it needs root";
  return null;
};

const lastLines = (text) => text.trim().split("\n").slice(-2).join(" ").trim();

/** A package's own service would go on running after the tests, which start servers of their own on free ports. */
const stopService = async (service) => {
  const state = await runProcess("service", [service, "status"], { timeoutMs: 20_000 });
  if (state.code === 0) await runProcess("service", [service, "stop"], { timeoutMs: 60_000 });
};

/**
 * Installs the Debian packages of the parts that are absent, where this user may; never throws and never takes longer than `limitMs`.
 * Returns the parts still absent, each with the reason.
 */
export const provideParts = async ({
  say = () => {},
  parts = optionalParts,
  limitMs = 600_000,
  run = runProcess,
  whyNot = obstacle,
} = {}) => {
  const absent = parts.filter((part) => !part.isPresent());
  if (absent.length === 0) return [];
  const reason = whyNot();
  if (reason !== null) return absent.map((part) => ({ name: part.name, reason: `Debian package ${part.debian}: ${reason}` }));

  const deadline = Date.now() + limitMs;
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  const apt = (args) =>
    run("apt-get", ["-qq", "-o", "DPkg::Lock::Timeout=120", ...args], { env, timeoutMs: Math.max(1_000, deadline - Date.now()) });
  const explain = ({ code, output, timedOut }) =>
    timedOut ? "apt-get took too long" : code === 0 ? "" : `apt-get failed: ${lastLines(output)}`;
  const install = (packages) => apt(["install", "-y", "--no-install-recommends", ...new Set(packages)]);

  say(`Installing ${absent.map((part) => part.debian).join(", ")}`);
  const update = await apt(["update"]);
  const together = await install(absent.map((part) => part.debian));
  const reasons = new Map();
  if (together.code !== 0) {
    // One package that cannot be had must not keep the others away.
    for (const part of absent.filter((one) => !one.isPresent())) {
      const alone = await install([part.debian]);
      if (alone.code !== 0) reasons.set(part.name, explain(alone) || explain(update));
    }
  }
  for (const part of absent) if (part.service !== undefined && part.isPresent()) await stopService(part.service);
  return absent
    .filter((part) => !part.isPresent())
    .map((part) => ({
      name: part.name,
      reason: `Debian package ${part.debian}: ${reasons.get(part.name) || "installed, but its program was not found"}`,
    }));
};
