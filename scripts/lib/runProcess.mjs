import { spawn } from "node:child_process";

const running = new Set();

/** Ends every process that `runProcess` still has running. */
export const stopProcesses = () => {
  for (const child of running) child.kill("SIGTERM");
};

/**
 * Runs a program to its end: `{ code, output, timedOut }`, output being both streams in the order they came.
 * With `inherit` the output goes to this terminal instead. Never rejects: a program that cannot be started has code 127 and says why in its output.
 */
export const runProcess = (file, args, { cwd, env = process.env, timeoutMs = 0, inherit = false } = {}) =>
  new Promise((done) => {
    const child = spawn(file, args, { cwd, env, stdio: inherit ? ["ignore", "inherit", "inherit"] : ["ignore", "pipe", "pipe"] });
    running.add(child);
    let output = "";
    let timedOut = false;
    const collect = (chunk) => {
      output += chunk;
    };
    child.stdout?.setEncoding("utf8").on("data", collect);
    child.stderr?.setEncoding("utf8").on("data", collect);
    let killTimer;
    const timer =
      timeoutMs > 0 &&
      setTimeout(() => {
        timedOut = true;
        child.kill("SIGTERM");
        killTimer = setTimeout(() => child.kill("SIGKILL"), 5_000);
      }, timeoutMs);
    const end = (code) => {
      clearTimeout(timer || undefined);
      clearTimeout(killTimer);
      running.delete(child);
      done({ code, output, timedOut });
    };
    child.on("error", (error) => {
      output += error.message;
      end(127);
    });
    child.on("close", (code, signal) => end(code ?? (signal === "SIGKILL" ? 137 : 143)));
  });
