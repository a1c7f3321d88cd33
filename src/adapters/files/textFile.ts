import { gzipSync } from "node:zlib";
import { atomicWrite } from "#adapters/files/atomicWrite";

/** Writes a text that comes in pieces, whole or not at all; a name that ends in `.gz` is compressed. */
export async function writeTextFile(file: string, chunks: Iterable<string>): Promise<void> {
  if (file.endsWith(".gz")) await atomicWrite(file, gzipSync(Buffer.from([...chunks].join("")), { level: 9 }));
  else await atomicWrite(file, chunks);
}

function* lines(values: Iterable<unknown>): Iterable<string> {
  for (const value of values) yield `${JSON.stringify(value)}\n`;
}

/** Writes one JSON text a line. */
export const writeJsonLines = (file: string, values: Iterable<unknown>): Promise<void> => writeTextFile(file, lines(values));
