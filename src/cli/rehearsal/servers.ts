import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { freePort, startMosquitto, untilTrue } from "#cli/rehearsal/broker";

const checkout = fileURLToPath(new URL(import.meta.url.includes("/dist/") ? "../../../../" : "../../../", import.meta.url));
export const users = ["isotherm", "building", "homeassistant", "utility", "engineer", "reader"] as const;
export const passwordOf = (user: string): string => `${user}-secret`;

export interface SecureBroker {
  /** Starts it again after its process was ended, on the same port. */
  readonly start: () => Promise<ChildProcess>;
  readonly url: string;
  readonly tls: { readonly ca: string; readonly cert: string; readonly key: string; readonly servername: string };
}

/** The shipped Mosquitto configuration and ACL, with certificates made for the occasion. */
export const startSecureBroker = async (folder: string): Promise<SecureBroker> => {
  const openssl = (...args: string[]): void => void execFileSync("openssl", args, { stdio: "ignore", cwd: folder });
  const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
  openssl("req", "-x509", ...curve, "-days", "2", "-subj", "/CN=ca", "-keyout", "ca.key", "-out", "ca.pem");
  for (const name of ["server", "client"]) {
    writeFileSync(join(folder, `${name}.san`), `subjectAltName=DNS:${name}.example`);
    openssl("req", ...curve, "-subj", `/CN=${name}.example`, "-keyout", `${name}.key`, "-out", `${name}.csr`);
    const signed = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-extfile", `${name}.san`];
    openssl("x509", "-req", "-in", `${name}.csr`, ...signed, "-out", `${name}.pem`);
  }
  for (const [i, user] of users.entries())
    execFileSync("mosquitto_passwd", [...(i === 0 ? ["-c"] : []), "-b", join(folder, "passwd"), user, passwordOf(user)]);
  const port = await freePort();
  const lines = readFileSync(join(checkout, "config/mosquitto/mosquitto.conf"), "utf8")
    .replace("/var/lib/mosquitto/", `${folder}/`)
    .replaceAll("/etc/mosquitto/isotherm/acl", join(checkout, "config/mosquitto/acl"))
    .replaceAll("/etc/mosquitto/isotherm/", `${folder}/`)
    .replace("listener 8883", `listener ${port} 127.0.0.1`);
  const pem = (file: string): string => readFileSync(join(folder, file), "utf8");
  return {
    start: () => startMosquitto(folder, port, lines.split("\n")),
    url: `mqtts://127.0.0.1:${port}`,
    tls: { ca: pem("ca.pem"), cert: pem("client.pem"), key: pem("client.key"), servername: "server.example" },
  };
};

export interface SecureInflux {
  readonly url: string;
  readonly child: ChildProcess;
  /** Starts it again after its process was ended, with what it had. */
  readonly start: () => Promise<ChildProcess>;
}

/** An InfluxDB 1.x with authentication, a database `isotherm` and a user `isotherm` who may write and read it. */
export const startInflux = async (folder: string): Promise<SecureInflux> => {
  const [port, rpc] = [await freePort(), await freePort()];
  const file = join(folder, "influxdb.conf");
  const at = (name: string): string => join(folder, "influx", name);
  writeFileSync(
    file,
    `reporting-disabled = true
bind-address = "127.0.0.1:${rpc}"
[meta]
  dir = "${at("meta")}"
[data]
  dir = "${at("data")}"
  wal-dir = "${at("wal")}"
[http]
  bind-address = "127.0.0.1:${port}"
  auth-enabled = true
  log-enabled = false
[monitor]
  store-enabled = false
`,
  );
  const url = `http://127.0.0.1:${port}`;
  const start = async (): Promise<ChildProcess> => {
    const child = spawn("influxd", ["-config", file], { stdio: "ignore" });
    await untilTrue("influxd", 30_000, () =>
      fetch(`${url}/ping`).then(
        ({ status }) => status === 204,
        () => false,
      ),
    );
    return child;
  };
  const child = await start();
  const query = async (q: string, user?: string): Promise<void> => {
    const headers = user === undefined ? {} : { authorization: `Basic ${Buffer.from(user).toString("base64")}` };
    const answer = await fetch(`${url}/query?q=${encodeURIComponent(q)}`, { method: "POST", headers });
    const text = await answer.text();
    if (!answer.ok || text.includes('"error"')) throw new Error(`${q}: ${text}`);
  };
  await query(`CREATE USER admin WITH PASSWORD 'admin-secret' WITH ALL PRIVILEGES`);
  const admin = "admin:admin-secret";
  await query("CREATE DATABASE isotherm", admin);
  await query(`CREATE USER isotherm WITH PASSWORD '${passwordOf("isotherm")}'`, admin);
  await query("GRANT ALL ON isotherm TO isotherm", admin);
  return { child, url, start };
};
