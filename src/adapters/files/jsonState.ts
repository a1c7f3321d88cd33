import { readFileSync } from "node:fs";
import type { z } from "zod";
import { atomicWrite } from "#adapters/files/atomicWrite";

/** What a state file of before a restart holds; `fallback` where there is none, or where it is damaged, which is told to `onDamaged`. */
export const readJsonState = <T>(file: string, schema: z.ZodType<T>, fallback: T, onDamaged: () => void): T => {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch {
    return fallback;
  }
  try {
    return schema.parse(JSON.parse(text));
  } catch {
    onDamaged();
    return fallback;
  }
};

/** Writes states of one file whole and one after another; of several that wait only the newest. */
export interface JsonStateWriter {
  write(state: unknown): void;
  /** Resolves after the last write. */
  settled(): Promise<void>;
}

/** Readable by its owner only; what cannot be written is told to `onError`, and the next state is tried all the same. */
export const createJsonStateWriter = (file: string, onError: (error: unknown) => void): JsonStateWriter => {
  let wanted: string | null = null;
  let running: Promise<void> = Promise.resolve();
  const writeNewest = async (): Promise<void> => {
    const text = wanted;
    if (text === null) return;
    wanted = null;
    await atomicWrite(file, text, { mode: 0o600 });
  };
  return {
    write: (state) => {
      wanted = JSON.stringify(state);
      running = running.then(writeNewest).catch(onError);
    },
    settled: () => running,
  };
};
