import { execFile } from "node:child_process";
import { loadKoffi, openFirstLibrary } from "#math/native";

/** What started this process and watches over it: systemd, where the unit has Type=notify. */
export interface ServiceManager {
  /** It ends a process that is silent for so long, ms; null: nobody watches. */
  readonly watchdogMs: number | null;
  /** Says something of sd_notify(3), e.g. `READY=1`. Never rejects: a service manager that does not listen stops nothing. */
  notify(state: string): Promise<void>;
}

type Send = (state: string) => Promise<void>;

/** libsystemd in this process, so that the unit needs to believe no other one. */
const throughLibrary = async (): Promise<Send | null> => {
  const koffi = await loadKoffi();
  const opened = koffi === null ? null : openFirstLibrary(koffi, ["libsystemd.so.0"]);
  if (opened === null) return null;
  const sdNotify = opened.library.func("int sd_notify(int unset_environment, const char *state)") as (
    unset: number,
    state: string,
  ) => number;
  return async (state) => {
    const code = sdNotify(0, state);
    if (code < 0) throw new Error(`sd_notify answered ${code}`);
  };
};

const throughCommand: Send = (state) =>
  new Promise((resolve, reject) => {
    execFile("systemd-notify", [`--pid=${process.pid}`, state], { timeout: 10_000 }, (error) =>
      error === null ? resolve() : reject(error),
    );
  });

/** The service manager named by the environment (NOTIFY_SOCKET, WATCHDOG_USEC, WATCHDOG_PID); without one `notify` does nothing. */
export const openServiceManager = async (
  onWarning: (text: string) => void,
  env: Readonly<Record<string, string | undefined>> = process.env,
): Promise<ServiceManager> => {
  if (!env.NOTIFY_SOCKET) return { watchdogMs: null, notify: async () => undefined };
  const watchdogMs = Number(env.WATCHDOG_USEC) / 1_000;
  const isOurs = env.WATCHDOG_PID === undefined || Number(env.WATCHDOG_PID) === process.pid;
  const send = (await throughLibrary().catch(() => null)) ?? throughCommand;
  let warned = false;
  return {
    watchdogMs: watchdogMs > 0 && isOurs ? watchdogMs : null,
    notify: async (state) => {
      try {
        await send(state);
      } catch (error) {
        if (!warned) onWarning(`systemd is not told "${state}": ${error instanceof Error ? error.message : String(error)}`);
        warned = true;
      }
    },
  };
};
