import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export interface Certificates {
  /** PEM text of `<name>.pem` or `<name>.key` in the folder. */
  pem(file: string): string;
}

/** Makes an authority (`ca`) and certificates signed by it, valid for two days, in `folder`; `names` maps a file name to its DNS name. */
export const makeCertificates = (folder: string, names: Readonly<Record<string, string>>): Certificates => {
  const openssl = (...args: string[]): void => {
    execFileSync("openssl", args, { stdio: "ignore", cwd: folder });
  };
  const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
  openssl("req", "-x509", ...curve, "-days", "2", "-subj", "/CN=ca", "-keyout", "ca.key", "-out", "ca.pem");
  for (const [name, dns] of Object.entries(names)) {
    writeFileSync(join(folder, `${name}.san`), `subjectAltName=DNS:${dns}`);
    openssl("req", ...curve, "-subj", `/CN=${dns}`, "-keyout", `${name}.key`, "-out", `${name}.csr`);
    const signed = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-extfile", `${name}.san`];
    openssl("x509", "-req", "-in", `${name}.csr`, ...signed, "-out", `${name}.pem`);
  }
  return { pem: (file) => readFileSync(join(folder, file), "utf8") };
};
