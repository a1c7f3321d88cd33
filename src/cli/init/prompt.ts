import { createInterface } from "node:readline/promises";

export interface Prompt {
  /** One line on the terminal; resolves with what was typed. */
  ask(question: string, proposed: string): Promise<string>;
  close(): void;
}

export const openPrompt = (signal: AbortSignal): Prompt => {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  return {
    ask: (question, proposed) => terminal.question(`${question}${proposed === "" ? "" : ` [${proposed}]`}: `, { signal }),
    close: () => terminal.close(),
  };
};
